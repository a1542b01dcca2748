import stat
from pathlib import Path

import pytest

from gateway.admission.access import MAX_SECRET_BYTES, Algorithm, TokenCheck
from gateway.admission.keys import read_key, read_signing_key, write_new_key
from schemas.errors import UsageError
from tests.gateway.tokens import NOW, token


@pytest.mark.parametrize("algorithm", ["HS256", "EdDSA"])
def test_a_new_key_makes_tokens_that_its_gateway_takes(tmp_path: Path, algorithm: Algorithm) -> None:
    secret, *others = write_new_key(tmp_path / "key", algorithm)
    text = token(key=read_signing_key(secret), now=NOW)
    assert TokenCheck([read_key([secret, *others][-1])], "night").grant(text, NOW).scope == "control_room"


@pytest.mark.parametrize("algorithm", ["HS256", "EdDSA"])
def test_a_key_is_for_its_owners_eyes(tmp_path: Path, algorithm: Algorithm) -> None:
    for file in write_new_key(tmp_path / "key", algorithm):
        assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_no_key_is_written_over_another(tmp_path: Path) -> None:
    (secret,) = write_new_key(tmp_path / "key", "HS256")
    before = secret.read_bytes()
    with pytest.raises(UsageError, match="Choose a new file"):
        write_new_key(secret, "EdDSA")
    assert secret.read_bytes() == before


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"", "has 0 bytes"),
        (b"short", "has 5 bytes"),
        (b"x" * 31 + b"\n", "has 31 bytes"),
        (b"x" * (MAX_SECRET_BYTES + 1), "bytes; it takes 32 to 4096"),
        (b"\xff" * 40, "one line of printable ASCII"),
        (b"x" * 40 + b"\n" + b"x" * 40, "one line of printable ASCII"),
        (b"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIxxxxxxxxxxxxxxxxxxxxxxxx me", "everybody may know"),
        (b"-----BEGIN PUBLIC KEY-----\nnonsense\n-----END PUBLIC KEY-----\n", "no public Ed25519 key"),
        (b"-----BEGIN CERTIFICATE-----\nnonsense\n-----END CERTIFICATE-----\n", "no public Ed25519 key"),
    ],
)
def test_a_file_that_is_no_key_is_refused_without_showing_it(tmp_path: Path, content: bytes, complaint: str) -> None:
    file = tmp_path / "key"
    file.write_bytes(content)
    with pytest.raises(UsageError, match=complaint) as caught:
        read_key(file)
    assert "nonsense" not in str(caught.value)
    assert "xxxx" not in str(caught.value)
    with pytest.raises(UsageError):
        read_signing_key(file)


def test_a_gateway_takes_no_private_key_and_nobody_signs_with_a_public_one(tmp_path: Path) -> None:
    private, public = write_new_key(tmp_path / "key", "EdDSA")
    with pytest.raises(UsageError, match=r"key\.pub"):
        read_key(private)
    with pytest.raises(UsageError, match="no private Ed25519 key"):
        read_signing_key(public)


def test_a_key_that_is_not_there_is_named(tmp_path: Path) -> None:
    for read in (read_key, read_signing_key):
        with pytest.raises(UsageError, match="missing cannot be read"):
            read(tmp_path / "missing")
    with pytest.raises(UsageError, match="a folder that is there"):
        write_new_key(tmp_path / "no" / "key", "HS256")
