"""Producers: whatever publishes tally events.

Three kinds, and none knows another:

- `tables/`: official box tables, and the district totals that agencies send, through a mapping.
- `simulating/`: a staged night, from a seed and one of the `scenarios/`.
- `replaying/`: an archive on a clock.

Here is what they share, and what scenarios need of it:

- On the way to the log: a `delivery` goes through the `stages`, which disturb it (`damage`; `fault_option` is how the
  command line writes them), and `publish` appends it: at once, or each when it is due. `published` is what a source
  has in the log already.
- Arithmetic and chance: `apportion` (nothing is lost), `chance` (seeded).
- For whoever writes a file: `faults` (what is wrong in it), `nearest` (what was meant).
- `toml`: files of ours as trees. `turkish`: names as identifiers.
"""
