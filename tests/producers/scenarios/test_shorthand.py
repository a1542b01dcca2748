import pytest

from producers.scenarios.library import read_scenario
from producers.scenarios.shorthand import resolve_bases
from schemas.errors import ScenarioError

FILES = {
    "bottom": 'story = "Old."\nseed = 1\n[a]\nx = 1\ny = 2\n[[sources]]\nid = "aa"\nname = "AA"\npace = 1\n',
    "middle": 'base = "bottom"\n[a]\ny = 3\n[[sources]]\nid = "aa"\npace = 2\n',
    "round": 'base = "about"\n',
    "about": 'base = "round"\n',
    "lost": 'base = "nowhere"\n',
}


def read(name: str) -> str:
    if name not in FILES:
        raise FileNotFoundError(f" There is: {', '.join(FILES)}.")
    return FILES[name]


def test_a_file_says_only_what_differs() -> None:
    text = 'base = "middle"\nseed = 5\n[[sources]]\nid = "iha"\nlike = "aa"\nname = "İHA"\n'
    assert resolve_bases("top", text, read) == {
        "seed": 5,
        "a": {"x": 1, "y": 3},
        "sources": [{"id": "aa", "name": "AA", "pace": 2}, {"id": "iha", "name": "İHA", "pace": 2}],
    }


def test_a_story_is_not_inherited() -> None:
    assert "story" not in resolve_bases("top", 'base = "bottom"\n', read)


def test_lists_without_ids_are_replaced() -> None:
    assert resolve_bases("top", 'base = "bottom"\nsources = [1]\n', read)["sources"] == [1]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('base = "top"\n', "top → top"),
        ('base = "round"\n', "round → about → round"),
        ('base = "nowhere"\n', "builds on 'nowhere', and there is no such scenario. There is: bottom"),
        ('base = "lost"\n', "lost builds on 'nowhere'"),
        ("base = 3\n", "must be the name of a scenario"),
        ("base =\n", "not readable as TOML"),
    ],
)
def test_a_base_that_leads_nowhere_is_told(text: str, told: str) -> None:
    with pytest.raises(ScenarioError) as caught:
        resolve_bases("top", text, read)
    assert told in str(caught.value)


def test_the_whole_country_has_its_boxes_voters_and_districts() -> None:
    turkiye = read_scenario("turkiye-2024")
    assert sum(district.boxes for district in turkiye.districts) == 206_845
    assert sum(district.registered for district in turkiye.districts) == 61_441_882
    assert (len(turkiye.provinces), len(turkiye.districts)) == (81, 973)


def test_districts_differ_in_size_and_character() -> None:
    istanbul = [one for one in read_scenario("turkiye-2024").districts if one.id.startswith("tr/34/")]
    assert len(istanbul) == 39
    assert max(one.boxes for one in istanbul) > 5 * min(one.boxes for one in istanbul)
    shares = [one.results["mayor"].votes["chp"] / one.results["mayor"].valid for one in istanbul]
    assert max(shares) - min(shares) > 0.2


def test_no_box_has_more_voters_than_a_roll_holds() -> None:
    assert max(one.registered / one.boxes for one in read_scenario("turkiye-2024").districts) < 350


def test_the_same_districts_are_drawn_every_time() -> None:
    assert read_scenario("turkiye-2024").districts == read_scenario("turkiye-2024").districts
