"""Eleven amendments of `tests.builders.small_election`, each of another way, which may come in any order."""

from typing import Any, Final

Changes = tuple[dict[str, Any], ...]

ELEVEN: Final[Changes] = (
    {"kind": "candidate_added", "contest": "mayor", "candidate": {"id": "yeni", "name": "Yeni", "party": "chp"}},
    {
        "kind": "candidate_added",
        "contest": "district_mayor",
        "unit": "tr/41/gebze",
        "candidate": {"id": "gebze_yeni", "name": "Gebze Yeni"},
    },
    {"kind": "candidate_withdrawn", "contest": "mayor", "candidate": "kurum"},
    {
        "kind": "candidate_replaced",
        "contest": "mayor",
        "candidate": "bagimsiz_1",
        "by": {"id": "bagimsiz_2", "name": "İki Bağımsız"},
    },
    {
        "kind": "candidate_replaced",
        "contest": "district_mayor",
        "candidate": "chp",
        "by": {"id": "chp", "name": "CHP, başkası", "party": "chp"},
    },
    {"kind": "boxes_added", "unit": "tr/34/uskudar", "boxes": [[1090, 1091]]},
    {"kind": "boxes_closed", "unit": "tr/34/kadikoy", "boxes": [[1002, 1002]]},
    {"kind": "boxes_merged", "unit": "tr/34/adalar", "boxes": [[1003, 1003]], "into": 1004},
    {"kind": "voters_revised", "registered": {"tr/41/gebze": 1600, "tr/34/adalar": 1400}},
    {
        "kind": "unit_added",
        "unit": {
            "id": "tr/41/korfez",
            "level": "district",
            "name": "Körfez",
            "parent": "tr/41",
            "registered": 700,
            "boxes": [[1001, 1002]],
        },
    },
    {
        "kind": "unit_split",
        "unit": "tr/34/uskudar",
        "into": [
            {
                "id": "tr/34/yeni",
                "level": "district",
                "name": "Yeni ilçe",
                "parent": "tr/34",
                "registered": 600,
                "boxes": [[1004, 1005]],
            }
        ],
    },
)
