"""The commands, those in one module that a user would look for together. Modules import what their commands run.

- A night comes in: `simulate` (a seeded one), `replay` (an archived one), `tables` (tables of boxes, and agencies'
  totals as reports), `publish` (ready events);
  `mapping` (a first mapping for a table).
- It is counted and shown: `aggregate`, `gateway`. All in one process: `run` (a file), `demo` (a simulated night).
  `control` gives orders.
- It is kept: `archive` writes a run down, verifies that, and restores it into a log.
- It is asked about: `totals` (now, at a moment, and exported to a file), `trace` (what is behind a number), `compare`
  (two sources).
- It is handed on: `graphics` and `timeline` (for a graphics desk), `reference` (the contract's schemas, and the staged
  scenarios).
- It is made ready: `definition` (make, check and compare what an election consists of), `topics` (are they right, and
  who may use them), `token` (who may read), `load` (how many can).
"""
