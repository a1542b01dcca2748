import re
from datetime import UTC, datetime
from html.parser import HTMLParser
from typing import Any

import orjson
import pytest

from sandik.load.outcome import MAX_EXAMPLES, Histogram, LoadFigures, Outcome, Piece, curve, encode, summarize
from sandik.load.plan import Stalling
from sandik.load.report import PlotLine, nice_above, plot, render, thin, time_axis
from tests.load.plans import outcome, plan

AT = datetime(2026, 3, 31, 19, 0, tzinfo=UTC)
HELLO = {"run": "rehearsal", "mode": "test", "epoch": "e1e1"}


def summary(found: Outcome) -> dict[str, Any]:
    made: dict[str, Any] = orjson.loads(encode(summarize(found, at=AT, run=HELLO)))
    return made


class Reader(HTMLParser):
    """Checks that elements are closed, and keeps what a page would fetch and what it says."""

    VOID = ("meta", "rect")

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.fetched: list[str] = []
        self.said: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.fetched += [f"{tag} {name}" for name, _ in attrs if name in {"src", "href", "srcset", "data", "action"}]
        self.fetched += [tag for one in ("script", "link", "iframe", "object", "img") if tag == one]
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in self.VOID:
            self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        assert tag == self.open.pop()

    def handle_data(self, data: str) -> None:
        self.said.append(data)


def read(page: str) -> Reader:
    reader = Reader()
    reader.feed(page)
    assert not reader.open
    return reader


def test_a_report_needs_nothing_from_anywhere() -> None:
    page = render(summary(outcome()))

    assert [] == read(page).fetched
    assert not re.search(r"https?:|//cdn|@import|url\(", page)


def test_a_report_says_numbers_as_turks_read_them() -> None:
    said = read(render(summary(outcome(stalling=Stalling(0.2))))).said

    assert "59,9" in " ".join(said)
    assert "15.000" in said
    assert "No gap, no step back, no blank; every client ended current" in said
    assert any("%20" in text for text in said)


def test_what_was_wrong_is_at_the_top_and_cannot_be_markup() -> None:
    found = outcome()
    found.figures.fault("gap", "<script>alert(1)</script>", clients=3)
    found.figures.unshown, found.figures.late_clients = 7, 2
    said = read(render(summary(found))).said

    assert "Wrong: 3 × gap; 7 changes were never shown, to 2 clients" in said
    assert "gap: <script>alert(1)</script>" in said


def test_a_load_without_anything_is_still_a_report() -> None:
    """Stopped at once: nobody connected, nothing came."""
    found = Outcome(plan(), interrupted=True)
    said = read(render(summary(found))).said

    assert "It was stopped early." in said
    assert "Nothing of the feed reached a client. Does an aggregator run for this run?" in said


def test_the_file_holds_the_figures_and_the_settings_but_no_token() -> None:
    found = summary(outcome(token="very-secret"))  # noqa: S106  that is the point

    assert "very-secret" not in str(found)
    assert (True, True, "behind") == (found["ok"], found["settings"]["token"], found["measure"])
    assert 10.0 <= found["latency_ms"]["min"] <= found["latency_ms"]["p50"] <= found["latency_ms"]["p99.99"] <= 60
    assert (30, 15_000) == (len(found["seconds"]), found["latency_ms"]["count"])
    assert 100.0 == found["traffic"]["frames_per_s"]


def test_without_a_feed_of_ours_the_age_of_the_newest_change_is_reported() -> None:
    assert "newest" == outcome(schedule=None).measure


def test_event_times_that_are_not_now_give_no_latency() -> None:
    found = outcome(schedule=None)
    found.figures.unreal = 10**9

    assert ("none", None) == (found.measure, summary(found)["latency_ms"])
    assert "No latency was measured." in read(render(summary(found))).said


def test_a_busy_tester_is_a_caution() -> None:
    found = outcome()
    found.cpu_s = [30.5]

    assert any("was the limit itself: a process of its clients used a whole core" in text for text in found.cautions)


def test_a_feeder_that_used_a_whole_core_and_a_machine_that_was_busy_are_told() -> None:
    found = outcome()
    found.feeder_cpu_s = 0.95 * found.elapsed_s
    found.figures.own_lag = Histogram([25_000] * 100)
    limits = [text for text in found.cautions if "was the limit itself" in text]

    assert 2 == len(limits)
    assert "came 25 ms late" in limits[0]
    assert "its feeder used a whole core" in limits[1]


def test_orders_of_operators_are_a_caution() -> None:
    found = outcome()
    assert [] == [text for text in found.cautions if "orders" in text]
    found.figures.ordered.update({"hold": 3, "embargo": 1})

    assert any("An operator's orders were in force (embargo, hold)" in text for text in found.cautions)
    assert {"hold": 3, "embargo": 1} == summary(found)["counts"]["messages_about_orders"]


def test_clients_that_were_away_are_a_caution() -> None:
    found = Outcome(plan())
    for second in range(30):
        found.take(0, Piece(second, 4 if second != 15 else 1, LoadFigures()))
    found.settle()

    assert "Up to 3 clients were not connected while it was measured." in found.cautions


def test_a_second_is_that_of_all_processes_together() -> None:
    found = Outcome(plan())
    for process in (0, 1):
        for second in range(3):
            found.take(process, Piece(second, 2 + process, LoadFigures(frames=10)))
    found.settle()

    assert [(0, 20), (1, 20), (2, 20)] == [(one.second, one.frames) for one in found.seconds]
    assert [5] == sorted({one.connected for one in found.seconds if one.second})


def test_a_process_that_died_is_wrong_and_its_clients_are_gone() -> None:
    found = Outcome(plan())
    for process in (0, 1):
        found.take(process, Piece(0, 2, LoadFigures()))
    found.lose(1)

    assert (2, ["A process of the load tester died."]) == (found.connected, found.wrong)


def test_a_piece_that_comes_too_late_counts_in_all() -> None:
    found = Outcome(plan())
    for second in range(10):
        found.take(0, Piece(second, 1, LoadFigures(frames=1)))
    found.take(1, Piece(0, 1, LoadFigures(frames=5)))
    found.settle()

    assert (15, 1) == (found.figures.frames, found.seconds[0].frames)


def test_examples_of_faults_are_bounded() -> None:
    whole = LoadFigures()
    for number in range(100):
        piece = LoadFigures()
        piece.fault("gap", str(number))
        whole.add(piece)

    assert (100, MAX_EXAMPLES) == (whole.faults["gap"], len(whole.examples))


def test_the_curve_rises_to_the_tail() -> None:
    points = curve(outcome().figures.behind)

    assert points == sorted(points)
    assert points[-1][0] > 0.999


@pytest.mark.parametrize(("value", "above"), [(0, 1), (0.3, 0.4), (1, 1), (1.1, 2), (5, 8), (81, 100), (351.8, 400)])
def test_axes_end_at_round_numbers(value: float, above: float) -> None:
    assert pytest.approx(above) == nice_above(value)


@pytest.mark.parametrize("seconds", [1, 8, 70, 700, 86_400])
def test_times_are_marked_at_round_numbers_and_not_too_often(seconds: float) -> None:
    marks = time_axis(seconds).marks

    assert 1 <= len(marks) <= 9
    assert all(at <= seconds and text.split()[1] in {"s", "min"} for at, text in marks)


def test_a_long_series_keeps_its_spikes() -> None:
    points = [(float(at), 500.0 if at == 5432 else 1.0) for at in range(10_000)]

    assert 500.0 == max(y or 0 for _, y in thin(points))
    assert len(thin(points)) <= 360


def test_a_line_has_gaps_where_nothing_was_timed() -> None:
    drawn = plot("p", [PlotLine("p50", "first", [(0, 1.0), (1, 2.0), (2, None), (3, 1.0), (4, 1.0)])], time_axis(5))

    (path,) = re.findall(r'class="first" d="([^"]*)"', drawn)
    assert 2 == path.count("M")
