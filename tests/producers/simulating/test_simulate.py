import hashlib
import os
import subprocess
import sys
from collections import defaultdict
from datetime import timedelta
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from producers.chance import seeded
from producers.simulating.library import read_scenario
from producers.simulating.scenario import HoldBack, Miscount, Scenario
from producers.simulating.simulate import Night, StatedFigures, held_back, moved, night, slipped, unattributed
from schemas.definition import Election
from schemas.errors import ScenarioError
from schemas.tally import Counted, Withdrawn, encode, parse_tallies
from tests.patience import LIMIT_S

ISTANBUL = read_scenario()
DISTRICTS = ("tr/34/adalar", "tr/34/uskudar", "tr/34/esenyurt")
SMALL = ISTANBUL.shrink(districts=DISTRICTS, boxes_per_district=20)

Box = tuple[str, str, str, int]
Event = Counted | Withdrawn


def events(scenario: Scenario, seed: int) -> list[Event]:
    return [event for _, event in night(scenario, seed)]


def box_of(event: Event) -> Box:
    return (event.source, event.contest, event.district, event.box)


def by_box(stream: list[Event]) -> dict[Box, list[Event]]:
    boxes: dict[Box, list[Event]] = defaultdict(list)
    for event in stream:
        boxes[box_of(event)].append(event)
    return boxes


def digest(stream: list[Event]) -> str:
    return hashlib.sha256(b"\n".join(map(encode, stream))).hexdigest()


def prone(scenario: Scenario, **shares: float) -> Scenario:
    """The scenario with every source as prone to faults as `shares` say."""
    sources = tuple(source.model_copy(update=shares) for source in scenario.sources)
    return scenario.model_copy(update={"sources": sources})


def test_the_same_seed_gives_the_same_bytes() -> None:
    assert digest(events(SMALL, 1)) == digest(events(SMALL, 1))


_DIGEST = """
import hashlib
from producers.simulating.library import read_scenario
from producers.simulating.simulate import stage
from producers.stages import parse_fault
small = read_scenario("relay-disagreement").shrink(boxes_per_district=1)
sent = stage(small, 3, faults=[parse_fault("duplicate"), parse_fault("corrupt")])
print(hashlib.sha256(b"".join(one.entry.value + str(one.due).encode() for one in sent)).hexdigest())
"""


def test_every_process_stages_the_same_bytes() -> None:
    """Also where Python hashes texts differently, as it does in every process unless told otherwise."""
    digests = {
        subprocess.run(
            [sys.executable, "-c", _DIGEST],
            check=True,
            capture_output=True,
            text=True,
            timeout=LIMIT_S,
            env={**os.environ, "PYTHONHASHSEED": salt, "PYTHONPATH": os.pathsep.join(sys.path)},
        ).stdout
        for salt in ("0", "1", "4711")
    }
    assert len(digests) == 1


def test_a_night_can_be_told_twice() -> None:
    staged = night(SMALL, 1)
    assert list(staged) == list(staged)


def test_another_seed_gives_another_night() -> None:
    assert digest(events(SMALL, 1)) != digest(events(SMALL, 2))


def test_events_come_in_due_order_and_are_due_when_they_say() -> None:
    staged = night(SMALL, 1)
    dues = [due for due, _ in staged]
    assert dues == sorted(dues)
    assert all(due == event.at for due, event in staged)
    assert (dues[0], len(dues)) == (staged.first_due, len(staged))
    assert dues[0] >= SMALL.election.polls_close + timedelta(minutes=15)


def test_every_event_survives_the_wire() -> None:
    stream = events(SMALL, 1)
    assert parse_tallies([encode(event) for event in stream]) == stream


@settings(max_examples=10, deadline=None)
@given(
    seed=st.integers(0, 2**32),
    boxes=st.integers(1, 30),
    chosen=st.lists(
        st.sampled_from([district.id for district in ISTANBUL.districts]), min_size=1, max_size=3, unique=True
    ),
)
def test_the_leading_source_ends_in_the_scenarios_figures(seed: int, boxes: int, chosen: list[str]) -> None:
    scenario = ISTANBUL.shrink(districts=chosen, boxes_per_district=boxes)
    last = {box: told[-1] for box, told in by_box(events(scenario, seed)).items() if box[0] == "aa"}
    for district in scenario.districts:
        for contest, result in district.results.items():
            finals = [event for box, event in last.items() if box[1:3] == (contest, district.id)]
            assert_sums(finals, district.boxes, district.registered, result.cast, result.valid, result.votes)


def assert_sums(finals: list[Event], boxes: int, registered: int, cast: int, valid: int, votes: dict[str, int]) -> None:
    counted = [event for event in finals if isinstance(event, Counted)]
    assert len(counted) == len(finals) == boxes
    assert sum(event.registered for event in counted) == registered
    assert sum(event.cast for event in counted) == cast
    assert sum(event.valid for event in counted) == valid
    assert sum(event.unattributed for event in counted) == 0
    assert {name: sum(event.votes.get(name, 0) for event in counted) for name in votes} == votes


def test_what_a_box_says_adds_up_but_for_slips() -> None:
    for event in events(prone(SMALL, typo=0.0, lasting=0.0, unattributed=0.3), 3):
        if isinstance(event, Counted):
            assert sum(event.votes.values()) + event.unattributed == event.valid
            assert event.valid + event.invalid == event.cast


def test_a_boxs_revisions_rise_by_one_from_one_and_later() -> None:
    for told in by_box(events(prone(SMALL, typo=0.2, withdrawn=0.2, unattributed=0.2), 3)).values():
        assert [event.revision for event in told] == list(range(1, len(told) + 1))
        assert all(before.at < after.at for before, after in pairwise(told))


def test_a_withdrawn_box_is_reported_again_as_it_was() -> None:
    boxes = by_box(events(prone(SMALL, typo=0.0, withdrawn=1.0, unattributed=0.0), 3))
    for first, second, third in boxes.values():
        assert (first.type, second.type, third.type) == ("counted", "withdrawn", "counted")
        assert isinstance(first, Counted)
        assert isinstance(third, Counted)
        assert first.votes == third.votes


def test_unattributed_votes_are_attributed_later() -> None:
    boxes = by_box(events(prone(SMALL, typo=0.0, withdrawn=0.0, unattributed=1.0), 3))
    held = 0
    for first, second in boxes.values():
        assert isinstance(first, Counted)
        assert isinstance(second, Counted)
        assert (first.valid, second.type, second.unattributed) == (second.valid, "corrected", 0)
        held += first.unattributed
    assert held > 0


def test_corrections_go_up_and_down() -> None:
    boxes = by_box(events(prone(SMALL, typo=1.0, withdrawn=0.0, unattributed=0.0), 3))
    moves = [
        second.votes.get("chp", 0) - first.votes.get("chp", 0)
        for first, second in boxes.values()
        if isinstance(first, Counted) and isinstance(second, Counted)
    ]
    assert min(moves) < 0 < max(moves)


def test_a_lasting_slip_makes_sources_disagree_for_ever() -> None:
    lasting = prone(SMALL, typo=0.0, withdrawn=0.0, unattributed=0.0, lasting=1.0)
    boxes = by_box(events(lasting, 3))
    assert all(len(told) == 1 for told in boxes.values())
    differ = [
        box
        for box, (event,) in boxes.items()
        if box[0] == "aa" and isinstance(event, Counted) and isinstance(other := boxes["anka", *box[1:]][0], Counted)
        if event.votes != other.votes
    ]
    assert differ


def test_sources_differ_in_order_and_coverage() -> None:
    first: dict[str, list[Box]] = defaultdict(list)
    for event in events(SMALL, 1):
        if event.revision == 1:
            first[event.source].append(box_of(event)[1:])  # type: ignore[arg-type]  # a box without its source
    assert sorted(first["aa"]) == sorted(first["anka"])
    assert first["aa"] != first["anka"]
    assert 0 < len(first["observers"]) < len(first["aa"])


def test_a_box_reports_its_races_in_the_order_of_counting() -> None:
    due = {box: told[0].at for box, told in by_box(events(SMALL, 1)).items()}
    for (source, contest, district, box), at in due.items():
        if contest != "metropolitan_mayor":
            assert at > due[source, "metropolitan_mayor", district, box]
        if contest == "district_council":
            assert at > due[source, "district_mayor", district, box]


@pytest.mark.parametrize(
    ("sources", "contests"), [({"anka"}, None), (None, {"district_mayor"}), ({"aa", "observers"}, {"district_council"})]
)
def test_a_part_of_the_night_is_what_it_is_in_the_whole(sources: set[str] | None, contests: set[str] | None) -> None:
    scenario = prone(SMALL, typo=0.2, withdrawn=0.2, unattributed=0.2)
    part = [event for _, event in night(scenario, 1, sources=sources, contests=contests)]
    assert part == [
        event
        for event in events(scenario, 1)
        if (sources is None or event.source in sources) and (contests is None or event.contest in contests)
    ]


def test_an_unknown_source_or_contest_is_told() -> None:
    with pytest.raises(ScenarioError, match=r"no source 'iha'.*aa, anka, observers"):
        night(SMALL, 1, sources=["iha"])
    with pytest.raises(ScenarioError, match="no contest 'muhtar'"):
        night(SMALL, 1, contests=["muhtar"])


MAYOR = "metropolitan_mayor"
FAULTLESS = prone(SMALL, typo=0.0, withdrawn=0.0, unattributed=0.0)
POLLS_CLOSE = ISTANBUL.polls_close(DISTRICTS[0])


def last_reported(staged: Night) -> list[Event]:
    """What each box says in the end."""
    return list({box_of(event): event for _, event in staged}.values())


def test_a_source_cannot_hold_back_more_votes_than_it_has() -> None:
    since = POLLS_CLOSE + timedelta(hours=4)
    until = since + timedelta(hours=2)
    act = HoldBack(kind="hold_back", source="aa", contest=MAYOR, votes=10**9, since=since, until=until)
    scenario = FAULTLESS.model_copy(update={"acts": (act,)})
    staged = night(scenario, 1, sources=["aa"], contests=[MAYOR])
    newest = {box_of(event): event for due, event in staged if due < since}
    opened = [event for event in newest.values() if isinstance(event, Counted)]

    assert len(opened) > 10
    assert [event.valid for event in opened] == [event.unattributed for event in opened]
    assert {0} == {event.unattributed for event in last_reported(staged) if isinstance(event, Counted)}


def test_a_miscount_gives_no_votes_to_whoever_is_not_on_the_ballot() -> None:
    since = POLLS_CLOSE + timedelta(hours=6)
    until = since + timedelta(hours=1)
    act = Miscount(kind="miscount", takes="chp", gives="emep", part=0.5, share=1.0, since=since, until=until)
    true = night(FAULTLESS, 1, sources=["aa"], contests=["district_mayor"])
    false = night(FAULTLESS.model_copy(update={"acts": (act,)}), 1, sources=["aa"], contests=["district_mayor"])
    newest = {box_of(event): event for _, event in reversed([*false])}
    moved = {event.district for event in last_reported(true) if event != newest[box_of(event)]}
    ballots = {unit: SMALL.definition().contest_by_id["district_mayor"].ballot(unit) for unit in DISTRICTS}

    assert {unit for unit, ballot in ballots.items() if "emep" in {candidate.id for candidate in ballot}} == moved
    assert set() < moved < set(DISTRICTS)


def test_every_event_fits_the_definition() -> None:
    definition: Election = SMALL.definition()
    for event in events(SMALL, 1):
        unit = definition.unit_by_id[event.district]
        assert any(first <= event.box <= last for first, last in unit.boxes)
        assert event.source in definition.source_ids
        if isinstance(event, Counted):
            ballot = {candidate.id for candidate in definition.contest_by_id[event.contest].ballot(event.district)}
            assert event.votes.keys() <= ballot


VOTES = st.dictionaries(st.sampled_from(["a", "b", "c"]), st.integers(1, 200))


def box(votes: dict[str, int]) -> StatedFigures:
    valid = sum(votes.values())
    return StatedFigures(registered=valid + 50, cast=valid + 5, valid=valid, unattributed=0, votes=votes)


@given(VOTES, st.integers(0, 700))
def test_so_many_votes_are_unattributed_as_are_wanted(votes: dict[str, int], wanted: int) -> None:
    figures = unattributed(box(votes), wanted)
    assert figures.unattributed == min(wanted, sum(votes.values()))
    assert sum(figures.votes.values()) + figures.unattributed == figures.valid


@given(VOTES, st.integers(0, 99))
def test_votes_that_are_held_back_are_not_lost(votes: dict[str, int], seed: int) -> None:
    figures = held_back(box(votes), seeded(seed))
    assert sum(figures.votes.values()) + figures.unattributed == figures.valid


@given(VOTES, st.floats(0, 1))
def test_votes_that_move_stay_valid_and_votes_that_move_nowhere_become_invalid(
    votes: dict[str, int], part: float
) -> None:
    given_away = moved(box(votes), "a", "b", part)
    assert sum(given_away.votes.values()) == given_away.valid == box(votes).valid
    misjudged = moved(box(votes), "a", None, part)
    assert sum(misjudged.votes.values()) == misjudged.valid
    assert box(votes).valid - misjudged.valid == round(votes.get("a", 0) * part)
    assert misjudged.cast == box(votes).cast


@given(VOTES, st.integers(0, 99))
def test_a_slip_changes_votes_and_nothing_else(votes: dict[str, int], seed: int) -> None:
    assert slipped(box(votes), seeded(seed))._replace(votes=votes) == box(votes)


def test_the_only_row_of_a_box_can_only_be_lost() -> None:
    assert slipped(box({"a": 3}), seeded(1)).votes == {}
