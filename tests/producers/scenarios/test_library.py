from pathlib import Path

import pytest

from producers.scenarios.library import library, parse_scenario, read_scenario
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
