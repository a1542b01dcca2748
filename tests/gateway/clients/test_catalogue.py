import pytest

from gateway.clients.catalogue import Catalogue, Unknown
from schemas.wire import Subscribe
from tests.gateway.nights import election

CATALOGUE = Catalogue(election())


def test_patterns_stand_for_units_and_for_those_directly_below() -> None:
    assert CATALOGUE.units(["tr/34/*", "tr"]) == {"tr", "tr/34/adalar", "tr/34/uskudar"}
    assert CATALOGUE.units(["tr/*"]) == {"tr/06", "tr/34"}


def test_equal_selections_are_one_object() -> None:
    """Whatever their order: hashing and comparing them costs nothing."""
    assert CATALOGUE.units(["tr", "tr/34"]) is CATALOGUE.units(["tr/34", "tr", "tr"])


def test_a_message_becomes_a_subscription() -> None:
    message = Subscribe(type="subscribe", id="s", contest="mayor", source="aa", units=("tr/06/*",), max_rate_hz=2)
    assert CATALOGUE.subscription(message) == ("s", "mayor", "aa", frozenset({"tr/06/cankaya"}), 2)


@pytest.mark.parametrize("pattern", ["tr/35", "tr/34/uskudar/*", "tr/35/*", "x"])
def test_a_pattern_that_matches_nothing_is_an_error(pattern: str) -> None:
    with pytest.raises(Unknown, match="No unit matches") as refused:
        CATALOGUE.units(["tr", pattern])
    assert refused.value.code == "unknown_unit"


def test_an_unknown_name_is_told_what_there_is() -> None:
    with pytest.raises(Unknown, match="There are: mayor, council") as refused:
        CATALOGUE.contest("president")
    assert refused.value.code == "unknown_contest"
    with pytest.raises(Unknown, match="There are: aa, anka") as refused:
        CATALOGUE.source("reuters")
    assert refused.value.code == "unknown_source"
