"""The load tester: many thin clients in several processes, a feed on a fixed schedule, and what was measured.

- Before: the `plan` is made from a mix of subscriptions, with the schedule that says which box changes when.
- The processes: the `conductor` starts them; a `worker` has many `clients` (what each shows, and what is wrong with how
  that came about), each with its `connection`; one process runs the `feed`.
- What comes of it: the `outcome` of all processes (histograms and counters), also as data, and the `report` as a page.
"""
