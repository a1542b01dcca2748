"""The view: every unit's figures and what may be claimed of them.

- `figures` are a unit's counts, each with the seq of its last change; `view` is all of them, with their roll-ups;
  `program` is two views, of all there is and of what is on air.
- `claims` is what may be claimed of a unit beyond its counts, from its districts up.
"""
