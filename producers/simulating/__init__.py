"""A staged night from a scenario and a seed: the same two give the same bytes. Pure.

Start at `simulate`: every report of every source. What it is made of, in order:

- `counts`: what is in the boxes. `arrivals`: when each source opens which.
- `plan`: when each source says what of each box, revision by revision, with the scenario's acts.
- `staging`: all of it as one stream of deliveries, disturbed as the scenario says; for sources that send district
  totals, bulletins instead of boxes.
"""
