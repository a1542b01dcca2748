"""Consumers: the loops that follow a run's log and write down what its tallies come to. The folds are in tabulation.

- The aggregator: `aggregate` is its loop, from tallies to totals, and goes on where a replay begins another epoch. In
  `rounds` it writes checkpoints, from which it goes on, and publishes comparisons of sources and assessments of what is
  in quarantine. By `order_relay` it relays operators' orders into totals, and amendments of the definition into the
  tallies.
- Archives: `archive` follows a run and writes it down, with what `archive_fold` works out of each record; `verify`
  works all of that out again, and compares. `restore` writes an archive back into a log.
"""
