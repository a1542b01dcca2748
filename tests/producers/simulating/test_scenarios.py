"""Every scenario of the library runs here, and what its story says is what happens on air."""

from datetime import datetime, timedelta
from functools import cache
from itertools import pairwise

import pytest

from producers.simulating.library import library, read_scenario
from producers.simulating.scenario import Annulment, Freeze, HoldBack, ListedTwice, Scenario
from producers.simulating.simulate import night, stage
from schemas.tally import Counted, Withdrawn
from tests.producers.on_air import ZONE, OnAir, lead, leader

BOXES = 40
"""Of each district: 1,553 boxes in İstanbul, enough for every story, in a second or two."""

MAYOR = "metropolitan_mayor"
TOLD_ELSEWHERE = {"istanbul-2024", "turkiye-2024"}
"""The bases: the whole of İstanbul is measured in test_whole_night.py, Türkiye here in its two nights."""


@cache
def scenario(name: str) -> Scenario:
    return read_scenario(name).shrink(boxes_per_district=BOXES)


def boxes_total(name: str) -> int:
    return sum(district.boxes for district in scenario(name).districts)


def air(name: str, *sources: str) -> OnAir:
    """The scenario on air: these sources in the mayor's race, with everything that it does to them."""
    return OnAir(scenario(name).definition(), stage(scenario(name), sources=sources, contests=[MAYOR]))


def moment(text: str) -> datetime:
    return datetime.fromisoformat(f"2024-{text}").replace(tzinfo=ZONE)


def box_of(event: Counted) -> tuple[str, int]:
    return event.district, event.box


def finals(staged: Scenario, until: datetime | None = None) -> list[Counted]:
    """The last that ANKA says of each box by then."""
    newest: dict[tuple[str, int], Counted] = {}
    for due, event in night(staged, sources=["anka"], contests=[MAYOR]):
        if isinstance(event, Counted) and (until is None or due < until):
            newest[box_of(event)] = event
    return list(newest.values())


def test_every_scenario_has_its_story_asserted_here() -> None:
    asserted = {
        name.removeprefix("test_the_story_of_").replace("_", "-")
        for name in globals()
        if name.startswith("test_the_story_of_")
    }
    told = library()
    assert {one.name for one in told} == asserted | TOLD_ELSEWHERE
    assert all(one.story.endswith(".") for one in told)


def test_the_story_of_quiet() -> None:
    assert {(event.type, event.revision) for _, event in night(scenario("quiet"), contests=[MAYOR])} == {("counted", 1)}
    on_air = air("quiet", "aa", "anka").until()
    assert on_air.row("aa").votes == on_air.row("anka").votes
    assert on_air.fold.outcomes.keys() == {"counted"}


def test_the_story_of_landslide() -> None:
    on_air = air("landslide", "aa")
    for share in (0.05, 0.5):
        assert leader(on_air.until_share(share, MAYOR, "aa").row("aa")) == "imamoglu"
    row = on_air.until().row("aa")
    assert row.valid
    assert row.votes["imamoglu"] / row.valid == pytest.approx(0.67, abs=0.001)
    assert {leader(district) for district in on_air.districts("aa").values()} == {"imamoglu"}


def test_the_story_of_photo_finish() -> None:
    whole = read_scenario("photo-finish")
    votes = {name: sum(one.results[MAYOR].votes[name] for one in whole.districts) for name in ("imamoglu", "kurum")}
    assert 0 < votes["imamoglu"] - votes["kurum"] < 2_000
    assert 0 < lead(air("photo-finish", "aa").until().row("aa")) < 0.03


def test_the_story_of_late_flip() -> None:
    on_air = air("late-flip", "aa")
    assert leader(on_air.until_share(0.9, MAYOR, "aa").row("aa")) == "kurum"
    row = on_air.until().row("aa")
    assert leader(row) == "imamoglu"
    assert lead(row) == pytest.approx(1.0, abs=0.1)


def test_the_story_of_tie() -> None:
    votes = air("tie", "aa").until().row("aa").votes
    assert (
        votes["imamoglu"]
        == votes["kurum"]
        > max(count for name, count in votes.items() if name not in {"imamoglu", "kurum"})
    )
    whole = read_scenario("tie")
    first, second = (sum(one.results[MAYOR].votes[name] for one in whole.districts) for name in ("imamoglu", "kurum"))
    assert first == second


def test_the_story_of_three_way_race() -> None:
    on_air = air("three-way-race", "aa").until()
    row = on_air.row("aa")
    assert row.valid
    shares = [row.votes[name] / row.valid for name in ("imamoglu", "kurum", "altinoz")]
    assert shares == sorted(shares, reverse=True)
    assert shares[0] - shares[2] < 0.021
    leaders = [leader(district) for district in on_air.districts("aa").values()]
    assert set(leaders) == {"imamoglu", "kurum", "altinoz"}


def test_the_story_of_freeze() -> None:
    staged = scenario("freeze")
    (act,) = (one for one in staged.acts if isinstance(one, Freeze))
    dues = [due for due, _ in night(staged, sources=["aa"], contests=[MAYOR])]
    stopped, went_on = max(pairwise(dues), key=lambda pair: pair[1] - pair[0])
    assert went_on >= act.until
    assert went_on - stopped > timedelta(hours=8)
    on_air = air("freeze", "aa", "anka").until(act.until)
    frozen, other = on_air.row("aa"), on_air.row("anka")
    assert frozen.boxes_opened / boxes_total("freeze") == pytest.approx(0.988, abs=0.002)
    assert other.boxes_opened == boxes_total("freeze")
    assert on_air.until().row("aa").boxes_opened == boxes_total("freeze")


def test_the_story_of_silent_hour() -> None:
    on_air = air("silent-hour", "anka")
    before = on_air.until(moment("03-31T21:00")).row("anka")
    assert on_air.until(moment("03-31T21:59:59")).row("anka") == before
    caught_up = on_air.until(moment("03-31T22:05")).row("anka")
    undisturbed = OnAir(
        scenario("silent-hour").definition(),
        stage(scenario("silent-hour").model_copy(update={"faults": ()}), sources=["anka"], contests=[MAYOR]),
    )
    assert caught_up == undisturbed.until(moment("03-31T22:05")).row("anka")
    assert caught_up.boxes_opened > before.boxes_opened + 0.05 * boxes_total("silent-hour")


def test_the_story_of_diverging_sources() -> None:
    on_air = air("diverging-sources", "aa", "anka")
    gaps = {}
    for when in ("03-31T23:00", "04-01T02:00"):
        on_air.until(moment(when))
        gaps[when] = abs(lead(on_air.row("anka")) - lead(on_air.row("aa")))
    on_air.until()
    assert gaps["03-31T23:00"] > 8
    assert gaps["04-01T02:00"] < gaps["03-31T23:00"] / 3
    assert on_air.row("anka").votes == on_air.row("aa").votes


def test_the_story_of_relay_disagreement() -> None:
    on_air = air("relay-disagreement", "aa", "channel-1", "channel-2")
    apart = 0
    for hour in range(19, 24):
        on_air.until(moment(f"03-31T{hour}:30"))
        agency, first, second = (on_air.row(source) for source in ("aa", "channel-1", "channel-2"))
        assert agency.boxes_opened >= first.boxes_opened >= second.boxes_opened
        apart += first.votes != second.votes
    assert apart == 5
    on_air.until()
    assert on_air.row("aa").votes == on_air.row("channel-1").votes == on_air.row("channel-2").votes


def test_the_story_of_downward_corrections() -> None:
    on_air = air("downward-corrections", "aa")
    falls = set()
    before = on_air.until(moment("03-31T22:00")).districts("aa")
    for minutes in range(0, 310, 10):
        now = on_air.until(moment("03-31T22:00") + timedelta(minutes=minutes)).districts("aa")
        falls |= {
            unit
            for unit, row in now.items()
            if unit in before
            and row.votes["kurum"] < before[unit].votes["kurum"]
            and row.boxes_opened >= before[unit].boxes_opened
        }
        before = now
    assert len(falls) > 10


def test_the_story_of_unattributed_drain() -> None:
    (act,) = (one for one in scenario("unattributed-drain").acts if isinstance(one, HoldBack))
    on_air = air("unattributed-drain", "aa")
    assert on_air.until(act.since).row("aa").unattributed == 126_763
    half = on_air.until(act.since + (act.until - act.since) / 2).row("aa").unattributed
    assert 0.4 < half / 126_763 < 0.6
    drained = on_air.until(act.until + timedelta(seconds=1)).row("aa")
    assert drained.unattributed == 0
    assert sum(drained.votes.values()) == drained.valid


def test_the_story_of_boxes_listed_twice() -> None:
    (act,) = (one for one in scenario("boxes-listed-twice").acts if isinstance(one, ListedTwice))
    staged = scenario("boxes-listed-twice")
    true = {box_of(event): event.votes for event in finals(staged.model_copy(update={"acts": ()}))}
    reported = {box_of(event): event.votes for event in finals(staged, act.since)}
    twice = [box for box, votes in reported.items() if votes != true[box] and votes == true.get((box[0], box[1] - 1))]
    assert 370 < len(twice) <= 400
    on_air = air("boxes-listed-twice", "aa", "anka").until(act.since)
    assert on_air.row("anka").votes != on_air.row("aa").votes
    on_air.until()
    assert sum(map(abs, (on_air.row("anka").votes[n] - on_air.row("aa").votes[n] for n in ("imamoglu", "kurum")))) < 500


def test_the_story_of_district_totals() -> None:
    on_air = air("district-totals", "aa", "aa-totals")
    for hour in (19, 21, 23):
        on_air.until(moment(f"03-31T{hour}:30"))
        boxes, totals = on_air.row("aa"), on_air.row("aa-totals")
        assert 0 < totals.boxes_opened <= boxes.boxes_opened
    on_air.until()
    assert on_air.row("aa-totals").votes == on_air.row("aa").votes
    assert on_air.fold.outcomes.keys() == {"counted"}


def test_the_story_of_recount() -> None:
    on_air = air("recount", "aa", "anka").until(moment("04-02T09:59"))
    before = on_air.row("aa")
    on_air.until()
    for source in ("aa", "anka"):
        after = on_air.row(source)
        assert after.boxes_opened == before.boxes_opened
        assert (after.invalid or 0) < (before.invalid or 0)
        assert lead(after) < lead(before) - 1
    assert before.cast == on_air.row("aa").cast


def test_the_story_of_annulment_and_rerun() -> None:
    (act,) = (one for one in scenario("annulment-and-rerun").acts if isinstance(one, Annulment))
    events = [event for _, event in night(scenario("annulment-and-rerun"), sources=["aa"], contests=[MAYOR])]
    annulled = {(one.district, one.box) for one in events if isinstance(one, Withdrawn) and one.type == "annulled"}
    assert len(annulled) == 754
    on_air = air("annulment-and-rerun", "aa", "anka").until(act.at - timedelta(minutes=1))
    first_time = on_air.row("aa")
    on_air.until(act.rerun_at - timedelta(seconds=1))
    for source in ("aa", "anka"):
        row = on_air.row(source)
        assert row.boxes_opened == boxes_total("annulment-and-rerun") - 754
        assert on_air.annulled(source) == 754
    rerun = on_air.until().row("aa")
    assert on_air.annulled("aa") == 0
    assert rerun.boxes_opened == boxes_total("annulment-and-rerun")
    assert lead(rerun) > lead(first_time) + 2


def test_the_story_of_late_eastern_start() -> None:
    staged = read_scenario("late-eastern-start").shrink(boxes_per_district=1)
    east = {one.id for one in staged.provinces if one.polls_close is not None}
    assert len(east) == 32
    first: dict[str, datetime] = {}
    for due, event in night(staged, sources=["aa"], contests=["mayor"]):
        first.setdefault(event.district.rsplit("/", 1)[0], due)
        assert due > staged.polls_close(event.district)
    western = min(due for province, due in first.items() if province not in east)
    assert moment("03-31T16:15") < min(first.values()) < moment("03-31T17:00") < western
    assert sum(due < western for due in first.values()) > 10
    assert min(first["tr/30"], first["tr/65"]) > moment("03-31T18:15")


def test_the_story_of_flood() -> None:
    whole = read_scenario("flood")
    definition = whole.definition()
    assert sum(unit.level == "province" for unit in definition.units) == 81
    assert (len(definition.districts), definition.boxes_total["tr"]) == (973, 206_845)
    assert sum(unit.registered or 0 for unit in definition.units) == pytest.approx(61_400_000, rel=0.01)
    assert (len(whole.contests), len(whole.sources), whole.speed) == (3, 2, 100)
    small = whole.shrink(boxes_per_district=2)
    on_air = OnAir(small.definition(), stage(small, contests=["mayor"])).until()
    assert on_air.row("aa", "mayor").boxes_opened == 2 * 973 == on_air.row("anka", "mayor").boxes_opened
    assert on_air.fold.outcomes["duplicate"] > 20
