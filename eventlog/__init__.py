"""The event log: one small port with two adapters, Kafka and an embedded one on SQLite, and the clocks."""
