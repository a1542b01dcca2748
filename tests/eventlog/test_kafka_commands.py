"""Commands of Kafka's own tools, as they are to be typed."""

from eventlog.kafka_commands import PROPERTIES, KafkaCommands


def test_a_secured_cluster_is_asked_with_the_administrators_properties() -> None:
    secured = KafkaCommands("broker:9093", secured=True).alter("t", "retention.ms", "-1")
    assert secured.startswith(f"kafka-configs.sh --bootstrap-server broker:9093 --command-config {PROPERTIES} --alter")
    assert PROPERTIES not in KafkaCommands("broker:9093").alter("t", "retention.ms", "-1")


def test_what_begins_so_is_allowed_with_a_pattern() -> None:
    commands = KafkaCommands("broker:9093")
    one = commands.allow("feeds", ("Read", "Write"), "topic", ["a", "b"], prefixed=False)
    assert one == (
        "kafka-acls.sh --bootstrap-server broker:9093 --add --allow-principal User:feeds"
        " --operation Read --operation Write --topic a --topic b"
    )
    assert commands.allow("feeds", ("Read",), "group", ["g."], prefixed=True).endswith(
        "--group g. --resource-pattern-type prefixed"
    )
