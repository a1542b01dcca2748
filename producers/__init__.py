"""Producers: whatever publishes tally events.

Three kinds, and none knows another:

- `tables/`: official box tables, and the district totals that agencies send, through a mapping.
- `simulating/`: a staged night, from a seed and a scenario.
- `replaying/`: an archive on a clock.

What they share:

- `stages`: deliveries, which are records on their way to the log, and the faults that can be injected into them.
- `publish`: append records to the log, at once or each when it is due; read what a source has in the log already.
- `apportion`: divide whole numbers so that nothing is lost. `chance`: seeded random numbers.
- `definition_files`: a definition out of tables, what is wrong in one, and how two differ.
- `input_files`: read TOML, and tell a file's author what is wrong in it.
"""
