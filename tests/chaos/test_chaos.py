"""The short form of the chaos: a few outages and kills on three brokers; `make chaos` has more of them."""

from pathlib import Path

import pytest

from eventlog.clock import Wall
from gateway.settings import GatewaySettings
from tests.chaos.outages import BOUND_S
from tests.chaos.world import Plan, play
from tests.conftest import go_without_kafka
from tests.kafka.jars import NoKafka

SHORT = Plan(seed=4, outages=4, kills=20, stacks=1, longest_s=3.0, in_a_row=2)
"""All links are cut, one is held up, all brokers are stopped where they are, and one is killed; then the kills."""


@pytest.mark.kafka
@pytest.mark.slow
@pytest.mark.timeout(1800)
async def test_a_night_on_three_brokers_comes_through_outages_and_kills(tmp_path: Path) -> None:
    """No wrong total, no gap, no step back, nobody frozen. How fast they move again is no matter on a busy machine."""
    try:
        report = await play(SHORT, tmp_path / "chaos", Wall())
    except NoKafka as missing:
        go_without_kafka(str(missing))

    assert [] == report.wrong
    assert len(report.outages) == SHORT.outages
    assert sum(sum(one.killed.values()) for one in report.rounds) >= SHORT.kills
    assert all(recovery.seconds or recovery.code for one in report.outages for recovery in one.recoveries)


def test_a_gateway_that_the_log_refused_tries_again_early_enough_to_move_in_time() -> None:
    """A password that is put back in mid-night: the pause, and two tries' worth of connecting and reading after it."""
    refused_s = GatewaySettings().retry.refused_s
    assert refused_s is not None
    assert refused_s <= BOUND_S * 2 / 3
