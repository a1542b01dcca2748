"""The embedded event log: one SQLite file on one machine, for several processes.

- `log` is the port's adapter, with its reader and its place in a consumer group.
- `threads` are the one that writes and the few that read.
- `commits` is how processes learn that others have committed, and what the writing thread sleeps on until then.
- `tables` are the statements that they run, with checksums, compaction and the leases of consumer groups.
- `file` opens the file, shares its one write lock, sees whether it is still the same, and checks all of it.
"""
