"""Commands that are forked: real processes, with an exit code, that can be killed."""

import signal
from functools import partial
from pathlib import Path

from tests.simulation.forked import forked
from tests.simulation.processes import Process, until


def test_a_forked_command_does_its_work_and_ends_with_its_exit_code(tmp_path: Path) -> None:
    output = tmp_path / "said"

    assert forked(["schema", "tally"], output=output).wait(120) == 0
    assert '"$defs"' in output.read_text()
    assert forked(["gateway"], output=output).wait(120) == 2


async def test_a_forked_command_is_told_its_environment_and_can_be_killed(tmp_path: Path) -> None:
    output = tmp_path / "said"
    environment = {"SANDIK_LOG": f"sqlite:{tmp_path / 'log.db'}", "SANDIK_RUN": "night"}
    launch = partial(forked, output=output, environment=environment)
    with Process(["aggregate"], launch) as process:
        process.start()
        await until(lambda: output.exists() and "Waiting for run 'night'" in output.read_text())
        process.kill()

        assert process.code == -signal.SIGKILL
        process.start()
        assert process.starts == 2
        assert not process.has_ended
