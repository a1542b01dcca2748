"""A gateway whose keys do not verify what the operators have ordered: nothing is shown that they keep back."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import orjson
import pytest

from eventlog.clock import Manual
from eventlog.run import Run, RunTopics
from gateway.admission.handshake import AccessSettings
from gateway.gateway import Gateway
from gateway.settings import GatewaySettings
from schemas.control import EmbargoLifted, EmbargoSet, FigureOverridden, Held, OverrideWithdrawn, Released
from schemas.moments import epoch_ms
from schemas.trust import OperatorKey
from tests.gateway.nights import START, Written, election
from tests.gateway.test_embargo import PATHS, asked, assert_nothing_is_told, bytes_of, connected, record
from tests.gateway.tokens import HS256, token
from tests.schemas.orders import Kind, new_signer, written

SIGNER, OTHER = new_signer(), new_signer()


def started(*operators: OperatorKey) -> Gateway:
    """A gateway of a live night with some figures, which trusts these operators."""
    settings = GatewaySettings(access=AccessSettings(keys=(HS256,)), operators=operators)
    gateway = Gateway("night", clock=Manual(START + timedelta(minutes=10)), settings=settings)
    gateway.begin(Run(RunTopics("night"), "live", "9f2c", election()))
    gateway.fold([record()])
    gateway.caught_up()
    return gateway


def order(gateway: Gateway, kind: Kind, signer: Any, **fields: Any) -> None:
    assert gateway.run_state is not None
    value = written(kind, signer, epoch="9f2c", **fields)
    position = gateway.run_state.control.position
    gateway.fold_control([Written(position, value, timestamp=epoch_ms(gateway.clock.now()))])
    gateway.turn()


@pytest.mark.parametrize("operators", [(), (OTHER.public,)], ids=["no key", "another operator's key"])
async def test_an_embargo_stands_and_the_gateway_says_that_it_is_not_ready(operators: Sequence[OperatorKey]) -> None:
    gateway = started(*operators)
    order(gateway, EmbargoSet, SIGNER)
    order(gateway, EmbargoLifted, SIGNER)
    for path in PATHS:
        assert_nothing_is_told(bytes_of(await asked(gateway, path)))
    assert_nothing_is_told(orjson.dumps(connected(gateway).messages).decode())

    answer = await asked(gateway, "/readyz")
    assert 503 == answer.status_code
    for words in ("embargo_set at control offset 0, by Ayşe", "--operator-key FILE", "FILE@UNTIL"):
        assert words in answer.json()["reason"]


async def test_the_control_room_stays_open_and_a_trusted_operator_lifts_it() -> None:
    gateway = started(OTHER.public)
    order(gateway, EmbargoSet, SIGNER)
    bearer = f"Bearer {token('control_room', now=gateway.clock.now())}"
    room = (await asked(gateway, "/v1/control", authorization=bearer)).json()
    assert (room["unverified"], room["audit"][0]["kept"], room["audit"][0]["counts"]) == ([0], True, False)
    assert "cannot be verified" in room["unready"][0]
    because = {"code": "unverified", "sentence": room["unready"][0], "values": {"orders": "embargo_set (0)"}}
    assert [because] == room["unready_because"]
    assert 451 == (await asked(gateway, "/v1/totals")).status_code

    order(gateway, EmbargoLifted, OTHER)
    assert 200 == (await asked(gateway, "/v1/totals")).status_code
    answer = await asked(gateway, "/readyz")
    assert (200, True, []) == (answer.status_code, answer.json()["ready"], answer.json()["reasons"])
    assert [] == (await asked(gateway, "/v1/control", authorization=bearer)).json()["unready"]


async def test_the_key_of_an_operator_who_left_undoes_nothing_of_what_they_ordered() -> None:
    gateway = started(OTHER.public, OperatorKey(SIGNER.public._key, START + timedelta(hours=1)))
    order(gateway, EmbargoSet, SIGNER)
    assert (451, 200) == (
        (await asked(gateway, "/v1/totals")).status_code,
        (await asked(gateway, "/readyz")).status_code,
    )
    order(gateway, EmbargoLifted, SIGNER)
    assert 200 == (await asked(gateway, "/v1/totals")).status_code


async def test_of_an_operator_who_left_nothing_counts_any_more() -> None:
    gateway = started(OTHER.public, OperatorKey(SIGNER.public._key, START))
    order(gateway, EmbargoSet, OTHER)
    order(gateway, EmbargoLifted, SIGNER)
    assert 451 == (await asked(gateway, "/v1/totals")).status_code


async def test_a_hold_that_cannot_be_verified_is_told_in_readiness_until_it_is_released() -> None:
    gateway = started(OTHER.public)
    order(gateway, Held, SIGNER, contest="mayor", unit="tr/34")
    answer = await asked(gateway, "/readyz")
    assert (503, True) == (answer.status_code, "held at control offset 0" in answer.json()["reason"])
    order(gateway, Released, SIGNER, contest="mayor")
    assert 503 == (await asked(gateway, "/readyz")).status_code
    order(gateway, Released, OTHER, contest="mayor")
    assert 200 == (await asked(gateway, "/readyz")).status_code


async def test_a_figure_set_by_hand_that_cannot_be_verified_is_told_in_readiness_until_it_is_settled() -> None:
    """The source's own figure shows in its place: nobody should have to find that out by looking."""
    gateway = started(OTHER.public)
    cell = {"contest": "mayor", "source": "aa", "unit": "tr/34/uskudar"}
    order(gateway, FigureOverridden, SIGNER, **cell, figures={"boxes_opened": 7})
    answer = await asked(gateway, "/readyz")
    assert 503 == answer.status_code
    for words in ("are not set", "figure_overridden at control offset 0, by", "--operator-key FILE"):
        assert words in answer.json()["reason"]
    order(gateway, OverrideWithdrawn, SIGNER, **cell)
    assert 503 == (await asked(gateway, "/readyz")).status_code
    order(gateway, OverrideWithdrawn, OTHER, **cell)
    assert 200 == (await asked(gateway, "/readyz")).status_code


@pytest.mark.parametrize("until", [START, START + timedelta(hours=1)])
async def test_a_forged_embargo_shortens_none(until: Any) -> None:
    gateway = started(SIGNER.public)
    order(gateway, EmbargoSet, SIGNER)
    order(gateway, EmbargoSet, OTHER, until=until)
    assert isinstance(gateway.clock, Manual)
    gateway.clock.advance(7_200)
    gateway.watch()
    assert 451 == (await asked(gateway, "/v1/totals")).status_code
    assert () == gateway.unverified()
