"""The JVM's archives of classes that were loaded before (class data sharing, JEP 350), one of each of Kafka's programs.

A program writes its archive when it ends in order, and the next ones start with their classes parsed and verified, in
half of the CPU time. The first of the programs that end by themselves writes it; for brokers, which are killed, one is
started and stopped. Archives lie beside the jars. One that does not fit, after an update of Java, is not used.
"""

import contextlib
import shutil
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Final

_SILENT: Final = ("-Xlog:cds=off", "-Xlog:cds+dynamic=off")
"""No word about classes that are left out of an archive, nor about one that does not fit."""

_MAGIC_BYTES: Final = 4


class ClassArchive:
    """The archive of one program, used if there is one and otherwise written by a process that ends by itself."""

    def __init__(self, jars: Path, program: str) -> None:
        """Of the program with this main class, in the jars of this folder."""
        java = Path(shutil.which("java") or "java").resolve()
        self._path = jars.parent / f"{jars.name}-{java.parent.parent.name}-{program}.jsa"
        self._draft = self._path.with_suffix(f".{uuid.uuid4().hex}")

    @property
    def is_written(self) -> bool:
        """Whether there is one to use."""
        return self._path.exists()

    @property
    def options(self) -> list[str]:
        """What the JVM is told: to use the archive, or to write one when the program ends."""
        if self.is_written:
            return [f"-XX:SharedArchiveFile={self._path}", *_SILENT]
        return [f"-XX:ArchiveClassesAtExit={self._draft}", *_SILENT]

    def keep(self) -> None:
        """Keep what a process has written that has ended, if all of it is there: the JVM writes the header last."""
        with contextlib.suppress(FileNotFoundError):
            with self._draft.open("rb") as draft:
                is_whole = any(draft.read(_MAGIC_BYTES))
            if is_whole:
                self._draft.replace(self._path)
        self._draft.unlink(missing_ok=True)

    @contextlib.contextmanager
    def during(self) -> Iterator[None]:
        """Keep what is written meanwhile."""
        try:
            yield
        finally:
            self.keep()
