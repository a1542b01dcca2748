"""Consumers: the loops that follow a run and write down what its tallies come to. The folds are in tabulation.

- The aggregator: `aggregate` is the loop, `takes` runs it take after take. It saves with `saving`, relays orders with
  `gatekeeper`, compares sources with `comparing`, and says with `assessing` what becomes of what was set aside.
- Archives: `archive` follows a run, `archive_book` writes it down, `archive_fold` works out what it says of each
  record, `archive_check` does so again, and `verify` does that for a whole archive. `restore` writes one back.
"""
