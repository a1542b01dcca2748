"""Apache Kafka's jars, fetched once by Maven into `.cache/kafka`, and what benchmarks need beside them."""

import fcntl
import hashlib
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Final

_HERE: Final = Path(__file__).parent
_CACHE: Final = _HERE.parent.parent / ".cache" / "kafka"
_POM: Final = _HERE / "pom.xml"
_GOAL: Final = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies"

FETCH_TIMEOUT_S: Final = 300
"""43 MB from a repository, over a slow line."""


class NoKafka(Exception):
    """Apache Kafka cannot be had on this machine; the message says why."""


def fetch_jars(pom: Path = _POM) -> Path:
    """The folder with the jars that this `pom.xml` asks for, the broker's by itself. Raises `NoKafka`."""
    wanted = hashlib.sha256(pom.read_bytes()).hexdigest()[:16]
    folder = _CACHE / f"lib-{wanted}"
    _CACHE.mkdir(parents=True, exist_ok=True)
    with (_CACHE / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # one process fetches, the others wait for it
        if not folder.is_dir():
            _fetch_into(folder, pom)
    return folder


def _fetch_into(folder: Path, pom: Path) -> None:
    for program in ("java", "mvn"):
        if shutil.which(program) is None:
            raise NoKafka(f"there is no {program}; install it, or point SANDIK_TEST_KAFKA at a broker")
    with tempfile.TemporaryDirectory(dir=_CACHE) as scratch:
        target = Path(scratch) / "lib"
        command = ["mvn", "-q", "-B", "-f", str(pom), _GOAL, "-DincludeScope=runtime", f"-DoutputDirectory={target}"]
        try:
            subprocess.run(command, check=True, capture_output=True, text=True, timeout=FETCH_TIMEOUT_S)
        except subprocess.CalledProcessError as error:
            raise NoKafka(f"Maven could not fetch Kafka's jars: {(error.stdout or error.stderr)[-500:]}") from error
        except subprocess.TimeoutExpired as error:
            raise NoKafka(f"Maven did not fetch Kafka's jars within {FETCH_TIMEOUT_S} s") from error
        target.rename(folder)
