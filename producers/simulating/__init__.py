"""A staged night from a scenario and a seed: the same two give the same bytes. Pure.

Start at `simulate`: every report of every source, and all of it as one stream of deliveries, disturbed as the scenario
says; for sources that send district totals, bulletins instead of boxes. What it is made of, in order:

- `scenario`: all that a scenario's file can say. The files lie in producers/scenarios.
- `library`: find a file by its name, and read it, with what makes a file short: a base to differ from, a country from a
  few figures.
- `counts`: what is in the boxes.
- `plan`: when each source opens which, and says what of it, revision by revision, with the scenario's acts.
"""
