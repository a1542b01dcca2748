"""Optional OpenTelemetry: a span for each append and each read that brought something.

The spans are made around the log's port, so neither the folds nor the gateway know of them. They are exported where
`OTEL_EXPORTER_OTLP_ENDPOINT` says, if the extra is installed: `pip install "sandik[otel]"`. Attributes are named by
OpenTelemetry's semantic conventions for messaging.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final, Self

from eventlog.port import Batch, Entry, EventLog, Membership, Reader, Topic, TopicFinding
from schemas.errors import UsageError

if TYPE_CHECKING:
    from opentelemetry.trace import Tracer

ENDPOINT: Final = "OTEL_EXPORTER_OTLP_ENDPOINT"


def traced_where_asked(log: EventLog, environment: Mapping[str, str]) -> EventLog:
    """The log with spans, where the environment names an endpoint; else the log as it is.

    Raises `UsageError` where spans are asked for and the extra is not installed.
    """
    if not environment.get(ENDPOINT):
        return log
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415  optional
        from opentelemetry.sdk.resources import Resource  # noqa: PLC0415
        from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415
        from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415
    except ImportError as error:
        raise UsageError(
            f'{ENDPOINT} is set, but OpenTelemetry is not installed: pip install "sandik[otel]".'
        ) from error
    provider = TracerProvider(
        resource=Resource.create({"service.name": environment.get("OTEL_SERVICE_NAME", "sandik")})
    )
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    return TracedLog(log, provider.get_tracer("sandik"))


class TracedLog:
    """An event log whose appends and reads are spans."""

    def __init__(self, log: EventLog, tracer: "Tracer") -> None:
        self._log = log
        self._tracer = tracer

    async def __aenter__(self) -> Self:
        await self._log.__aenter__()
        return self

    async def __aexit__(self, *error: object) -> None:
        await self._log.__aexit__(*error)

    async def create(self, topics: Sequence[Topic]) -> None:
        await self._log.create(topics)

    async def check(self, topics: Sequence[Topic]) -> list[TopicFinding]:
        return await self._log.check(topics)

    async def exists(self, topic: str) -> bool:
        return await self._log.exists(topic)

    async def partitions(self, topic: str) -> int:
        return await self._log.partitions(topic)

    async def append(self, topic: str, entries: Sequence[Entry]) -> None:
        attributes: dict[str, str | int] = {
            "messaging.operation.name": "append",
            "messaging.destination.name": topic,
            "messaging.batch.message_count": len(entries),
            "messaging.message.body.size": sum(len(entry.value) for entry in entries),
        }
        with self._tracer.start_as_current_span(f"append {topic}", attributes=attributes):
            await self._log.append(topic, entries)

    def reader(self, topic: str, positions: Mapping[int, int]) -> Reader:
        return _TracedReader(self._log.reader(topic, positions), topic, self._tracer)

    def member(self, topic: str, group: str, name: str | None = None) -> Membership:
        return self._log.member(topic, group, name)

    async def end_offsets(self, topic: str) -> dict[int, int]:
        return await self._log.end_offsets(topic)

    async def offsets_at(self, topic: str, timestamp: int) -> dict[int, int]:
        return await self._log.offsets_at(topic, timestamp)

    def partition_of(self, key: bytes, partitions: int) -> int:
        return self._log.partition_of(key, partitions)


class _TracedReader:
    """A reader that marks each read that brought something with a span; how long it waited is the feed's matter."""

    def __init__(self, reader: Reader, topic: str, tracer: "Tracer") -> None:
        self._reader = reader
        self._topic = topic
        self._tracer = tracer

    async def __aenter__(self) -> Self:
        await self._reader.__aenter__()
        return self

    async def __aexit__(self, *error: object) -> None:
        await self._reader.__aexit__(*error)

    @property
    def positions(self) -> Mapping[int, int]:
        return self._reader.positions

    async def read(self, *, max_records: int, wait_ms: int) -> list[Batch]:
        batches = await self._reader.read(max_records=max_records, wait_ms=wait_ms)
        if batches:
            attributes: dict[str, str | int] = {
                "messaging.operation.name": "read",
                "messaging.destination.name": self._topic,
                "messaging.batch.message_count": sum(len(batch.records) for batch in batches),
            }
            self._tracer.start_span(f"read {self._topic}", attributes=attributes).end()
        return batches
