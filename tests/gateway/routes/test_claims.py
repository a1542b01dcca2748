"""What is said of figures that contradict each other or the definition, at every door that says it."""

from pathlib import Path

import orjson
import pytest

from schemas.tally import Tally
from schemas.wire import State
from tests.gateway.claiming import box, election, rep, tell, told
from tests.gateway.gateways import night, running, viewer

SURPLUS = (rep("a", 1, 12, {"a": 2_400, "b": 1_000}, 4_800), rep("b", 1, 8, {"a": 1_000, "b": 2_000}, 3_200))


async def test_a_surplus_of_one_district_hides_no_box_that_another_lacks(tmp_path: Path) -> None:
    async with told(tmp_path, election(), *SURPLUS) as doors:
        fact, row, entry = await doors.fact(), await doors.row(), await doors.entry()
        district = await doors.row("tr/34/a")
    assert (20, 20, 2, False, 9_000) == tuple(
        fact[name] for name in ("boxes_opened", "boxes_total", "boxes_surplus", "complete", "progress_bp")
    )
    assert (None, False) == (fact["votes_possible"], fact["cannot_be_overtaken"])
    assert ("90.00%", 0, "boxes_over_total registered_over_roll") == (
        row["boxes_pct_text"],
        row["complete"],
        row["contradictions"],
    )
    assert (2, False, ["boxes_over_total", "registered_over_roll"]) == (
        entry["boxes_surplus"],
        entry["complete"],
        entry["contradictions"],
    )
    assert ("99.99%", 12, 0) == (district["boxes_pct_text"], district["boxes_opened"], district["complete"])


async def test_the_last_milestone_is_told_once_every_district_is_complete(tmp_path: Path) -> None:
    percents: list[object] = []
    async with night(tmp_path, election()) as log, running(log) as gateway, viewer(gateway) as client:
        await client.subscribe("tr/34", contest="m", source="aa")
        for told_now, shown in (
            (SURPLUS[0], {"boxes_opened": 12, "complete": False}),
            (SURPLUS[1], {"boxes_opened": 20, "complete": False}),
            (rep("b", 2, 10, {"a": 1_000, "b": 2_400}, 4_000), {"boxes_opened": 22, "complete": False}),
            (rep("a", 2, 10, {"a": 2_400, "b": 1_000}, 4_000, corrected=True), {"boxes_opened": 20, "complete": True}),
        ):
            await tell(log, told_now)
            await client.until(lambda shown=shown: shown.items() <= client.shown.get("tr/34", {}).items())  # type: ignore[misc]  # bound per round
            percents.append((await client.next("event"))["percent"])
    assert percents == [50, 90, 99, 100]


@pytest.mark.parametrize(
    ("possible", "tallies"),
    [
        (None, [box("a", 1, 1, {"a": 250, "b": 50}, 7_900)]),
        (None, [rep("a", 1, 5, {"a": 1_500, "b": 200}, 4_000), rep("b", 1, 9, {"a": 1_500, "b": 1_200}, 3_600)]),
        (3_400, [rep("a", 1, 5, {"a": 1_500, "b": 200}, 3_990), rep("b", 1, 9, {"a": 1_500, "b": 1_200}, 3_600)]),
        (None, [rep("a", 1, 0, {}, 4_000), rep("b", 1, 10, {"a": 1_500, "b": 1_200}, 4_000)]),
        (8_000, [box("a", 1, 1, {"a": 2_900, "b": 50}, 3_100), box("b", 1, 1, {"a": 100}, 3_900)]),
    ],
    ids=[
        "one box with nearly the voters of two districts",
        "the whole roll at half the boxes",
        "nearly the whole roll at half the boxes",
        "the whole roll before the first box",
        "one box with most of the roll",
    ],
)
async def test_too_many_voters_in_one_district_leave_no_fewer_votes_possible_in_another(
    tmp_path: Path, possible: int | None, tallies: list[Tally]
) -> None:
    async with told(tmp_path, election(), *tallies) as doors:
        fact = await doors.fact()
    assert (possible, False) == (fact["votes_possible"], fact["cannot_be_overtaken"])


async def test_opened_boxes_of_a_district_without_known_boxes_are_no_share_of_any(tmp_path: Path) -> None:
    definition = election(a={"boxes": ()})
    tallies = rep("a", 1, 3, {"a": 300, "b": 100}, 1_200), rep("b", 1, 10, {"a": 3_000, "b": 100}, 4_000)
    async with told(tmp_path, definition, *tallies) as doors:
        district, province, row = await doors.fact("tr/34/a"), await doors.fact(), await doors.row()
    assert (None, False, None, ["no_boxes_known"]) == tuple(
        district[name] for name in ("votes_possible", "cannot_be_overtaken", "progress_bp", "contradictions")
    )
    assert (None, False, 9_999, False) == tuple(
        province[name] for name in ("votes_possible", "cannot_be_overtaken", "progress_bp", "complete")
    )
    assert (13, 10, "99.99%", 3) == tuple(
        row[name] for name in ("boxes_opened", "boxes_total", "boxes_pct_text", "boxes_surplus")
    )


async def test_an_impossible_box_decides_nothing_and_has_no_turnout(tmp_path: Path) -> None:
    definition = election(b={"registered": 60_000, "boxes": ((1, 161),)})
    boxes = [box("b", number, 1, {"a": 100, "b": 150}, 400) for number in range(1, 20)]
    async with told(tmp_path, definition, box("a", 1, 1, {"a": 80_000, "b": 90}, 400), *boxes) as doors:
        country, district, row = await doors.fact("tr"), await doors.fact("tr/34/a"), await doors.row("tr")
    assert (20, 171, None, False) == tuple(
        country[name] for name in ("boxes_opened", "boxes_total", "votes_possible", "cannot_be_overtaken")
    )
    assert (["cast_over_roll", "cast_over_registered"], None) == (
        district["contradictions"],
        district["turnout"]["share_bp"],
    )
    assert ("", 0, "cast_over_roll cast_over_registered", 1) == tuple(
        row[name] for name in ("turnout_pct_text", "cannot_be_overtaken", "contradictions", "flagged")
    )


LARGE = {"registered": 360_000, "boxes": ((1, 900),)}


async def test_an_impossible_box_in_a_large_district_decides_nothing_until_it_is_corrected(tmp_path: Path) -> None:
    """The sums of 900 boxes swallow 80,000 votes: no contradiction, and all but the one box are a tie."""
    boxes = [box("a", number, 1, {"a": 140, "b": 140}, 400) for number in range(1, 900)]
    other = [box("b", number, 1, {"a": 160, "b": 150}, 400) for number in range(1, 11)]
    odd, right = box("a", 900, 1, {"a": 80_000, "b": 90}, 400), box("a", 900, 2, {"a": 180, "b": 90}, 400)
    units = ("tr", "tr/34", "tr/34/a")
    async with told(tmp_path / "before", election(a=LARGE), *boxes, *other, odd) as doors:
        facts = [await doors.fact(unit) for unit in units]
        row = await doors.row("tr/34/a")
        async with viewer(doors.gateway) as client:
            state = State.model_validate_json(orjson.dumps(await client.next("state")))
    for fact in facts:
        assert (True, [], 80_500, False) == tuple(
            fact[name] for name in ("complete", "contradictions", "votes_unassigned", "cannot_be_overtaken")
        )
    assert (0, 1) == (row["cannot_be_overtaken"], state.feeds["obs"].impossible)
    async with told(tmp_path / "after", election(a=LARGE), *boxes, *other, odd, right) as doors:
        facts = [await doors.fact(unit) for unit in units]
    assert [(0, True)] * 3 == [(fact["votes_unassigned"], fact["cannot_be_overtaken"]) for fact in facts]


@pytest.mark.parametrize(
    ("odd", "other", "is_safe"),
    [
        ({"valid": 240, "cast": 240}, {"valid": 240, "cast": 240}, False),
        ({"a": 390, "valid": 190, "cast": 190}, {"valid": 490, "cast": 490}, False),
        ({"cast": 240}, {"cast": 250}, False),
        ({"a": 11_000, "registered": 12_000}, {}, False),
        ({"valid": 289}, {"valid": 191}, True),
        ({"registered": 280}, {}, True),
    ],
    ids=[
        "votes over valid, offset by another box",
        "votes far over valid, offset by another box",
        "valid over cast, offset by another box",
        "a box larger than any",
        "one vote over valid",
        "ten officials",
    ],
)
async def test_a_lead_rests_on_no_box_that_contradicts_itself(
    tmp_path: Path, odd: dict[str, int], other: dict[str, int], *, is_safe: bool
) -> None:
    """The other 898 boxes are a tie, and the sums of all of them contradict nothing."""
    boxes = [box("a", number, 1, {"a": 140, "b": 140}, 380) for number in range(1, 899)]
    for number, counts in ((899, {"a": 190, "b": 100} | odd), (900, {"a": 100, "b": 90} | other)):
        votes = {name: counts.pop(name) for name in ("a", "b")}
        boxes.append(box("a", number, 1, votes, counts.pop("registered", 400), **counts))
    async with told(tmp_path, election(a=LARGE), *boxes) as doors:
        fact = await doors.fact("tr/34/a")
    assert ([], is_safe) == (fact["contradictions"], fact["cannot_be_overtaken"])


async def test_more_votes_than_valid_ones_are_shares_of_all_votes(tmp_path: Path) -> None:
    async with told(tmp_path, election(), box("a", 1, 1, {"a": 160, "b": 20}, 400, valid=100, cast=180)) as doors:
        row = await doors.row("tr/34/a")
    assert ("88.89%", "11.11%", "88.89%", "77.78", "votes_over_valid") == tuple(
        row[name] for name in ("1_pct_text", "2_pct_text", "1_share_text", "margin_points_text", "contradictions")
    )


async def test_a_turnout_over_a_hundred_per_cent_is_written_where_officials_explain_it(tmp_path: Path) -> None:
    async with told(tmp_path, election(), box("a", 1, 1, {"a": 200, "b": 180}, 366)) as doors:
        row = await doors.row("tr/34/a")
    assert ("103.83%", "", 1) == (row["turnout_pct_text"], row["contradictions"], row["flagged"])


async def test_votes_without_a_box_are_flagged(tmp_path: Path) -> None:
    async with told(tmp_path, election(), rep("a", 1, 0, {"a": 100, "b": 50}, 0)) as doors:
        fact, above = await doors.fact("tr/34/a"), await doors.fact("tr")
    assert fact["contradictions"] == above["contradictions"] == ["votes_without_boxes"]


async def test_one_voter_too_many_keeps_no_night_from_its_end(tmp_path: Path) -> None:
    """Boxes are complete by boxes; of the votes nothing is claimed where voters are more than there are."""
    tallies = rep("a", 1, 10, {"a": 2_400, "b": 1_000}, 4_001), rep("b", 1, 10, {"a": 1_000, "b": 900}, 4_000)
    async with told(tmp_path, election(), *tallies) as doors:
        fact = await doors.fact()
    assert (10_000, True, None, False, ["registered_over_roll"]) == tuple(
        fact[name] for name in ("progress_bp", "complete", "votes_possible", "cannot_be_overtaken", "contradictions")
    )


async def test_shares_as_written_add_up(tmp_path: Path) -> None:
    async with told(tmp_path, election(), box("a", 1, 1, {"a": 100, "b": 100, "c": 100}, 400)) as doors:
        row = await doors.row("tr/34/a")
    assert ["33.34%", "33.33%", "33.33%"] == [row[f"{slot}_pct_text"] for slot in (1, 2, 3)]
