import io
import sys

import pytest

from sandik.console import for_people, print_sentences, write_bytes, write_json


class NarrowPipe(io.RawIOBase):
    """Takes seven bytes at a time, as a pipe may where nothing is buffered."""

    def __init__(self) -> None:
        self.taken = b""

    def writable(self) -> bool:
        return True

    def write(self, piece: bytes, /) -> int:  # type: ignore[override]  # whatever holds bytes
        self.taken += bytes(piece[:7])
        return len(piece[:7])


def narrow(monkeypatch: pytest.MonkeyPatch) -> NarrowPipe:
    """What standard output goes to, from now on."""
    pipe = NarrowPipe()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(pipe, write_through=True))  # type: ignore[type-var]  # as -u does
    return pipe


def test_everything_is_written_however_little_is_taken_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    pipe = narrow(monkeypatch)
    write_bytes(b"sandik " * 1_000)

    assert b"sandik " * 1_000 == pipe.taken


def test_a_sentence_is_one_line_of_a_pipe_however_long_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    long = "a [bracket] is no mark. " * 100
    print_sentences(for_people(), [long, "short"])

    assert f"{long}\nshort\n" == capsys.readouterr().out


def test_json_ends_in_a_new_line(monkeypatch: pytest.MonkeyPatch) -> None:
    pipe = narrow(monkeypatch)
    write_json({"boxes": 33_273})

    assert b'{\n  "boxes": 33273\n}\n' == pipe.taken
