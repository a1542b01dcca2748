"""Folds of the log: what it says, and what an operator has said about that. Pure, and built anew at every start.

Start at `view`, the fold of the totals; everything else stands beside it.

- The totals: `figures` (a unit's counts, each with the seq of its last change), `view` (all of them, with their
  roll-ups), `program` (two views: all there is, and what is on air).
- The orders: `control` (embargo, calls, a replay, the audit), `playback` (a replay's clock).
- Beside the totals: `notices` (sources whose times or revisions are odd), `comparisons` (of two sources) and
  `quarantine` (what waits for somebody to look at it).
"""
