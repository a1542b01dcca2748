"""The count: tallies in, changed totals and quarantined records out.

- `tally_fold` is the fold. Of each cell `box_ledger` says which revision of a box stands (kept in `packed_counts`,
  added up to `sums`, which also judges one box's own figures), `report_ledger` which report of a whole district, by
  what `cell_rules` let in.
- `checkpoint` is what a partition's ledgers look like in the log, for the next start.
- Time: `event_time` is what an event time counts as, `lateness` says what waited too long to be published, `notices`
  is what is odd about when tallies were told.
- Questions: `compare` (two sources box by box), `trace` (what is behind a number), `assess` (what becomes of what was
  set aside).
"""
