from collections.abc import Sequence

from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.definition import Source
from schemas.fields import Record
from schemas.quarantine import quarantined
from schemas.tally import Counted, Reported, Withdrawn
from tabulation.counting.trace import Asked, Trace, history_of
from tests.builders import DISTRICTS, NIGHT, counted, small_election, value_of, withdrawn
from tests.consumers.nights import arrivals, tallies
from tests.gateway.nights import Written
from tests.tabulation.counting.test_report_ledger import nights, walked

ASKED = Asked("mayor", DISTRICTS[0], "kurum")


def traced(records: Sequence[Record], asked: Asked = ASKED, *, cut: int = 0) -> Trace:
    """The trace of one partition's records, read in two batches."""
    trace = Trace(small_election(), "tallies", lambda _: 0, asked)
    for batch in (records[:cut], records[cut:]):
        trace.fold(0, batch)
    return trace


def records_of(events: Sequence[Counted | Withdrawn | Reported]) -> list[Written]:
    return [Written(offset, value_of(one), 1_000 * offset, one.district.encode()) for offset, one in enumerate(events)]


def standing(events: Sequence[Counted | Withdrawn], source: str) -> dict[int, tuple[int, int, int]]:
    """Of each box the offset, revision and votes of its highest revision, where that came first."""
    found: dict[int, tuple[int, int, int]] = {}
    for offset, one in enumerate(events):
        if (one.contest, one.source, one.district) != (ASKED.contest, source, ASKED.district):
            continue
        if one.box not in found or one.revision > found[one.box][1]:
            votes = one.votes.get(ASKED.candidate, 0) if isinstance(one, Counted) else 0
            found[one.box] = (offset, one.revision, votes)
    return found


def number(events: Sequence[Counted | Withdrawn], source: str) -> int:
    return sum(votes for _, _, votes in standing(events, source).values())


@settings(deadline=None)  # a busy machine is no fault
@given(st.data())
def test_a_number_is_the_sum_of_its_boxes_and_the_last_change_is_the_last_event_that_moved_it(
    data: st.DataObject,
) -> None:
    arrived = data.draw(arrivals(data.draw(tallies())))
    trace = traced(records_of(arrived), cut=data.draw(st.integers(0, len(arrived))))

    found = {behind.source: behind for behind in trace.behind()}

    assert {one.source for one in arrived if one.district == ASKED.district} == found.keys()
    for source, behind in found.items():
        expected = standing(arrived, source)
        assert number(arrived, source) == behind.number
        assert behind.adds_up
        assert expected == {step.box: (step.offset, step.revision, step.votes) for step in behind.standing}
        numbers = [number(arrived[:count], source) for count in range(len(arrived) + 1)]
        moves = [offset for offset in range(len(arrived)) if numbers[offset] != numbers[offset + 1]]
        assert (moves[-1] if moves else None) == (behind.last.offset if behind.last else None)
        own = [at for at, one in enumerate(arrived) if (one.source, one.district) == (source, ASKED.district)]
        assert own == [step.offset for step in behind.steps]
        assert [(numbers[at], numbers[at + 1]) for at in own] == [(step.before, step.after) for step in behind.steps]


def test_a_boxs_history_is_all_that_was_said_of_it_and_what_became_of_it() -> None:
    where = {"district": DISTRICTS[0]}
    events: list[Counted | Withdrawn] = [
        counted({"kurum": 5}, **where),
        counted({"kurum": 9}, box=1002, **where),
        counted({"kurum": 7}, revision=3, **where),
        counted({"kurum": 6}, revision=2, **where),
        withdrawn(revision=4, **where),
    ]
    (behind,) = traced(records_of(events)).behind()

    assert [(0, "counted"), (2, "counted"), (3, "stale"), (4, "counted")] == [
        (step.offset, step.outcome) for step in history_of(behind, 1001)
    ]
    assert [(1001, "withdrawn", 0), (1002, "counted", 9)] == [
        (step.box, step.type, step.votes) for step in behind.standing
    ]
    assert behind.last is not None
    assert (4, 16, 9) == (behind.last.offset, behind.last.before, behind.last.after)
    assert (9, 4, 1) == (behind.number, behind.version, behind.boxes_opened)


def test_only_the_source_that_is_asked_for_is_looked_at() -> None:
    events = [counted(district=DISTRICTS[0]), counted(district=DISTRICTS[0], source="anka")]
    asked = Asked("mayor", DISTRICTS[0], "kurum", source="anka")

    assert ["anka"] == [behind.source for behind in traced(records_of(events), asked).behind()]


def test_what_was_set_aside_is_listed_where_it_names_the_number() -> None:
    """A conflict of its own partition, and from others what lay there by mistake; not what is about something else."""
    where = {"district": DISTRICTS[0]}
    events = [counted({"kurum": 5}, **where), counted({"kurum": 6}, **where), counted({"imamoglu": 6}, **where)]
    junk = Written(3, b"{broken", 0, DISTRICTS[0].encode())
    trace = traced([*records_of(events), junk])

    def set_aside(offset: int, value: bytes) -> None:
        trace.set_aside(
            quarantined("misrouted", "there", topic="tallies", partition=7, offset=offset, key=b"k", value=value)
        )

    set_aside(0, value_of(counted({"kurum": 1}, **where)))
    set_aside(1, value_of(withdrawn(**where)))
    set_aside(2, value_of(counted({"imamoglu": 1}, **where)))
    set_aside(3, value_of(counted({"kurum": 1})))
    set_aside(4, b'{"district":"' + DISTRICTS[0].encode() + b'","votes":{"kurum":-1}}')
    set_aside(5, b"\xff")

    assert [(0, 1, "conflict"), (7, 0, "misrouted"), (7, 1, "misrouted"), (7, 4, "misrouted")] == [
        (one.partition, one.offset, one.reason) for one in trace.quarantined()
    ]
    (behind,) = trace.behind()
    assert [0] == [step.offset for step in behind.steps]


def test_a_source_that_reports_districts_is_traced_by_its_reports() -> None:
    definition = small_election()
    sources = tuple(source.model_copy(update={"reports": "districts"}) for source in definition.sources)
    definition = definition.model_copy(update={"sources": sources})
    trace = Trace(definition, "tallies", lambda _: 0, ASKED)
    reports = [
        Reported(
            type="reported",
            contest="mayor",
            district=DISTRICTS[0],
            source="aa",
            revision=revision,
            at=NIGHT,
            boxes_opened=boxes,
            registered=300,
            cast=200,
            valid=200,
            invalid=0,
            votes={"kurum": 10 * boxes},
        )
        for revision, boxes in ((1, 3), (2, 5))
    ]
    trace.fold(0, records_of(reports))

    (behind,) = trace.behind()
    assert (50, 5, True) == (behind.number, behind.boxes_opened, behind.adds_up)
    assert [(None, 2, 50)] == [(step.box, step.revision, step.votes) for step in behind.standing]


@settings(deadline=None)  # a busy machine is no fault
@given(nights(), st.data())
def test_of_reports_the_one_that_stands_is_the_number_in_any_order(
    reports: list[Reported], data: st.DataObject
) -> None:
    definition = small_election()
    agency = Source(id="agency", name="Agency", reports="districts")
    definition = definition.model_copy(update={"sources": (agency,)})
    arrived = data.draw(st.permutations(reports))
    trace = Trace(definition, "tallies", lambda _: 0, Asked("mayor", "tr/34/uskudar", "imamoglu"))
    trace.fold(0, records_of(arrived))

    assert all(behind.adds_up and len(behind.standing) == 1 for behind in trace.behind())
    expected = [walked(reports)] if reports else []
    assert [one.votes.get("imamoglu", 0) for one in expected] == [behind.number for behind in trace.behind()]
    assert [one.revision for one in expected] == [behind.standing[0].revision for behind in trace.behind()]
