"""The documentation's pictures: what is in them. That they are drawn is seen by drawing them: `make pictures`."""

from pathlib import Path
from typing import Final

from benchmarks.night import election
from gateway.brand import shipped_brands
from gateway.pages import OVERLAY_NAMES
from tools.pictures import figures, sheet, shown_overlays

MOST_BYTES: Final = 600_000


def test_every_overlay_in_every_brand_is_on_the_sheet() -> None:
    shown = shown_overlays()
    assert set(OVERLAY_NAMES) == {one.name for one in shown}
    page = sheet((one, [b"picture"] * len(shipped_brands())) for one in shown)
    assert len(shown) * len(shipped_brands()) == page.count("<img ")
    assert all(f"<figcaption>{one.name}" in page for one in shown)


def test_no_district_has_more_boxes_or_votes_than_there_can_be() -> None:
    definition = election()
    found = list(figures(definition))
    assert 2 * len(definition.districts) == len(found)
    for one in found:
        assert one.boxes_opened <= definition.boxes_total[one.district]
        assert 0 <= min(one.votes.values())
        assert sum(one.votes.values()) <= (one.registered or 0)


def test_all_pictures_together_stay_small() -> None:
    root = Path(__file__).parents[2]
    pictures = [*(root / "docs").glob("*.jpg"), *(root / "docs").glob("*.png"), root / "gateway/pages/share.png"]
    assert sum(one.stat().st_size for one in pictures) < MOST_BYTES
