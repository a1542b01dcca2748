"""The machine in JavaScript and the one in Python show the same, whatever comes."""

import json
from collections.abc import Sequence
from pathlib import Path
from random import Random
from typing import Any

import pytest

from tests.client.player import Player, plain
from tests.client.server import PLACES, WANTED, Server
from tests.node.node import FOLDER, run_node

TRANSCRIPTS = sorted((Path(__file__).parent / "transcripts").glob("*.json"))
SEEDS = 60

Transcript = dict[str, Any]


def in_python(transcript: Transcript) -> list[Any]:
    """What the Python machine shows after each step."""
    player = Player(transcript["wanted"], transcript["places"])
    views = []
    for step in transcript["steps"]:
        player.play(step)
        views.append(player.look())
    return views


async def in_javascript(transcripts: Sequence[Transcript]) -> list[list[Any]]:
    """What the machine in JavaScript shows after each step of each."""
    answer = await run_node(str(FOLDER / "player.mjs"), said=json.dumps(transcripts))
    views: list[list[Any]] = plain(json.loads(answer))
    return views


@pytest.mark.parametrize("path", TRANSCRIPTS, ids=lambda path: path.stem)
def test_a_recorded_night_is_shown_as_it_was(path: Path) -> None:
    transcript = json.loads(path.read_text())
    for step, view in zip(transcript["steps"], in_python(transcript), strict=True):
        for name, expected in step.get("then", {}).items():
            assert plain(expected) == _part(view[name], expected), (step, name)


async def test_both_machines_show_the_recorded_nights_alike() -> None:
    transcripts = [json.loads(path.read_text()) for path in TRANSCRIPTS]
    assert transcripts
    for transcript, shown in zip(transcripts, await in_javascript(transcripts), strict=True):
        for step, ours, theirs in zip(transcript["steps"], in_python(transcript), shown, strict=True):
            assert ours == theirs, step


async def test_both_machines_show_any_night_alike() -> None:
    transcripts: list[Transcript] = [
        {"wanted": WANTED, "places": PLACES, "steps": Server(Random(seed)).steps(60)} for seed in range(SEEDS)
    ]
    for seed, shown in enumerate(await in_javascript(transcripts)):
        for step, ours, theirs in zip(transcripts[seed]["steps"], in_python(transcripts[seed]), shown, strict=True):
            assert ours == theirs, (seed, step)


def _part(seen: Any, expected: Any) -> Any:
    """As much of what is seen as is expected to be there."""
    if isinstance(expected, dict) and isinstance(seen, dict):
        return {name: _part(seen[name], expected[name]) for name in expected}
    return seen
