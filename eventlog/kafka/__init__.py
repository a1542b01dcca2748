"""The event log on Apache Kafka, by aiokafka.

- `log` is the port's adapter, with the reader and the idempotent producer; `membership` is a place in a consumer group;
  `topics` creates topics and looks at their settings.
- `connection` starts clients, lets go of them, asks brokers, and says what Kafka's errors mean to us; `wire` is one
  connection below them.
- `administration` is for whoever keeps the cluster, and for a run that looks at its topics: what they must be, which
  rights each role needs, the commands for both, and how we prove who we are. It imports no client library.
"""
