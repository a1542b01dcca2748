"""Every code by which a gateway says why it refuses something is in the pages that a client's author reads."""

import re
from pathlib import Path
from typing import Final, get_args

import pytest

from gateway.admission.access import RefusalCode
from gateway.health import Code

ROOT: Final = Path(__file__).parents[2]
PAGES: Final = "".join((ROOT / "docs" / f"{name}.md").read_text() for name in ("protocol", "security", "control-room"))
ORDERS: Final = (ROOT / "docs" / "control-room.md").read_text()


def codes_in(source: str) -> set[str]:
    """The codes of refusals over HTTP that a module's text has."""
    return set(re.findall(r'(?:Coded|Refusal)\(\s*(?:\d+|\w+),\s*"(\w+)"', source)) | set(
        re.findall(r'"error": [^{}]*?"code": "(\w+)"', source)
    )


def test_every_refusal_of_the_gateway_is_in_a_page() -> None:
    found = {code for path in (ROOT / "gateway").rglob("*.py") for code in codes_in(path.read_text())}

    assert {"embargo", "not_ready", "too_many", "no_order"} <= found
    assert set() == {code for code in found | set(get_args(RefusalCode)) if f"`{code}`" not in PAGES}


def test_every_refusal_of_an_order_is_in_the_page_of_the_control_room() -> None:
    found = codes_in((ROOT / "gateway" / "routes" / "control.py").read_text())

    assert "log_failed" in found
    assert set() == {code for code in found if f"`{code}`" not in ORDERS}


@pytest.mark.parametrize("code", get_args(Code))
def test_every_reason_for_not_being_ready_is_in_the_page_of_the_control_room(code: str) -> None:
    assert f"`{code}`" in ORDERS
