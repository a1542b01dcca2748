from importlib import resources
from pathlib import Path

import pytest

from producers.simulating.library import library, parse_scenario, read_scenario, resolve_bases
from schemas.errors import ScenarioError

BASED = 'base = "istanbul-2024"\n'
FREEZE = '[[acts]]\nkind = "freeze"\nsource = "aa"\nat_share = 0.9\nuntil = 2024-04-01T12:00:00+03:00\n'


def refusal(text: str) -> str:
    with pytest.raises(ScenarioError) as caught:
        parse_scenario(text, "mine")
    return str(caught.value)


def test_the_library_lists_every_scenario_with_a_story_of_its_own() -> None:
    told = library()
    assert len({one.story for one in told}) == len(told) > 17
    assert [one.name for one in told] == sorted(one.name for one in told)


def test_a_scenario_of_the_library_may_be_named_by_its_file() -> None:
    file = resources.files("producers") / "scenarios" / "quiet.toml"

    assert read_scenario("quiet") == read_scenario(str(file))


def test_a_file_that_is_not_there_is_told() -> None:
    with pytest.raises(ScenarioError, match=r"nowhere\.toml cannot be read"):
        read_scenario("nowhere.toml")


def test_a_file_is_read_like_a_scenario_of_the_library(tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text(BASED + 'story = "Mine."\nseed = 99\n', encoding="utf-8")
    mine = read_scenario(str(file))
    assert (mine.story, mine.seed) == ("Mine.", 99)
    assert mine.districts == read_scenario().districts


@pytest.mark.parametrize("content", [None, b"\xff\xfe"])
def test_a_file_that_cannot_be_read_is_told(tmp_path: Path, content: bytes | None) -> None:
    file = tmp_path / "mine.toml"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(ScenarioError, match=r"mine\.toml cannot be read"):
        read_scenario(str(file))


def test_a_name_with_a_typo_is_told_the_nearest() -> None:
    with pytest.raises(ScenarioError, match=r"no scenario 'late-filp'\. Did you mean 'late-flip'\?"):
        read_scenario("late-filp")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("sead = 1\n", "sead: Extra inputs are not permitted. Did you mean 'seed'?"),
        (
            '[[sources]]\nid = "aa"\ntypos = 0.1\n',
            "sources.aa.typos: Extra inputs are not permitted. Did you mean 'typo'?",
        ),
        ('[[sources]]\nid = "ana"\ntypo = 0.1\n', "no 'ana'. Did you mean 'anka'?"),
        ('[[sources]]\nid = "iha"\nlike = "anca"\n', "iha is like 'anca', which is not there. Did you mean 'anka'?"),
        ('[[sources]]\nid = "aa"\ntypo = 1.5\n', "sources.aa.typo: Input should be less than or equal to 1"),
        ('[[sources]]\nid = "iha"\nlike = "aa"\nname = "İHA"\nrelays = "ankara"\n', "source of its own 'ankara'"),
        ('[[sources]]\nid = "aa"\ncoverage_in = { "tr/34/uskudr" = 0.1 }\n', "Did you mean 'tr/34/uskudar'?"),
        (FREEZE.replace("freeze", "freze"), "Did you mean 'freeze'?"),
        (FREEZE.replace("at_share", "at_shere"), "at_shere: Extra inputs are not permitted. Did you mean 'at_share'?"),
        (FREEZE.replace("0.9", "98.8"), "at_share: Input should be less than or equal to 1"),
        (FREEZE.replace('"aa"', '"a"'), "acts.0 (freeze): there is no source 'a'. Did you mean 'aa'?"),
        (FREEZE.replace("+03:00", ""), "until: Input should have timezone info"),
        ('[[acts]]\nkind = "late_start"\nunits = ["tr/43"]\nminutes = 1\n', "no unit 'tr/43'. Did you mean 'tr/34'?"),
        ("[outcome.metropolitan_major]\nkurum = 0.1\n", "no contest 'metropolitan_major'. Did you mean"),
        ("[outcome.metropolitan_mayor]\nkurun = 0.1\n", "no candidate 'kurun'. Did you mean 'kurum'?"),
        ("[outcome.metropolitan_mayor]\nkurum = 0.6\nimamoglu = 0.5\n", "must leave something"),
        ("[outcome.district_mayor]\nchp = 0.6\n", "its ballot differs between districts"),
        ('[[faults]]\nstage = "silense"\n', "Did you mean 'silence'?"),
        ('[[faults]]\nstage = "delay"\nby = 3\n', "by: Extra inputs are not permitted. Did you mean 'by_s'?"),
        (
            '[[faults]]\nstage = "delay"\nsource = "anca"\n',
            "faults.0 (delay): there is no source 'anca'. Did you mean 'anka'?",
        ),
        ('[[provinces]]\nid = "tr/34"\nname = ""\n', "provinces.tr/34.name"),
        ('[[districts]]\nid = "tr/35/x"\nlike = "tr/34/sile"\n', "tr/35/x: there is no such province"),
    ],
)
def test_a_scenario_with_a_mistake_is_told_where_and_what_was_meant(text: str, told: str) -> None:
    assert told in refusal(BASED + text)


MISCOUNT = '[[acts]]\nkind = "miscount"\nshare = 0.1\ntakes = "kurum"\npart = 0.5\nsince = 2024-04-01T12:00:00Z\n'


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (MISCOUNT + "until = 2024-04-01T12:00:00Z\n", "until must be later than since"),
        (MISCOUNT.replace("share = 0.1\n", "") + "until = 2024-04-02T12:00:00Z\n", "say either with boxes"),
        (MISCOUNT + "boxes = 3\nuntil = 2024-04-02T12:00:00Z\n", "say either with boxes"),
        (MISCOUNT.replace("kurum", "kurun") + "until = 2024-04-02T12:00:00Z\n", "no candidate 'kurun'"),
        (
            (
                '[[acts]]\nkind = "hold_back"\nsource = "aa"\ncontest = "metropolitan_mayor"\nvotes = 3\n'
                "since = 2024-04-01T12:00:00Z\nuntil = 2024-04-01T11:00:00Z\n"
            ),
            "until must be later than since",
        ),
        (
            (
                '[[acts]]\nkind = "annulment"\nboxes = 3\ntakes = "kurum"\ngives = "imamoglu"\npart = 0.1\n'
                "at = 2024-04-01T12:00:00Z\nrerun_at = 2024-04-01T11:00:00Z\n"
            ),
            "rerun_at must be later than at",
        ),
    ],
)
def test_an_act_that_contradicts_itself_is_told(text: str, told: str) -> None:
    assert told in refusal(BASED + text)


def test_a_mistake_in_a_spread_is_told() -> None:
    assert "turnaut: Extra inputs are not permitted. Did you mean 'turnout'?" in refusal(
        'base = "turkiye-2024"\n[spread]\nturnaut = 0.5\n'
    )


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
