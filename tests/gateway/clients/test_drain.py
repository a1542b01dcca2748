import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.clients.drain import (
    MAX_BATCHES,
    MIN_BATCH_CLIENTS,
    MIN_SPREAD_S,
    RECONNECTS_PER_S,
    batches,
    goodbye_message,
    retry_after_s,
)
from schemas.wire import SERVER_MESSAGE, Goodbye


@pytest.mark.parametrize(("clients", "most_s"), [(0, MIN_SPREAD_S), (10, MIN_SPREAD_S), (10_000, 10.0)])
def test_clients_come_back_over_as_long_as_taking_them_in_lasts(clients: int, most_s: float) -> None:
    assert retry_after_s(clients, 0.0) == 0
    assert retry_after_s(clients, 0.5) == most_s / 2
    assert clients / most_s <= RECONNECTS_PER_S


@given(st.integers(0, 5_000))
def test_waves_hold_everybody_once_and_are_about_as_large_as_one_another(count: int) -> None:
    clients = list(range(count))
    found = batches(clients)
    assert [client for batch in found for client in batch] == clients
    sizes = [len(batch) for batch in found]
    assert len(sizes) <= MAX_BATCHES
    assert not sizes or max(sizes) - min(sizes) <= 1
    if count <= MIN_BATCH_CLIENTS:
        assert len(sizes) == min(count, 1)


def test_a_goodbye_keeps_to_the_contract() -> None:
    message = goodbye_message(1012, 0.25)
    assert SERVER_MESSAGE.validate_json(message) == Goodbye(type="goodbye", code=1012, retry_after_s=0.25)
    assert orjson.loads(message)["retry_after_s"] == 0.25
