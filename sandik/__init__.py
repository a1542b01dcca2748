"""The application: settings, wiring, command line.

- The command line: `cli` lists the `commands/`, one module each, imported when it is asked for. What they share:
  `options`, `access_options` (who is let in), `operators` (whose orders count), `orders` and `consider` (giving one,
  and what it comes upon), `moments`, `runs`; `screen` and `progress_bar` (what people see meanwhile), `formats`,
  `numbers` and `names` (for people), `keys` (a replay at a terminal), `logs`, `log_limit`, `metrics`
  (`aggregator_metrics`, `archiver_metrics`), `tracing`.
- Wiring: `wiring` knows which adapter a URL means, `settings` the environment, `process` runs a coroutine until it is
  told to end, `workers` several processes behind one port, `past_worker` one for questions about the past.
- Read from the log alone: `read_totals`, `told` (which totals a reader is told: those on air, or in the log),
  `totals_table` (for people), `nist` (an election report), `statehash`; `past` (a moment), `set_aside` (quarantine);
  from an archive, `timeline` (what was on air from when on). `graphics/` writes files for the tools of a graphics desk.
- `client/` follows a night from a gateway, in Python; `load/` is the load tester.
"""
