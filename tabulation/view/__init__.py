"""The view: every unit's figures and what may be claimed of them.

- `figures` are a unit's counts, each with the seq of its last change, and what may be claimed of it beyond them.
- `view` is all of them, with their roll-ups; `program` is two views, of all there is and of what is on air.
"""
