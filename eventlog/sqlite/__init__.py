"""The embedded event log: one SQLite file on one machine, for several processes.

- `log` is the port's adapter, with its reader and its place in a consumer group.
- `threads` are the one that writes and the few that read; `turns` are how the processes share the one write lock.
- `touches` are how a process tells the others that it has committed, `inbox` is what the writing thread sleeps on until
  then, and `commits` is the look that finds what they have written.
- `tables` are the statements that they run, with checksums and compaction, and `leases` those of consumer groups.
- `file` opens the file, sees whether it is still the same, and checks all of it.
"""
