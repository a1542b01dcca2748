"""Names of members: the same again after a restart, and never one that another process of this host has."""

import subprocess
import sys
import uuid

import pytest

from sandik.member_names import member_name
from schemas.errors import UsageError

HOLD = """
import sys
from sandik.member_names import member_name
with member_name(sys.argv[1]) as name:
    print(name, flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def run() -> str:
    return f"names-{uuid.uuid4().hex}"


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have no abstract sockets")
def test_two_on_one_host_have_two_names_and_the_lowest_free_number_comes_first(run: str) -> None:
    with member_name(run) as one, member_name(run) as two:
        assert one is not None
        assert two is not None
        assert one.endswith("-1")
        assert two.endswith("-2")
    with member_name(run) as again:
        assert one == again


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have no abstract sockets")
def test_a_process_that_was_killed_frees_its_name_and_other_runs_have_their_own(run: str) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, run], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        killed = process.stdout.readline().strip()
        with member_name(run) as other, member_name(f"{run}-other") as elsewhere:
            assert other != killed
            assert elsewhere == killed
        process.kill()
    with member_name(run) as again:
        assert again == killed


def test_a_name_that_was_given_is_taken_as_it_is(run: str) -> None:
    with member_name(run, "studio-a.1") as name:
        assert name == "studio-a.1"


@pytest.mark.parametrize("name", ["", "two words", "ağ", "a/b", "x" * 201])
def test_a_name_that_kafka_would_not_have_is_refused(run: str, name: str) -> None:
    with pytest.raises(UsageError, match="--member"), member_name(run, name):
        pass
