"""Sharing out whole numbers so that nothing is lost: the arithmetic under the simulated boxes."""

from collections.abc import Callable, Sequence
from operator import mul
from typing import Final

from producers.chance import Chance

_FITTING_ROUNDS: Final = 4
"""Rounds of proportional fitting: what is still off after four is a few votes a district, moved by hand afterwards."""

_TRIES: Final = 32
"""Random picks of a box before the search goes through all of them."""


def apportion(total: int, weights: Sequence[float], caps: Sequence[int]) -> list[int]:
    """Share `total` out by weight (largest remainders), no share above its cap.

    The caps must have room for `total` together.
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
    """A table of whole numbers with exactly these row and column sums, shaped like `weights`.

    Iterative proportional fitting, then each row is rounded to its sum, then single votes are moved within rows until
    the columns agree. The sums of `rows` and `columns` must be equal, the weights above 0.
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
    """Move single votes within rows, from columns that have too many to columns that have too few."""
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
    """A random index that fits, of those below `size`; there must be one."""
    for _ in range(_TRIES):
        index = chance.randrange(0, size)
        if fits(index):
            return index
    return next(index for index in range(size) if fits(index))
