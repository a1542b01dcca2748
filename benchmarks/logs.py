"""The two logs to measure on: an embedded one in a temporary folder, and Apache Kafka on this machine."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

from tests.kafka.broker import Broker


@contextmanager
def log_urls() -> Iterator[dict[str, str]]:
    """The URL of each log by its name, as long as the block runs. `SANDIK_TEST_KAFKA` names a broker to use instead."""
    with tempfile.TemporaryDirectory(prefix="sandik-bench-") as folder:
        embedded = {"embedded log": f"sqlite:{folder}/bench.db"}
        if servers := os.environ.get("SANDIK_TEST_KAFKA"):
            yield embedded | {"Apache Kafka": f"kafka://{servers}"}
            return
        with Broker.fresh() as broker:
            yield embedded | {"Apache Kafka": f"kafka://{broker.servers}"}
