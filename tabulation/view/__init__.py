"""The view: every unit's figures, and what stands beside them.

- `figures` are a unit's counts, each with the seq of its last change; `view` is all of them, with their roll-ups;
  `program` is two views, of all there is and of what is on air.
- `claims` is what may be said of a unit beyond its counts, from its districts up.
- Beside the totals: `notice_groups` (sources whose times or revisions are odd), `comparisons` (of two sources) and
  `quarantine` (what waits for somebody to look at it).
"""
