from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from eventlog.port import Entry
from producers.chance import seeded
from producers.simulating.library import read_scenario
from producers.simulating.simulate import stage
from producers.stages import (
    DAMAGES,
    KINDS,
    NOBODY,
    Burst,
    Corrupt,
    Delay,
    Delivery,
    DropAndResend,
    Duplicate,
    Reorder,
    Silence,
    Stage,
    damaged,
    disturb,
    parse_fault,
)
from schemas.errors import ScenarioError
from schemas.tally import MAX_TALLY_BYTES
from tests.producers.on_air import OnAir

SMALL = read_scenario().shrink(districts=["tr/34/adalar", "tr/34/uskudar"], boxes_per_district=4)
CLOSE = SMALL.election.polls_close
BEGIN = datetime(2024, 3, 31, 18, tzinfo=UTC)

SHARES = st.floats(0, 1)
SOURCES = st.sampled_from([None, "aa", "anka"])
DISTURBING = st.one_of(
    st.builds(Duplicate, stage=st.just("duplicate"), source=SOURCES, share=SHARES, after_s=st.floats(0, 9_000)),
    st.builds(Reorder, stage=st.just("reorder"), source=SOURCES, share=SHARES, within_s=st.floats(0, 9_000)),
    st.builds(Delay, stage=st.just("delay"), source=SOURCES, by_s=st.floats(0, 900), jitter_s=st.floats(0, 900)),
    st.builds(
        DropAndResend,
        stage=st.just("drop_and_resend"),
        source=SOURCES,
        share=SHARES,
        outage_s=st.floats(0, 9_000),
        overlap=st.integers(0, 30),
    ),
    st.builds(Burst, stage=st.just("burst"), source=SOURCES, every_s=st.floats(0.5, 9_000)),
    st.builds(
        Silence,
        stage=st.just("silence"),
        source=SOURCES,
        since=st.just(CLOSE + timedelta(hours=3)),
        until=st.integers(1, 300).map(lambda minutes: CLOSE + timedelta(hours=3, minutes=minutes)),
        catch_up_s=st.floats(0, 900),
    ),
)
CORRUPTING = st.builds(
    Corrupt,
    stage=st.just("corrupt"),
    source=SOURCES,
    share=SHARES,
    damages=st.lists(st.sampled_from(DAMAGES), min_size=1, unique=True).map(tuple),
)


def ticks(count: int, step_s: float = 1.0, source: str = "aa") -> list[Delivery]:
    """So many records, one every step."""
    return [
        Delivery(BEGIN + timedelta(seconds=step_s * number), Entry(b"d", str(number).encode()), source)
        for number in range(count)
    ]


def ran(deliveries: Sequence[Delivery], *stages: Stage) -> list[tuple[float, str]]:
    """When each delivery comes, in seconds, and which it is."""
    return [
        ((delivery.due - BEGIN).total_seconds(), delivery.entry.value.decode())
        for delivery in disturb(deliveries, stages, 1)
    ]


@settings(max_examples=40, deadline=None)
@given(stages=st.lists(DISTURBING, max_size=4), seed=st.integers(0, 99))
def test_whatever_disturbs_a_night_it_ends_in_the_same_bytes(stages: list[Stage], seed: int) -> None:
    undisturbed = OnAir(SMALL.definition(), stage(SMALL, seed)).until()
    staged = stage(SMALL, seed, faults=stages)
    dues = [delivery.due for delivery in staged]
    disturbed = OnAir(SMALL.definition(), staged).until()
    assert dues == sorted(dues)
    assert disturbed.totals() == undisturbed.totals()
    assert disturbed.quarantined == []


@settings(max_examples=40, deadline=None)
@given(stages=st.lists(DISTURBING | CORRUPTING, max_size=4), seed=st.integers(0, 99))
def test_what_is_corrupted_ends_in_quarantine_to_the_record_and_nothing_else_does(
    stages: list[Stage], seed: int
) -> None:
    undisturbed = OnAir(SMALL.definition(), stage(SMALL, seed)).until()
    staged = stage(SMALL, seed, faults=stages)
    intact = {delivery.entry for delivery in stage(SMALL, seed)}
    corrupted = sum(delivery.entry not in intact for delivery in staged)
    disturbed = OnAir(SMALL.definition(), staged).until()
    assert len(disturbed.quarantined) == corrupted
    assert disturbed.totals() == undisturbed.totals()


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_seed_disturbs_in_the_same_way(kind: str) -> None:
    option = {"silence": "silence:since=2024-03-31T18:00:05Z,until=2024-03-31T18:00:09Z"}.get(kind, kind)
    chosen = [parse_fault(option)]
    assert list(disturb(ticks(200), chosen, 7)) == list(disturb(ticks(200), chosen, 7))


def test_duplicates_come_within_their_time() -> None:
    came = ran(ticks(400), Duplicate(stage="duplicate", share=0.25, after_s=5))
    first: dict[str, float] = {}
    again = [(due - first[name]) for due, name in came if first.setdefault(name, due) != due]
    assert 50 < len(came) - 400 < 150
    assert max(again) <= 5


def test_reordered_records_are_overtaken() -> None:
    came = ran(ticks(100), Reorder(stage="reorder", within_s=10))
    names = [int(name) for _, name in came]
    assert sorted(names) == list(range(100))
    assert names != list(range(100))
    assert max(abs(place - name) for place, name in enumerate(names)) <= 11


def test_delayed_records_keep_their_order() -> None:
    came = ran(ticks(100), Delay(stage="delay", by_s=30, jitter_s=20))
    assert [int(name) for _, name in came] == list(range(100))
    assert min(due - int(name) for due, name in came) >= 30


def test_what_falls_into_an_outage_comes_after_it_with_what_came_before() -> None:
    came = ran(ticks(6), DropAndResend(stage="drop_and_resend", share=1, outage_s=2.5, overlap=5))
    assert came == [(2.5, "0"), (2.5, "1"), (2.5, "2"), (5.5, "3"), (5.5, "4"), (5.5, "5")]


def test_a_connection_that_breaks_sends_the_last_ones_again() -> None:
    came = ran(ticks(300), DropAndResend(stage="drop_and_resend", share=0.02, outage_s=5, overlap=3))
    names = [name for _, name in came]
    assert set(names) == {str(number) for number in range(300)}
    assert 0 < len(names) - 300 <= 3 * 20


def test_a_burst_brings_everything_of_its_time_at_once() -> None:
    assert {due for due, _ in ran(ticks(100), Burst(stage="burst", every_s=20))} == {0, 20, 40, 60, 80, 100}


def test_a_silence_catches_up_in_order() -> None:
    silence = Silence(
        stage="silence", since=BEGIN + timedelta(seconds=10), until=BEGIN + timedelta(seconds=50), catch_up_s=10
    )
    came = ran(ticks(100), silence)
    assert [int(name) for _, name in came] == list(range(100))
    assert not [due for due, _ in came if 10 < due < 50]
    assert [due for due, _ in came if due >= 60] == list(range(60, 100))


def test_a_silence_that_ends_before_it_begins_is_refused() -> None:
    with pytest.raises(ValidationError, match="until must be later than since"):
        Silence(stage="silence", since=BEGIN, until=BEGIN)


@pytest.mark.parametrize("kind", sorted(KINDS.keys() - {"silence"}))
def test_a_stage_of_one_source_leaves_the_others_alone(kind: str) -> None:
    others = ticks(50, source="anka")
    mixed = sorted([*ticks(50), *others], key=lambda delivery: (delivery.due, delivery.source))
    found = list(disturb(mixed, [parse_fault(f"{kind}:source=aa")], 3))
    assert [delivery for delivery in found if delivery.source == "anka"] == others


def test_records_that_are_no_tallies_can_be_damaged_too() -> None:
    for damage in DAMAGES:
        for value in (b"", b"[1]", b'{"type":"withdrawn"}', b"not json"):
            once = damaged(Entry(b"d", value), damage)
            assert len(damaged(once, "malformed").value) <= len(value) // 2 + len(NOBODY) + MAX_TALLY_BYTES


def test_chance_picks_every_damage() -> None:
    entries = list(disturb(stage(SMALL, 1), [Corrupt(stage="corrupt", share=1.0)], 1))
    reasons = {one.reason for one in OnAir(SMALL.definition(), entries).until().quarantined}
    assert reasons >= {"malformed", "too_large", "misrouted", "unknown_contest", "unknown_source", "unknown_district"}
    assert reasons >= {"unknown_box", "unknown_candidate"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("duplicate", Duplicate(stage="duplicate")),
        ("reorder:within_s=5,source=anka", Reorder(stage="reorder", within_s=5, source="anka")),
        ("corrupt:share=0.5,damages=malformed+negative", None),
        ("silence:since=2024-03-31T18:00:00Z,until=2024-03-31T19:00:00Z", None),
    ],
)
def test_an_option_says_what_a_scenario_would(text: str, expected: Stage | None) -> None:
    found = parse_fault(text)
    if expected is not None:
        assert found == expected
    elif isinstance(found, Corrupt):
        assert found.damages == ("malformed", "negative")
    else:
        assert isinstance(found, Silence)
        assert found.until - found.since == timedelta(hours=1)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("duplicat", r"no fault 'duplicat'. Did you mean 'duplicate'\?"),
        ("wormhole", "There is: duplicate, reorder, delay"),
        ("duplicate:shar=0.1", r"shar: .*Did you mean 'share'\?"),
        ("duplicate:share=2", "share: Input should be less than or equal to 1"),
        ("duplicate:share", "key=value"),
        ("silence", "since: Field required"),
        ("corrupt:damages=mangled+negative", r"damages\.0: Input should be"),
    ],
)
def test_an_option_with_a_typo_is_told(text: str, told: str) -> None:
    with pytest.raises(ScenarioError, match=told):
        parse_fault(text)


def test_stages_of_the_same_kind_draw_their_own_chances() -> None:
    twice = [Duplicate(stage="duplicate", share=0.5), Duplicate(stage="duplicate", share=0.5)]
    assert len(list(disturb(ticks(400), twice, 1))) == pytest.approx(900, abs=80)
    assert seeded(1, "a").random() != seeded(1, "b").random()
