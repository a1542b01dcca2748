"""What a link to the board shows where it is shared: a title, and a sentence of the figures that the public sees. Pure.

The sentence carries the time of its figures, since what shares it keeps it for days. The picture beside it is the same
for all: it has no figure that could be old, held back or under an embargo.
"""

from collections.abc import Mapping
from typing import Final, NamedTuple

from schemas.control import Mode
from schemas.definition import Election
from tabulation.derived.columns import Language, count_text, percent_text
from tabulation.derived.facts import Facts, facts_in
from tabulation.figures import UnitFigures

PICTURE: Final = "share.png"
PICTURE_PX: Final = (1200, 630)

_NAMED: Final = 3
"""How many candidates are named: what fits into the two lines that most readers of a link show."""

_WORDS: Final[Mapping[Language, Mapping[str, str]]] = {
    "tr": {"test": "TEST", "replay": "TEKRAR", "opened": "açılan sandık", "live": "Canlı seçim sonuçları"},
    "en": {"test": "TEST", "replay": "REPLAY", "opened": "boxes opened", "live": "Live election results"},
}


class LinkPreview(NamedTuple):
    """The title and the sentence."""

    title: str
    description: str


def link_preview(
    definition: Election, mode: Mode, selected: Mapping[str, str], figures: UnitFigures | None, language: Language
) -> LinkPreview:
    """What a link says of a unit; without figures, which are those that the public may see now, no number."""
    words = _WORDS[language]
    contest, unit = definition.contest_by_id[selected["contest"]], definition.unit_by_id[selected["unit"]]
    rehearsal = f"[{words[mode]}] " if mode in words and mode != "live" else ""
    title = f"{rehearsal}{unit.name} · {contest.name}"
    found = facts_in(definition, contest.id, figures) if figures is not None else None
    if figures is None or found is None or found.lead is None:
        return LinkPreview(title, f"{words['live']} · {definition.name}")
    source = next(one.name for one in definition.sources if one.id == selected["source"])
    moment = f"{figures.as_of.astimezone(definition.zone):%d.%m.%Y %H:%M}"
    opened, total = figures.counts["boxes_opened"], figures.boxes_total
    boxes = f"{words['opened']} {count_text(opened, language)} / {count_text(total, language)}"
    return LinkPreview(title, f"{source} · {moment}: {_ranking(definition, contest.id, found, language)} · {boxes}")


def _ranking(definition: Election, contest: str, found: Facts, language: Language) -> str:
    known = definition.contest_by_id[contest]
    ballots = (*known.ballots.values(), known.candidates)
    names = {one.id: one.name for ballot in ballots for one in ballot}
    return ", ".join(
        f"{names.get(row.candidate, row.candidate)} {percent_text(row.share_bp, language)}"
        for row in found.ranking[:_NAMED]
        if row.votes
    )
