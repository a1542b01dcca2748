"""Divide whole numbers so that nothing is lost: apportionment by weight, and tables with given sums. Pure."""

from collections.abc import Callable, Sequence
from operator import mul
from typing import Final

from producers.chance import Chance

_FITTING_ROUNDS: Final = 4
"""Rounds of proportional fitting: what is still off after four is a few votes a district, moved by hand afterwards."""

_TRIES: Final = 32
"""Random picks before the search goes through all indexes."""


def apportion(total: int, weights: Sequence[float], caps: Sequence[int]) -> list[int]:
    """Return shares of `total` in proportion to weights, by largest remainders and none above its cap.

    The caps must come to `total` or more.
    """
    whole = sum(weights) or 1.0
    exact = [total * weight / whole for weight in weights]
    shares = [min(int(share), cap) for share, cap in zip(exact, caps, strict=True)]
    order = sorted(range(len(shares)), key=lambda index: shares[index] - exact[index])
    left = total - sum(shares)
    while left > 0:
        for index in order:
            if left and shares[index] < caps[index]:
                shares[index] += 1
                left -= 1
    return shares


def fill(
    rows: Sequence[int], columns: Sequence[int], weights: Sequence[list[float]], chance: Chance
) -> list[list[int]]:
    """Return a table of whole numbers with exactly these row and column sums, in the proportions of `weights`.

    Iterative proportional fitting gives the proportions; each row is rounded to its sum; then single votes are moved
    within rows until the columns have their sums.

    Args:
        rows: The sum of each row.
        columns: The sum of each column; together they come to what the rows come to.
        weights: For each row a weight for each column, above 0.
        chance: Decides which rows the moved votes are in.

    """
    if not sum(rows):
        return [[0] * len(columns) for _ in rows]
    factors = _fit(rows, columns, weights)
    table = [_round(total, list(map(mul, factors, weight))) for total, weight in zip(rows, weights, strict=True)]
    _repair(table, columns, chance)
    return table


def _fit(rows: Sequence[int], columns: Sequence[int], weights: Sequence[list[float]]) -> list[float]:
    factors = [1.0] * len(columns)
    for _ in range(_FITTING_ROUNDS):
        sums = [0.0] * len(columns)
        for total, weight in zip(rows, weights, strict=True):
            scaled = list(map(mul, factors, weight))
            scale = total / sum(scaled)
            sums = [so_far + share * scale for so_far, share in zip(sums, scaled, strict=True)]
        factors = [
            factor * column / reached if reached else factor
            for factor, column, reached in zip(factors, columns, sums, strict=True)
        ]
    return factors


def _round(total: int, weights: list[float]) -> list[int]:
    scale = total / sum(weights)
    exact = [weight * scale for weight in weights]
    row = list(map(int, exact))
    left = total - sum(row)
    if left:
        order = sorted(range(len(row)), key=lambda index: row[index] - exact[index])
        for index in order[:left]:
            row[index] += 1
    return row


def _repair(table: list[list[int]], columns: Sequence[int], chance: Chance) -> None:
    """Move single votes within rows, in place, from columns that have too many to columns that have too few."""
    off = [sum(column) - wanted for column, wanted in zip(zip(*table, strict=True), columns, strict=True)]
    givers = [index for index, surplus in enumerate(off) for _ in range(surplus)]
    takers = [index for index, surplus in enumerate(off) for _ in range(-surplus)]
    for giver, taker in zip(givers, takers, strict=True):
        row = table[_row_with(giver, table, chance)]
        row[giver] -= 1
        row[taker] += 1


def _row_with(column: int, table: list[list[int]], chance: Chance) -> int:
    return pick(len(table), lambda index: table[index][column] > 0, chance)


def pick(size: int, fits: Callable[[int], bool], chance: Chance) -> int:
    """Return a random index below `size` that fits. There must be one, or `StopIteration` is raised."""
    for _ in range(_TRIES):
        index = chance.randrange(0, size)
        if fits(index):
            return index
    return next(index for index in range(size) if fits(index))
