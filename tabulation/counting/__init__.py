"""The count: tallies in, changed totals and quarantined records out.

- `tally_fold` is the fold. Of each cell its ledger, in `ledgers`, says which revision of a box stands (kept in
  `packed_counts`), or which report of the whole district. `cells` says which tallies a cell takes and what they add up
  to, and judges one box's own figures.
- `checkpoint` is what a partition's ledgers look like in the log, for the next start.
- What the totals do not show: `notices` (odd times, revisions and boxes, and what a time that is ahead counts as),
  `comparisons` (of two sources, box by box) and `quarantine` (what waits for somebody to look at it).
- `trace` answers what is behind a number, and what is counted in boxes that an amendment of the definition closes.
"""
