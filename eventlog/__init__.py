"""The event log: one small port with two adapters, Kafka and an embedded one on SQLite, archives, and the clocks.

- The port: `port` is what the rest of sandik asks of a log, the limits that both adapters keep, the partition of a key,
  in either, and reading a topic to its end.
- A run in the log: `run` has its topics, and creates and finds runs.
- Time: `clock` is the only one who knows it. For whoever runs for as long as the night, `loops` owns what never ends,
  and says when what failed is tried again.
- The adapters: `kafka/`, `sqlite/`.
- Archives: `archive` reads and writes one; `archive_files` are what is in its folder: the manifest, which has the chain
  and the digests that make it tamper-evident, and Parquet files, as columns and as records.
"""
