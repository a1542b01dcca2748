"""The processes' own log lines: readable on a terminal, one JSON object a line for machines.

Modules log through the standard library; structlog only writes, so a library's lines look like ours.
"""

import logging
import sys
from enum import StrEnum
from typing import Final

import structlog
from structlog.typing import Processor

from sandik.log_limit import Repeats

PACKAGES: Final = ("eventlog", "producers", "consumers", "gateway", "sandik")
"""Whose lines `--verbose` shows."""


class LogForm(StrEnum):
    """How lines are written."""

    CONSOLE = "console"
    JSON = "json"


def configure_logs(form: LogForm, *, verbose: bool) -> None:
    """Write log lines to standard error; warnings only, unless `verbose`."""
    shared: list[Processor] = [
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.ExtraAdder(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    renderer: Processor = structlog.dev.ConsoleRenderer(
        colors=sys.stderr.isatty(),
        pad_event_to=0,
        exception_formatter=structlog.dev.plain_traceback,  # with locals it takes half a second, and shows tokens
    )
    if form is LogForm.JSON:
        shared.append(structlog.processors.format_exc_info)
        renderer = structlog.processors.JSONRenderer(ensure_ascii=False)
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        )
    )
    handler.addFilter(Repeats())
    logging.basicConfig(handlers=[handler], level=logging.WARNING, force=True)
    for package in PACKAGES:
        logging.getLogger(package).setLevel(logging.INFO if verbose else logging.WARNING)
    logging.getLogger("aiokafka").setLevel(logging.NOTSET if verbose else logging.CRITICAL)  # our errors say it once
