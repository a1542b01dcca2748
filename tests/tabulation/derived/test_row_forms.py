import csv
import io
from typing import Final

import orjson
import pytest

from tabulation.derived.columns import Row
from tabulation.derived.row_forms import Around, CsvRows, FlatObject, Form, JsonRows

NAMES: Final = ("unit_name", "votes", "pct")
ROW: Final[Row] = {"unit_name": 'Ağrı, "Merkez"\nİlçe', "votes": 7, "pct": 0.0}
AROUND: Final = Around({"seq": 3, "contest": "mayor"}, "live", held=True)


def whole(form: Form) -> bytes:
    lines = [form.line(key, form.piece(key, ROW), AROUND) for key in ("agri", "34")]
    return form.whole(lines, NAMES, AROUND)


def test_json_is_what_encoding_the_rows_at_once_gives() -> None:
    row = {**AROUND.head, **ROW, "feed": "live", "held": 1}
    assert whole(JsonRows()) == orjson.dumps([row, row])


def test_csv_is_read_back_as_it_was_written() -> None:
    text = whole(CsvRows()).decode()
    assert text.startswith("seq,contest,unit_name,votes,pct,feed,held\r\n3,mayor,")
    assert text.endswith(",7,0.0,live,1\r\n")
    rows = list(csv.reader(io.StringIO(text, newline=""), strict=True))
    assert rows[1:] == [["3", "mayor", str(ROW["unit_name"]), "7", "0.0", "live", "1"]] * 2


def test_one_object_says_what_is_shared_once_and_the_rest_behind_each_units_key() -> None:
    own = {f"{key}_{name}": value for key in ("agri", "34") for name, value in {**ROW, "held": 1}.items()}
    assert whole(FlatObject()) == orjson.dumps({**AROUND.head, "feed": "live", **own})


@pytest.mark.parametrize("held", [False, True])
def test_a_hold_is_0_or_1(held: bool) -> None:
    around = Around({"seq": 1, "contest": "mayor"}, "down", held)
    row = orjson.loads(JsonRows().line("agri", JsonRows().piece("agri", ROW), around))
    assert (row["feed"], row["held"]) == ("down", int(held))
