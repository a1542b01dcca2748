"""The load tester: many thin clients in several processes, a feed on a fixed schedule, and what was measured.

- Before: a `mix` of subscriptions and `quantities` as people type them make a `plan`; the `schedule` says which box
  changes when.
- The processes: the `conductor` starts them, each at its end of a `line`; a `worker` has a `crowd` of clients, the
  `feeder` has the `feed`.
- A client: `sockets`, the opening `handshake`, its `connection` and the `frames` that come in, and its `standing`: what
  it shows, and what is wrong with how that came about.
- What comes of it: `figures` over `histogram`, the `outcome` of all processes, `progress` meanwhile, then a `summary`
  as data and the `report` as a page with its `plots`.
"""
