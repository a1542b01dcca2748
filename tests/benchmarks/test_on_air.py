"""What the benchmark of screens derives: frame times from a trace, and totals from a log."""

import orjson
import pytest

from benchmarks.on_air.chromium import Held
from benchmarks.on_air.frames import frames_of, process_of
from benchmarks.on_air.nights import Shown
from benchmarks.on_air.oracle import Oracle

REFRESH_US = 16_667
PAGE, OTHER = 7, 8


def trace(*told: tuple[str, int], process: int = PAGE) -> list[dict[str, object]]:
    """Events of a trace, each at a refresh of the screen."""
    return [{"name": name, "pid": process, "ts": refresh * REFRESH_US} for name, refresh in told]


def test_a_frame_that_was_dropped_makes_the_next_one_late() -> None:
    frames = frames_of(trace(("DrawFrame", 0), ("DrawFrame", 1), ("DroppedFrame", 2), ("DrawFrame", 3)), PAGE)
    assert (3, 1) == (frames.drawn, frames.dropped)
    assert pytest.approx([16.667, 33.334], abs=0.01) == list(frames.times_ms)
    assert 0.25 == frames.dropped_share


def test_a_page_that_wanted_no_picture_was_not_late() -> None:
    frames = frames_of(trace(("DrawFrame", 0), ("DrawFrame", 1), ("DrawFrame", 40), ("DrawFrame", 41)), PAGE)
    assert pytest.approx([16.667, 16.667], abs=0.01) == list(frames.times_ms)


def test_another_pages_frames_are_not_its_own() -> None:
    events = [*trace(("DrawFrame", 0)), *trace(("DrawFrame", 1), ("mark", 2), process=OTHER)]
    assert OTHER == process_of(events, "mark")
    assert 1 == frames_of(events, OTHER).drawn


def test_a_box_counts_in_its_newest_revision_and_not_once_it_is_annulled() -> None:
    said = {"contest": "mayor", "source": "aa", "district": "tr/34/fatih", "valid": 9, "votes": {"x": 9}}
    values = [
        said | {"type": "corrected", "box": 1, "revision": 2, "valid": 5, "votes": {"x": 5}},
        said | {"type": "counted", "box": 1, "revision": 1},
        said | {"type": "counted", "box": 2, "revision": 1},
        said | {"type": "annulled", "box": 2, "revision": 2},
        said | {"type": "counted", "box": 3, "revision": 1, "district": "tr/34/fatihli"},
    ]
    total = Oracle(map(orjson.dumps, values)).sum("mayor", "aa", "tr/34/fatih")
    assert (1, 5, {"x": 5}) == (total.opened, total.valid, dict(total.votes))


def test_growth_is_per_hour_and_deaf_to_a_single_peak() -> None:
    kib = [100, *(100 + 2 * hour for hour in range(1, 16))]
    kib[7] += 900
    shown = Shown("x", held=[Held(each, 0, 0) for each in kib])
    assert pytest.approx(2, abs=0.1) == shown.kib_an_hour
