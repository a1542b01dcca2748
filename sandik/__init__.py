"""The application: the command line, the wiring, the Python client and the load tester.

- The command line: `cli` lists the `commands/` and imports the module of the one that is asked for. They share
  `options` (whose orders count among them), `orders` (giving one, and reading those that were given), `quantities`
  (numbers and times as people read and type them), `screen` (words on standard error, and standard files that may be
  closed at the start), `console` (JSON and tables on standard output), `logs` and `telemetry` (metrics and spans).
- Wiring: `wiring` opens the log that a URL means and the runs in it; `process` runs a coroutine until a signal ends it,
  and several processes behind one port, and has the names of aggregators in their group.
- Coming in: `feed` publishes what is new in a table, a file or at an address, once or as it changes.
- Read from the log alone: `read_run` (totals, what no aggregator has counted yet, orders, quarantine, state hash),
  `run_totals` (those on air, or in the log, also as tables), `past` (a moment, and the course of the night), `nist` (an
  election report); from an archive, `timeline` (what was on air from when on). `graphics` describes the overlays for a
  graphics desk's tools.
- `client/` follows a night from a gateway, in Python; `load/` is the load tester.
"""
