"""The event log: one small port with two adapters, Kafka and an embedded one on SQLite, and the clocks.

- The port: `port` is what the rest of sandik asks of a log; `topics` and `run` are a run's place in it, `reading` reads
  to an end, `catching_up` does so again and again, `partition` and `limits` are what both adapters share, `clock` is
  the only one who knows the time.
- For whoever runs for as long as the night: `loops` owns what never ends, `retry` says when what failed is tried again.
- Kafka: `kafka` is the adapter; `kafka_appender`, `kafka_reader`, `kafka_member`, `kafka_topics`, `kafka_connection`,
  `kafka_security`, `kafka_brokers`, `kafka_errors`, `kafka_closing`. What its operators have to know:
  `kafka_requirements` (of topics), `kafka_roles` (the least ACLs), `kafka_commands` (of Kafka's own tools);
  `topic_check` is where a live run refuses a wrong topic.
- Embedded: `sqlite` is the adapter; `sqlite_file`, `sqlite_identity`, `sqlite_tables`, `sqlite_connections`,
  `sqlite_writer`, `sqlite_compaction`, `sqlite_leases`, `sqlite_checksum`, `sqlite_check` (a whole file), and `wakeups`
  for readers that wait.
- Archives as files: `archive` reads one; `archive_folder` writes one; `archive_manifest`, `archive_segment`,
  `archive_chain`, and `archive_faults`, which names what is wrong with a file.
"""
