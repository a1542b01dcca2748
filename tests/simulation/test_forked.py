"""Commands that are forked: real processes, with an exit code, that can be killed."""

import signal
from functools import partial
from pathlib import Path
from subprocess import CalledProcessError

import pytest

from tests.simulation.forked import forked, run
from tests.simulation.processes import Process, until


def test_a_forked_command_does_its_work_and_ends_with_its_exit_code(tmp_path: Path) -> None:
    output = tmp_path / "said"

    assert forked(["schema", "tally"], output=output).wait(120) == 0
    assert '"$defs"' in output.read_text()
    assert forked(["gateway"], output=output).wait(120) == 2


def test_what_a_command_prints_is_apart_from_what_it_complains_of() -> None:
    assert run("schema", "tally").startswith(b"{")
    with pytest.raises(CalledProcessError) as failed:
        run("gateway")
    assert (2, b"", True) == (failed.value.returncode, failed.value.stdout, b"--run" in failed.value.stderr)


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
