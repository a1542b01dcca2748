"""Every target, by name."""

from typing import Final

from tests.fuzz.target import Target
from tests.fuzz.targets import (
    answers,
    archives,
    checkpoint,
    control,
    credentials,
    databases,
    feeds,
    loops,
    mappings,
    messages,
    requests,
    tables,
    tally,
    totals,
)

TARGETS: Final[dict[str, Target]] = {
    module.TARGET.name: module.TARGET
    for module in (
        tally,
        control,
        totals,
        checkpoint,
        messages,
        answers,
        requests,
        credentials,
        mappings,
        tables,
        archives,
        databases,
        loops,
        feeds,
    )
}
_WHOLE: Final = sum(target.share for target in TARGETS.values())


def inputs_of(target: Target, inputs: int) -> int:
    """How many of a campaign's inputs are the target's; at least one."""
    return max(1, round(inputs * target.share / _WHOLE))
