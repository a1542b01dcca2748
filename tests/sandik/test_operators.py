from datetime import datetime
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from sandik.options import operator_keys
from schemas.errors import UsageError

UNTIL = "2024-03-31T21:00+03:00"


def made(folder: Path, name: str) -> Path:
    """A public key in a file."""
    key = Ed25519PrivateKey.generate().public_key()
    file = folder / name
    file.write_bytes(key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    return file


@pytest.mark.parametrize(
    "until",
    [UNTIL, "2024-03-31T21:00:30+03:00", "2024-03-31T21:00:30.5+03:00", "2024-03-31T18:00Z", "2024-03-31T21:00+03"],
)
def test_a_key_may_be_trusted_until_a_time(tmp_path: Path, until: str) -> None:
    (key,) = operator_keys([Path(f"{made(tmp_path, 'a.pub')}@{until}")])
    assert datetime.fromisoformat(until) == key.trusted_until


@pytest.mark.parametrize("until", [UNTIL, "2024-03-31T21:00:30+03:00", "2024-03-31T18:00Z"])
def test_of_several_keys_between_colons_each_keeps_its_time(tmp_path: Path, until: str) -> None:
    """The environment variable is cut at every colon, also at those inside of a time."""
    first, second, third = (made(tmp_path, name) for name in ("a.pub", "b.pub", "c.pub"))
    parts = [Path(part) for part in f"{first}@{until}:{second}:{third}@{until}".split(":")]
    moment = datetime.fromisoformat(until)
    assert [moment, None, moment] == [key.trusted_until for key in operator_keys(parts)]


def test_an_address_in_a_file_name_is_no_time(tmp_path: Path) -> None:
    (key,) = operator_keys([made(tmp_path, "ayse@example.pub")])
    assert key.trusted_until is None


@pytest.mark.parametrize(("until", "says"), [("2024-03-31T21:00", "in which zone"), ("2024-03-31T25:00Z", "no time")])
def test_a_time_that_is_none_is_refused(tmp_path: Path, until: str, says: str) -> None:
    with pytest.raises(UsageError, match=says):
        operator_keys([Path(f"{made(tmp_path, 'a.pub')}@{until}")])


def test_a_key_that_is_given_twice_has_one_end(tmp_path: Path) -> None:
    file = made(tmp_path, "a.pub")
    assert 1 == len(operator_keys([file, file]))
    with pytest.raises(UsageError, match="Give it once"):
        operator_keys([file, Path(f"{file}@{UNTIL}")])
