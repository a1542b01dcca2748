"""The past, worked out in a process of its own: a night takes seconds, and a gateway has none to spare."""

import asyncio
import logging
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Final

import orjson

from gateway.routes.totals import Past
from sandik.process import command_line
from schemas.errors import LogUnavailable, UsageError
from schemas.totals import Row

_log: Final = logging.getLogger(__name__)

_USAGE_EXIT: Final = 2

_SAID: Final = "sandik: "
"""How the line begins that the command line ends with where it cannot do what was asked."""

_TRACEBACK: Final = "Traceback (most recent call last)"


class PastWorker:
    """Runs `sandik at` for each moment that is asked for."""

    def __init__(self, url: str, run: str, operator_keys: Sequence[Path] = ()) -> None:
        options = ["--log", url, "--run", run, "--format", "json", "--worker"]
        self._options = options + [part for key in operator_keys for part in ("--operator-key", str(key))]

    async def at(self, moment: datetime) -> Past:
        """The totals as they stood then. Cancelled, it ends the process and waits for that."""
        process = await asyncio.create_subprocess_exec(
            *command_line("at", moment.isoformat(), *self._options),
            stdin=asyncio.subprocess.PIPE,  # held open: the process ends when this one is gone
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            start_new_session=True,
        )
        try:
            out, err = await _outputs(process)
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        if process.returncode == 0:
            return await asyncio.to_thread(_parsed, out)
        text = err.decode(errors="replace")
        reason = _reason(text)
        if reason is None:
            _log.warning("A moment could not be worked out; its process ended with %s: %s", process.returncode, text)
            raise LogUnavailable("That moment could not be worked out; the gateway's own log says why. Try again.")
        raise UsageError(reason) if process.returncode == _USAGE_EXIT else LogUnavailable(f"That failed: {reason}")


async def _outputs(process: asyncio.subprocess.Process) -> tuple[bytes, bytes]:
    """Everything that the process writes until its end, with its standard input left open."""
    if process.stdout is None or process.stderr is None:
        raise RuntimeError("The process was started without pipes.")
    out, err, _ = await asyncio.gather(process.stdout.read(), process.stderr.read(), process.wait())
    return out, err


def _reason(text: str) -> str | None:
    """What the command says for people; `None` where it ended with something else, such as a traceback."""
    *_, last = f"\n{text.strip()}".split(f"\n{_SAID}")
    return None if last.startswith("\n") or _TRACEBACK in last else last


def encode_past(past: Past) -> bytes:
    """A past as JSON; the control room's rows only where they are others than those on air."""
    control_room = None if past.control_room == past.on_air else [row._asdict() for row in past.control_room]
    return orjson.dumps(
        {
            "at": past.at,
            "take": past.take,
            "embargoed": past.embargoed,
            "hold": past.hold,
            "held": sorted(past.held),
            "complaint": past.complaint,
            "on_air": [row._asdict() for row in past.on_air],
            "control_room": control_room,
        },
        option=orjson.OPT_INDENT_2,
    )


def _parsed(text: bytes) -> Past:
    said = orjson.loads(text)
    on_air = tuple(_row(row) for row in said["on_air"])
    return Past(
        at=datetime.fromisoformat(said["at"]),
        take=said["take"],
        embargoed=said["embargoed"],
        hold=tuple(said["hold"]),
        held=frozenset((contest, unit) for contest, unit in said["held"]),
        complaint=said["complaint"],
        on_air=on_air,
        control_room=on_air if said["control_room"] is None else tuple(_row(row) for row in said["control_room"]),
    )


def _row(said: dict[str, object]) -> Row:
    row = Row(**said)  # type: ignore[arg-type]  # what our own `encode_past` wrote
    return row._replace(overridden=tuple(row.overridden), contradictions=tuple(row.contradictions))
