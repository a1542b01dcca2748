"""A staged night from a scenario and a seed: the same two give the same bytes. Pure.

Start at `simulate`: every report of every source. What it is made of, in order:

- `counts`: what is in the boxes. `arrivals`: when each source opens which.
- `plan`: when each source says what, the scenario's acts worked in. `revisions` is one source on one box, revision by
  revision; `statements` are its figures.
- `bulletins`: the same as district totals, for sources that send those.

`staging` has all of it as one stream of deliveries, disturbed as the scenario says.
"""
