"""A staged night from a scenario and a seed: the same two give the same bytes. Pure.

Start at `simulate`: every report of every source, and all of it as one stream of deliveries, disturbed as the scenario
says; for sources that send district totals, bulletins instead of boxes. What it is made of, in order:

- `counts`: what is in the boxes.
- `plan`: when each source opens which, and says what of it, revision by revision, with the scenario's acts.
"""
