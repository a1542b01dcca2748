"""The contract: every shape that crosses a process boundary, as pydantic models.

All of it is versioned and additive-only: a reader ignores fields it does not know.

- What an election is: `definition`, of `units` (levels, trees, boxes) and `contests` (with how votes become seats, what
  they came to the last time, and the sources, with the units of which each tells a contest), and how it changes while a
  run goes on: `amendments`.
  What is reported: `tally`.
- The totals topic: `totals` are what the aggregator publishes, with the state hash over them. Beside them lie `asides`
  under keys of their own (holds, figures set by hand, notices of a source whose times or revisions are odd), and
  `progress` (how far the partitions of a replay have published, and what was published late).
- The control topic: `control` is what the run is and what operators order, `graphics` the orders about graphics on air;
  `trust` signs and verifies orders.
- The other topics: `comparison` is what two sources say of the same boxes, and why they differ; `quarantine` what could
  not be used, why, what it states all the same, and how it is released.
- The clients: `wire` is what they send and get, and its description for other tools.
- What the models share: `figures` (the counts of a total, declared once), `fields` (small types, the base classes),
  `errors`, `moments` (times as people write them, time zones), `spelling` (names in any script and language).
"""
