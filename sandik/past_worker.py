"""The past, worked out in a process of its own: a night takes seconds, and a gateway has none to spare."""

import asyncio
import sys
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import orjson

from gateway.doors.history import Past
from schemas.errors import LogUnavailable, UsageError
from schemas.totals import Row

_USAGE_EXIT = 2


class PastWorker:
    """Runs `sandik at` for each moment that is asked for."""

    def __init__(self, url: str, run: str, operator_keys: Sequence[Path] = ()) -> None:
        options = ["--log", url, "--run", run, "--format", "json", "--worker"]
        self._options = options + [part for key in operator_keys for part in ("--operator-key", str(key))]

    async def at(self, moment: datetime) -> Past:
        """The totals as they stood then. Cancelled, it ends the process and waits for that."""
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "sandik", "at", moment.isoformat(), *self._options),
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
        said = err.decode(errors="replace").strip().rpartition("sandik: ")[2]
        raise UsageError(said) if process.returncode == _USAGE_EXIT else LogUnavailable(f"That failed: {said}")


async def _outputs(process: asyncio.subprocess.Process) -> tuple[bytes, bytes]:
    """Everything that the process writes until its end, with its standard input left open."""
    if process.stdout is None or process.stderr is None:
        raise RuntimeError("The process was started without pipes.")
    out, err, _ = await asyncio.gather(process.stdout.read(), process.stderr.read(), process.wait())
    return out, err


def encode_past(past: Past) -> bytes:
    """A past as JSON; the control room's rows only where they are others than those on air."""
    control_room = None if past.control_room == past.on_air else [row._asdict() for row in past.control_room]
    return orjson.dumps(
        {
            "at": past.at,
            "take": past.take,
            "embargoed": past.embargoed,
            "hold": past.hold,
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
        complaint=said["complaint"],
        on_air=on_air,
        control_room=on_air if said["control_room"] is None else tuple(_row(row) for row in said["control_room"]),
    )


def _row(said: dict[str, object]) -> Row:
    row = Row(**said)  # type: ignore[arg-type]  # what our own `encode_past` wrote
    return row._replace(overridden=tuple(row.overridden), contradictions=tuple(row.contradictions))
