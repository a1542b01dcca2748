"""What one subscription covers, asks for and shows."""

from collections.abc import Mapping
from dataclasses import fields
from datetime import timedelta
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandik.client.subscription import FeedNow, Feeds, Figures, Verdict, Wanted, covers, is_held, judge
from schemas.asides import Gate
from schemas.definition import Candidate, Contest, Election, Source, Unit
from schemas.progress import PlaybackStatus
from schemas.wire import Cursor, Entry, Feed, Playback, State
from tabulation.on_air import HeldUnits, OnAir
from tests.builders import NIGHT


def test_figures_have_every_field_of_an_entry() -> None:
    assert Entry.model_fields.keys() == {field.name for field in fields(Figures)}


@pytest.mark.parametrize(
    ("pattern", "unit", "expected"),
    [
        ("tr/34", "tr/34", True),
        ("tr/34", "tr/34/uskudar", False),
        ("tr/34/*", "tr/34/uskudar", True),
        ("tr/*", "tr/34/uskudar", False),
        ("tr/34/*", "tr/34", False),
        ("tr/3/*", "tr/34/uskudar", False),
    ],
)
def test_a_pattern_covers_its_unit_or_those_directly_below(pattern: str, unit: str, expected: bool) -> None:
    assert expected == covers(pattern, unit)


def test_an_id_is_the_same_for_the_same_wish_and_another_for_any_other() -> None:
    wishes = [
        Wanted("mayor", "aa", ("tr",)),
        Wanted("mayor", "aa", ("tr/*",)),
        Wanted("mayor", "anka", ("tr",)),
        Wanted("mayor", "aa", ("tr",), 2),
        Wanted("mayor", "aa", ("tr",), 2.5),
    ]
    assert len(wishes) == len({wish.id for wish in wishes})
    assert Wanted("mayor", "aa", ("tr",), 2).id == Wanted("mayor", "aa", ("tr",), 2.0).id


HERE = Cursor(epoch="e", seq=5)


@pytest.mark.parametrize(
    ("cursor", "epoch", "begins", "ends", "expected"),
    [
        (None, "e", 0, 9, "awaiting"),
        (HERE, "e", 5, 9, "next"),
        (HERE, "e", 2, 9, "next"),
        (HERE, "e", 2, 5, "next"),
        (HERE, "e", 2, 4, "old"),
        (HERE, "e", 6, 9, "gap"),
        (HERE, "other", 5, 9, "gap"),
    ],
)
def test_a_delta_is_judged_by_where_it_begins_and_ends(
    cursor: Cursor | None, epoch: str, begins: int, ends: int, expected: Verdict
) -> None:
    assert expected == judge(cursor, epoch, begins, ends)


SECONDS = st.integers(0, 10_000)


class Clock:
    """Seconds that somebody else lets pass."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def state(age_s: float | None = None, replay: Playback | None = None) -> State:
    feeds = {"aa": Feed(state="live", last_event=NIGHT, age_s=age_s)}
    return State(type="state", seq=1, at=NIGHT, feeds=feeds, replay=replay)


def playback(status: PlaybackStatus, speed: float = 60.0) -> Playback:
    return Playback(clock=NIGHT, speed=speed, status=status, first=NIGHT, last=NIGHT + timedelta(hours=1))


def test_before_the_first_state_nothing_is_known() -> None:
    feeds = Feeds(Clock())
    feeds.heard("aa")

    assert ({}, None) == (feeds.read(connected=True), feeds.replay())


def test_without_a_connection_nobody_knows_how_a_feed_is() -> None:
    feeds = Feeds(Clock())
    feeds.receive(state(age_s=3))

    assert {"aa": FeedNow("live", NIGHT, 3.0)} == feeds.read(connected=True)
    assert {"aa": FeedNow("unknown", NIGHT, 3.0)} == feeds.read(connected=False)


@given(said=st.none() | SECONDS, waited=SECONDS, heard=st.none() | SECONDS, passed=SECONDS)
def test_a_feed_is_as_old_as_the_newest_that_is_known_of_it(
    said: int | None, waited: int, heard: int | None, passed: int
) -> None:
    clock = Clock()
    feeds = Feeds(clock)
    feeds.receive(state(age_s=said))
    clock.now += waited
    if heard is not None:
        feeds.heard("aa")
        clock.now += heard
    clock.now += passed
    age_s = feeds.read(connected=True)["aa"].age_s
    known = [] if said is None else [said + clock.now]
    known += [] if heard is None else [heard + passed]

    assert (min(known) if known else None) == age_s


@given(passed=SECONDS, status=st.sampled_from(["playing", "paused", "seeking", "ended"]), speed=st.integers(0, 600))
def test_a_replays_clock_goes_on_while_it_plays_and_never_beyond_its_end(
    passed: int, status: PlaybackStatus, speed: int
) -> None:
    clock = Clock()
    feeds = Feeds(clock)
    feeds.receive(state(replay=playback(status, speed)))
    clock.now += passed
    replay = feeds.replay()
    runs_s = min(passed * speed, 3_600) if status == "playing" else 0

    assert replay is not None
    assert NIGHT + timedelta(seconds=runs_s) == replay.clock


def test_a_replays_clock_stops_at_its_end_however_long_nothing_was_said() -> None:
    clock = Clock()
    feeds = Feeds(clock)
    feeds.receive(state(replay=playback("playing", speed=100_000.0)))
    clock.now = 1e9

    found = feeds.replay()

    assert found is not None
    assert NIGHT + timedelta(hours=1) == found.clock


PARENTS = {"p1": "c", "tr/1": "c", "tr/10": "c", "empty": "c", "tr/1/a": "tr/10", "x": "tr/1", "y": "tr/1", "z": "p1"}
"""Ids that say nothing of the tree, or something else than it: `tr/1/a` lies in `tr/10`."""


def election(parents: Mapping[str, str]) -> Election:
    """Provinces in the country `c`, and districts in them."""
    below = (
        Unit(id=one, level="province" if parent == "c" else "district", name=one, parent=parent)
        for one, parent in parents.items()
    )
    return Election(
        id="e",
        name="E",
        date=NIGHT.date(),
        parties=(),
        sources=(Source(id="aa", name="AA"), Source(id="bb", name="BB")),
        contests=tuple(Contest(id=one, name=one, candidates=(Candidate(id="a", name="A"),)) for one in ("m", "n")),
        units=(Unit(id="c", level="country", name="C"), *below),
    )


ELECTION = election(PARENTS)
DISTRICTS = tuple(unit.id for unit in ELECTION.districts)
PLACES = [(contest, unit) for contest in ("m", "n") for unit in (*ELECTION.unit_by_id, "nowhere") if unit != "empty"]
"""Every unit that has figures, and one that is not there."""


class Night(NamedTuple):
    held: tuple[str, ...] = ()
    held_in_part: tuple[str, ...] = ()


CELLS = st.sets(st.tuples(st.sampled_from(["m", "n"]), st.sampled_from(["aa", "bb"]), st.sampled_from(DISTRICTS)))


def told(cells: set[tuple[str, str, str]]) -> tuple[Night, list[bool]]:
    """What a gateway says of these held cells, and of each place whether it is held."""
    on_air, units = OnAir(ELECTION), HeldUnits(ELECTION)
    for contest, source, district in sorted(cells):
        on_air.fold_gate(Gate(contest=contest, source=source, district=district, gate=1, held=True))
    hold = units.named(on_air.held)
    return Night(hold, units.above(hold)), [on_air.is_held(*place) for place in PLACES]


@given(CELLS)
def test_a_client_finds_what_the_gateway_holds(cells: set[tuple[str, str, str]]) -> None:
    night, expected = told(cells)

    naive = [
        any(contest == of and unit in ELECTION.path(district) for of, _, district in cells) for contest, unit in PLACES
    ]
    assert naive == expected == [is_held(night, ELECTION, *place) for place in PLACES]


def test_all_of_a_large_country_but_one_district_are_few_names() -> None:
    parents = {f"p{number}": "c" for number in range(81)} | {f"d{number}": f"p{number % 81}" for number in range(973)}
    units = HeldUnits(election(parents))
    hold = units.named({("m", f"d{number}") for number in range(1, 973)})

    assert (80 + 12, 2) == (len(hold), len(units.above(hold)))
