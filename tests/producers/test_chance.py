import subprocess
import sys

from producers.chance import seeded
from tests.patience import LIMIT_S

_DRAW = "from producers.chance import seeded; print(seeded(1, 'tr/34/sile', 'counts').random())"


def test_the_same_parts_give_the_same_numbers() -> None:
    one, other = seeded(1, "a"), seeded(1, "a")
    assert [one.random() for _ in range(5)] == [other.random() for _ in range(5)]


def test_other_parts_give_other_numbers() -> None:
    draws = {seeded(*parts).random() for parts in [(1, "a"), (2, "a"), (1, "b"), ("a", 1)]}
    assert len(draws) == 4


def test_every_process_draws_the_same() -> None:
    """Python's own hash of a text differs by process; the seed must not hang on it."""
    outputs = {
        subprocess.run(
            [sys.executable, "-c", _DRAW],
            env={"PYTHONHASHSEED": seed},
            capture_output=True,
            check=True,
            timeout=LIMIT_S,
        ).stdout
        for seed in ("1", "2")
    }
    assert outputs == {f"{seeded(1, 'tr/34/sile', 'counts').random()}\n".encode()}
