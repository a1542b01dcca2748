"""How large to measure: everything that `python -m benchmarks gateway` takes."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Options:
    """Sizes. The defaults are what the README's figures were measured with."""

    sizes: tuple[int, ...] = (2_000, 10_000)
    """Clients in the parts that are measured at two sizes; the largest is also the herd's."""

    repeats: int = 5
    rounds: int = 10
    seconds: float = 8
    """How long one window of steady load is."""

    crowds: int = 1
    """Processes that the clients are in."""

    @property
    def few(self) -> int:
        """The smaller size."""
        return min(self.sizes)

    @property
    def many(self) -> int:
        """The larger size."""
        return max(self.sizes)
