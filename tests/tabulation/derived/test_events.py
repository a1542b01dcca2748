from datetime import timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.definition import Election
from schemas.moments import epoch_ms
from schemas.totals import Cell, Totals
from schemas.wire import SERVER_MESSAGE, Event
from tabulation.derived.events import LEAD_VOTES, MILESTONES, SETTLED_S, Events, FollowedUnit, Happened
from tabulation.view import View
from tests.gateway.nights import START, Written, election, totals

DISTRICT = FollowedUnit("mayor", "aa", "tr/34/uskudar")
BOXES = 200


def hundreds() -> Election:
    """The small election with a district of 200 boxes and 70,000 voters."""
    small = election()
    units = [
        unit.model_copy(update={"boxes": ((1, BOXES),), "registered": 350 * BOXES})
        if unit.id == DISTRICT.unit
        else unit
        for unit in small.units
    ]
    return Election(**{**dict(small), "units": tuple(units)})


ELECTION = hundreds()


class Story:
    """A district's night, told record by record."""

    def __init__(self, *, begun: bool = True) -> None:
        self.view = View(ELECTION)
        self.events = Events(self.view)
        self.seconds = 0.0
        self.versions = 0
        if begun:
            self.events.begin([DISTRICT])

    def fold(self, imamoglu: int, kurum: int, *, boxes: int = 0, after_s: float = 0, left: int = 0) -> None:
        self.seconds += after_s
        said = totals(DISTRICT.unit, {"imamoglu": imamoglu, "kurum": kurum}, version=self.versions, boxes=boxes)
        when = START + timedelta(seconds=self.seconds)
        self.view.apply(self.versions, said.model_copy(update={"as_of": when, "unattributed": left}))
        self.versions += 1

    def tell(self, imamoglu: int, kurum: int, *, boxes: int = 0, after_s: float = 0, left: int = 0) -> list[Happened]:
        self.fold(imamoglu, kurum, boxes=boxes, after_s=after_s, left=left)
        return self.events.look([DISTRICT])


def test_one_event_time_in_the_future_silences_nothing() -> None:
    """Event time only goes on: what is dated ahead would hold all later changes back until then."""
    view = View(ELECTION)
    events = Events(view)
    events.begin([DISTRICT])
    told = []
    for version, (imamoglu, kurum, ahead) in enumerate([(5_000, 0, 0), (5_000, 1, 3 * 3600), (0, 9_000, 0)]):
        now = START + timedelta(minutes=10 * version)
        said = totals(DISTRICT.unit, {"imamoglu": imamoglu, "kurum": kurum}, version=version, boxes=60 + version)
        record = said.model_copy(update={"as_of": now + timedelta(seconds=ahead)})
        view.fold(Written(version, record.encode(), timestamp=epoch_ms(now)))
        told += [one for one in events.look([DISTRICT]) if one.event == "leader_changed"]

    assert [("kurum", START + timedelta(minutes=20))] == [(one.candidate, one.as_of) for one in told]


def names(happened: list[Happened]) -> list[str]:
    return [one.event for one in happened]


def test_the_first_leader_is_no_change_and_a_clear_lead_of_another_is_one() -> None:
    story = Story()
    assert story.tell(5_000, 0) == []
    assert story.tell(5_000, 5_000 + LEAD_VOTES - 1) == []
    (changed,) = story.tell(5_000, 5_000 + LEAD_VOTES)
    assert changed == Happened("leader_changed", DISTRICT, 3, START, candidate="kurum", before="imamoglu")


def test_a_clear_lead_is_a_tenth_of_a_per_cent_where_there_are_many_votes() -> None:
    story = Story()
    story.tell(1_000_000, 990_000)
    assert story.tell(1_000_000, 1_000_000 + LEAD_VOTES) == []
    assert names(story.tell(1_000_000, 1_002_003)) == ["leader_changed"]


def test_a_small_lead_is_told_once_it_has_lasted() -> None:
    story = Story()
    story.tell(100, 90)
    assert story.tell(100, 101) == []
    assert story.tell(100, 102, after_s=SETTLED_S - 1) == []
    assert names(story.tell(100, 103, after_s=1)) == ["leader_changed"]


@pytest.mark.parametrize("between", [(100, 100), (101, 100)], ids=["a tie", "the other in front again"])
def test_what_comes_between_begins_the_wait_anew(between: tuple[int, int]) -> None:
    story = Story()
    story.tell(100, 90)
    story.tell(100, 101)
    assert story.tell(*between, after_s=SETTLED_S) == []
    assert story.tell(100, 102) == []
    assert names(story.tell(100, 103, after_s=SETTLED_S)) == ["leader_changed"]


def test_a_tie_is_nobodys_lead() -> None:
    story = Story()
    story.tell(0, 0)
    assert story.tell(500, 500) == []
    assert story.tell(500, 500, after_s=10 * SETTLED_S) == []


RECORDS = st.lists(
    st.tuples(st.integers(0, 3_000), st.integers(0, 3_000), st.integers(0, BOXES), st.integers(-60, 120)),
    max_size=60,
)


@given(RECORDS)
def test_a_lead_that_flaps_never_floods(night: list[tuple[int, int, int, int]]) -> None:
    """At most one change in so many seconds of event time, each from the one before, and to whoever is in front."""
    story, told, leader = Story(), [], None
    for imamoglu, kurum, boxes, after_s in night:
        for one in story.tell(imamoglu, kurum, boxes=boxes, after_s=after_s):
            if one.event == "leader_changed":
                told.append((one, story.seconds))
                assert imamoglu != kurum
                assert one.candidate == ("imamoglu" if imamoglu > kurum else "kurum")
                assert one.before == ("kurum" if imamoglu > kurum else "imamoglu")
        leader = leader or ("imamoglu" if imamoglu > kurum else "kurum" if kurum > imamoglu else None)
    for (before, _), (after, _) in pairwise(told):
        assert after.before == before.candidate
    span = max((seconds for seconds in _clock(night)), default=0.0)
    assert len(told) <= 1 + span / SETTLED_S
    assert not told or told[0][0].before == leader


def _clock(night: list[tuple[int, int, int, int]]) -> list[float]:
    """How long the night had gone on at each record, by the event time that never steps back."""
    seconds = 0.0
    first: float | None = None
    newest: list[float] = []
    for *_, after_s in night:
        seconds += after_s
        first = seconds if first is None else first
        newest.append(max([*newest, seconds - first]))
    return newest


@given(st.lists(st.integers(0, BOXES), max_size=60))
def test_each_milestone_is_told_once_until_the_boxes_fall_well_below_it(night: list[int]) -> None:
    """The oracle keeps, for each milestone by itself, whether it may be told."""
    story = Story()
    armed = dict.fromkeys(MILESTONES, True)
    for boxes in night:
        told = [one.percent for one in story.tell(1, 0, boxes=boxes) if one.event == "milestone"]
        reached = [percent for percent in MILESTONES if boxes * 100 >= percent * BOXES and boxes]
        new = [percent for percent in reached if armed[percent]]
        assert told == new[-1:]
        for percent in new:
            armed[percent] = False
        for before, percent in pairwise((0, *MILESTONES)):
            armed[percent] = armed[percent] or boxes * 100 < before * BOXES or boxes == 0


def test_milestones_of_a_whole_night() -> None:
    story = Story()
    told = [
        one.percent for boxes in range(BOXES + 1) for one in story.tell(1, 0, boxes=boxes) if one.event == "milestone"
    ]
    assert told == list(MILESTONES)


def test_a_lead_that_is_safe_is_told_and_taken_back_at_once_and_told_again_later() -> None:
    story = Story()
    story.tell(30_000, 20_000, boxes=160)
    (safe,) = [one for one in story.tell(40_000, 20_000, boxes=160) if one.event != "milestone"]
    assert (safe.event, safe.candidate) == ("cannot_be_overtaken", "imamoglu")
    assert story.tell(41_000, 20_000, boxes=160) == []
    (revoked,) = story.tell(33_000, 20_000, boxes=160)
    assert (revoked.event, revoked.candidate) == ("can_be_overtaken_again", "imamoglu")
    assert story.tell(41_000, 20_000, boxes=160, after_s=SETTLED_S - 1) == []
    assert names(story.tell(41_001, 20_000, boxes=160, after_s=1)) == ["cannot_be_overtaken"]


def test_when_another_is_safe_the_first_is_taken_back() -> None:
    story = Story()
    story.tell(40_000, 20_000, boxes=160)
    story.events.look([DISTRICT])
    happened = story.tell(20_000, 40_000, boxes=160, after_s=SETTLED_S)
    assert [(one.event, one.candidate) for one in happened] == [
        ("leader_changed", "kurum"),
        ("can_be_overtaken_again", "imamoglu"),
    ]


@given(RECORDS)
def test_safe_and_not_safe_take_turns(night: list[tuple[int, int, int, int]]) -> None:
    story, safe = Story(), False
    for imamoglu, kurum, boxes, after_s in night:
        for one in story.tell(10 * imamoglu, 10 * kurum, boxes=boxes, after_s=after_s):
            if one.event in {"cannot_be_overtaken", "can_be_overtaken_again"}:
                assert safe is (one.event == "can_be_overtaken_again")
                safe = not safe


@given(RECORDS)
def test_what_was_there_at_the_start_is_no_news(night: list[tuple[int, int, int, int]]) -> None:
    story = Story(begun=False)
    for imamoglu, kurum, boxes, after_s in night:
        story.fold(imamoglu, kurum, boxes=boxes, after_s=after_s)
    story.events.begin([DISTRICT])
    assert story.events.look([DISTRICT]) == []


def test_what_is_not_shown_any_more_is_no_news_and_neither_is_its_return() -> None:
    """A hold that shows nothing, and its release."""
    story = Story()
    story.tell(100, 50, boxes=60)
    cell = Cell(*DISTRICT)
    held = story.view.totals(cell)
    story.view.hide(story.versions, cell)
    assert story.events.look([DISTRICT]) == []
    assert isinstance(held, Totals)
    story.view.show(story.versions + 1, cell, held)
    assert story.events.look([DISTRICT]) == []


def test_a_place_that_nobody_follows_is_forgotten() -> None:
    story = Story()
    story.events.end([DISTRICT, DISTRICT])
    assert story.events._standings == {}


def test_an_event_is_a_message_of_the_contract() -> None:
    story = Story()
    (reached,) = story.tell(5, 3, boxes=20)
    message = SERVER_MESSAGE.validate_json(reached.message())
    assert message == Event(
        type="event",
        event="milestone",
        contest="mayor",
        source="aa",
        unit=DISTRICT.unit,
        seq=1,
        as_of=START,
        percent=10,
    )


def test_the_last_milestone_waits_until_every_district_has_exactly_its_boxes() -> None:
    """A box too many in one district is no reason to say that all are opened."""
    province = FollowedUnit("mayor", "aa", "tr/34")
    view = View(ELECTION)
    events = Events(view)
    events.begin([province])
    told = []
    for version, (district, boxes) in enumerate((("adalar", 2), ("uskudar", BOXES + 1), ("uskudar", BOXES))):
        view.apply(version, totals(f"tr/34/{district}", version=version, boxes=boxes))
        told.append([one.percent for one in events.look([province]) if one.event == "milestone"])
    assert told == [[], [99], [100]]
