"""The load tester: many thin clients in several processes, a feed on a fixed schedule, and what was measured.

- Before: the `plan` is made from a mix of subscriptions; the `schedule` says which box changes when.
- The processes: the `conductor` starts them; a `worker` has many `clients`, and one process runs the `feed`.
- A client: its `connection`, and its `subject_state`: what it shows, and what is wrong with how that came about.
- What comes of it: `measurements` (histograms and counters), the `outcome` of all processes, also as data, and the
  `report` as a page.
"""
