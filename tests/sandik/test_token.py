import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner

from gateway.admission.access import TokenCheck
from gateway.admission.keys import read_key
from sandik.cli import app
from sandik.commands.gateway import Public, access_settings, tls_files
from sandik.commands.token import duration
from schemas.errors import UsageError

RUNNER = CliRunner()


@pytest.mark.parametrize(("algorithm", "checked"), [("EdDSA", "desk.key.pub"), ("HS256", "desk.key")])
def test_a_key_makes_a_token_that_its_gateway_takes(tmp_path: Path, algorithm: str, checked: str) -> None:
    key = tmp_path / "desk.key"
    assert RUNNER.invoke(app, ["token", "--new-key", str(key), "--algorithm", algorithm]).exit_code == 0
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    asked = ["token", "--key", str(key), "--scope", "control_room", "--run", "a", "--run", "b", "--subject", "studio 1"]
    printed = RUNNER.invoke(app, [*asked, "--expires", "2h"]).stdout
    now = datetime.now(UTC)
    grant = TokenCheck([read_key(tmp_path / checked)], "b").grant(printed.strip(), now)
    assert (grant.scope, grant.subject) == ("control_room", "studio 1")
    assert grant.expires is not None
    assert timedelta(hours=1, minutes=59) < grant.expires - now <= timedelta(hours=2)


@pytest.mark.parametrize(
    ("algorithm", "says", "says_not"),
    [
        ("EdDSA", "All processes check orders with: --operator-key", "no such word"),
        ("HS256", "makes tokens: keep it secret", "--operator-key"),
    ],
)
def test_a_new_key_says_what_it_is_good_for(tmp_path: Path, algorithm: str, says: str, says_not: str) -> None:
    made = RUNNER.invoke(app, ["token", "--new-key", str(tmp_path / "desk.key"), "--algorithm", algorithm])

    assert says in made.output
    assert says_not not in made.output


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ([], "either --key FILE"),
        (["--key", "k", "--new-key", "k"], "either --key FILE"),
        (["--key", "missing", "--run", "a", "--subject", "b"], "cannot be read"),
        (["--key", "missing", "--subject", "b"], "give --run NAME"),
        (["--key", "missing", "--run", "a"], "give --subject NAME"),
        (["--key", "missing", "--run", "a", "--subject", "b", "--expires", "soon"], "'soon' is no time"),
    ],
)
def test_what_cannot_make_a_token_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], complaint: str
) -> None:
    monkeypatch.chdir(tmp_path)
    result = RUNNER.invoke(app, ["token", *arguments])
    assert isinstance(result.exception, UsageError)
    assert complaint in str(result.exception)


@pytest.mark.parametrize(("text", "seconds"), [("90s", 90), ("90m", 5_400), ("24h", 86_400), (" 7d ", 604_800)])
def test_a_time_has_a_number_and_a_unit(text: str, seconds: int) -> None:
    assert duration(text).total_seconds() == seconds


@pytest.mark.parametrize("text", ["", "24", "h", "0h", "-1h", "1.5h", "401d", "999999d", "1w"])
def test_other_times_are_refused(text: str) -> None:
    with pytest.raises(UsageError, match="no time that a token can hold"):
        duration(text)


def test_a_door_that_nobody_could_pass_is_refused() -> None:
    with pytest.raises(UsageError, match="nobody could come in"):
        access_settings(None, Public.TOKEN, None, None)
    assert access_settings(None, Public.OPEN, ["null"], ["::1"]).origins == {"null"}


def test_tls_takes_both_files() -> None:
    assert tls_files(None, None) is None
    for files in ((Path("a"), None), (None, Path("a"))):
        with pytest.raises(UsageError, match="TLS takes both"):
            tls_files(*files)
