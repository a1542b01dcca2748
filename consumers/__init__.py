"""Consumers: whatever folds tallies.

- The count: `tally` is the fold; of each cell `ledger` says which revision of a box stands (kept in `lanes`, added up
  to `sums`), `reports` which report of a whole district, by what the `register` allows; `notices` is what is odd about
  when they were told.
- The aggregator: `aggregate` is the loop, `takes` runs it take after take. It saves with `saving` and `checkpoint`,
  relays orders with `gatekeeper` (over `gates`, `marks` and `broken_orders`), compares sources with `comparing` (over
  `compare`), and says with `assessing` (over `assess`) what becomes of what was set aside. What waited too long to be
  published is told by `lateness`.
- Archives: `archive` follows a run, `archive_book` writes it down, `archive_fold` works out what it says of each
  record, `archive_check` does so again, and `verify` does that for a whole archive. `restore` writes one back.
- Questions about the past: `history` (the totals at a moment), `trace` (what is behind a number).
"""
