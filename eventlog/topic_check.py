"""Whether a run's topics are what they must be: a live run refuses those that are not, another one is warned."""

import logging
from collections.abc import Sequence

from eventlog.port import EventLog, TopicFinding
from eventlog.topics import RunTopics
from schemas.control import Mode
from schemas.errors import WrongTopic

_log = logging.getLogger(__name__)


async def check_topics(log: EventLog, topics: RunTopics, mode: Mode) -> None:
    """Compare the topics of a run that is to be worked on. Raises `WrongTopic` where a live run cannot be held by them.

    A topic that is missing is no fault here: a run of an earlier release does not have all of them. Nor is one that may
    lose something once a broker fails a reason to stop a night.
    """
    found = await log.check(topics.all())
    wrong = [one for one in found if one.standing == "wrong"]
    if wrong and mode == "live":
        raise WrongTopic(topics.run, wrong[0].topic, said_of(wrong[0]), wrong[0].mend, len(wrong) - 1)
    for one in [*wrong, *_warnings(found)]:
        _log.warning("Topic %r: %s. (sandik topics --run %s shows all)", one.topic, said_of(one), topics.run)


def said_of(finding: TopicFinding) -> str:
    """A finding in words, such as `retention.ms is 604800000 and must be -1`."""
    if finding.found is None:
        return f"{finding.setting}: not known, and must be {finding.wanted}"
    return f"{finding.setting} is {finding.found} and must be {finding.wanted}"


def _warnings(found: Sequence[TopicFinding]) -> list[TopicFinding]:
    return [one for one in found if one.standing in {"fragile", "untold"}]
