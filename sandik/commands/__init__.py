"""The commands, those in one module that a user would look for together. Modules import what their commands run.

- A night comes in: `publish` (ready events, or simulated from a seed), `replay` (an archived one, also as a timeline
  for graphics), `tables` (tables of boxes, and agencies' totals as reports).
- It is counted and shown: `aggregate`, `gateway`. All in one process: `run` (a file, or a simulated night as a demo).
  `control` gives orders.
- It is kept: `archive` writes a run down, verifies that, and restores it into a log.
- It is asked about: `totals` (now, at a moment, and exported to a file), `trace` (what is behind a number), `compare`
  (two sources).
- It is handed on: `graphics` (for a graphics desk).
- It is made ready: `definition` (make, check and compare what an election consists of), `reference` (the contract's
  schemas, the staged scenarios, a first mapping for a table), `topics` (are they right, and who may use them), `token`
  (who may read), `load` (how many can).
"""
