"""What a link to the board says: figures with their time, and none that the public may not see."""

import pytest

from gateway.routes.link_preview import LinkPreview, link_preview
from schemas.control import Mode
from tabulation.derived.columns import Language
from tabulation.view import View
from tests.gateway.nights import election, totals

SELECTED = {"contest": "mayor", "source": "aa", "unit": "tr/34"}


def said(votes: dict[str, int] | None, *, mode: Mode = "live", language: Language = "tr") -> LinkPreview:
    """What a link says where Üsküdar has reported these votes, or nobody anything."""
    view = View(election())
    if votes is not None:
        view.apply(0, totals("tr/34/uskudar", votes, boxes=7))
    return link_preview(election(), mode, SELECTED, view.figures("mayor", "aa", "tr/34"), language)


def test_it_names_who_leads_with_source_time_and_boxes() -> None:
    found = said({"kurum": 400, "imamoglu": 600})
    assert "İstanbul · Mayor" == found.title
    assert "AA · 31.03.2024 20:00: Imamoglu %60,00, Kurum %40,00 · açılan sandık 7 / 12" == found.description


def test_in_english_numbers_are_english() -> None:
    found = said({"kurum": 1, "imamoglu": 3}, language="en")
    assert found.description.endswith("Imamoglu 75.00%, Kurum 25.00% · boxes opened 7 / 12")


@pytest.mark.parametrize("votes", [None, {"kurum": 0}])
def test_before_the_first_vote_it_says_what_this_is(votes: dict[str, int] | None) -> None:
    assert "Canlı seçim sonuçları · A small election" == said(votes).description


def test_a_rehearsal_is_told() -> None:
    assert said({"kurum": 1}, mode="replay").title.startswith("[TEKRAR] ")
    assert "Kurum %100,00 ·" in said({"kurum": 1}, mode="test").description
