"""The commands, one module each, named as they are typed.

- A night comes in: `simulate` (a seeded one, staged by one of the `scenarios`), `replay` (an archived one), `boxes` and
  `reports` (official tables, an agency's totals).
- It is counted and shown: `aggregate`, `gateway`; `demo` is all of it in one process. `control` gives orders.
- It is kept: `archive` writes a run down, `verify` checks that, `restore` writes it back into a log.
- It is asked about: `totals` (now), `at` (a moment), `trace` (what is behind a number), `compare` (two sources).
- It is handed on: `export` (a file for others), `graphics` and `timeline` (for a graphics desk), `schema`
  (the contract).
- It is made ready: `topics` (are they right, and who may use them), `token` (who may read), `load` (how many can).
"""
