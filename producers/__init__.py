"""Producers: whatever publishes tally events.

- Publishing: `publish` (at once, or each when it is due), over a `delivery`: a record on its way to the log.
- Official tables: `boxes` through a `mapping`; an agency's district totals: `reports` through a `report_mapping`, with
  `sent` for what an earlier file said. Both read a `sheet`, flat `records`, `notation` and `names`.
- Staged nights: a `scenario` (from the `library`, which reads `scenarios/`; `inherit`, `spread`, `acts`, `outcome` are
  its parts) becomes what is in the boxes (`counts`, `apportion`), when they come (`arrivals`), and what each source
  says of them (`plan`, `telling`, `statements`, `bulletins`): together `simulate`. `staging` sends it through the
  faults of `stages` (`damage`; `fault_option` is how the command line writes them).
- Replays: `replay` is the loop; `playhead` knows what of an `archived` night is due, `director` hears the orders,
  `herald` says where it is.
- Small things that several need: `chance` (seeded), `turkish` (names), `nearest`, `faults` and `line_faults` (what to
  tell a file's author).
"""
