"""Seats: how the votes of a contest are divided into them. Exact: integers and fractions, no floating point.

- `methods`: a number of seats among lists by their votes: D'Hondt, Sainte-Laguë, largest remainder, most votes.
- `division`: a contest's seats by its plan: who takes part (thresholds, alliances, votes that are deducted first), what
  each has in a constituency, and summed up.
- `councils`: the plan of a municipal council of Türkiye.

What a tie or a remainder leaves open is told as undecided, with those it lies between. No result depends on the order
in which votes are given.
"""
