"""The embedded event log: one SQLite file on one machine, for several processes.

- `log` is the port's adapter, with its reader and its place in a consumer group.
- `threads` are the one that writes and the few that read; `commits` notices what others have written.
- `tables` are the statements that they run, with checksums and compaction, and `leases` those of consumer groups.
- `file` opens the file, sees whether it is still the same, and checks all of it.
"""
