"""A first mapping for a file, guessed from its names and cells, with what is left open as comments.

A person reads what it says before anything is published, so it may guess what a reader must not: an encoding, a
delimiter, which column is which.
"""

import re
from collections import Counter
from collections.abc import Iterable
from collections.abc import Set as AbstractSet
from datetime import datetime
from pathlib import Path
from typing import Final

from producers.tables.layout import toml_text
from producers.tables.sheet import HAS_DECIMALS, MAY_HAVE_MARKS, Look, look_at
from schemas.fields import MAX_BOX_NUMBER
from schemas.spelling import fold

_WORDS: Final = {
    "box": "sandik sandik-no box box-no station polling-station casilla clave-casilla secao seccion section mesa tps "
    "precinct urn table booth stimmbezirk stimmbezirke wahlbezirk bureau bureau-de-vote 投票区番号",
    "registered": "kayitli kayitli-secmen secmen secmen-sayisi registered registered-voters reg roll lista-nominal "
    "aptos dpt electors eligible "
    "voters padron inscritos inscriptos eleitores wahlberechtigte inscrits 当日有権者数 有権者数",
    "cast": "oy-kullanan kullanan cast ballots-cast ballots turnout total-votos comparecimento votantes "
    "waehler wahler votants 投票者数",
    "valid": "gecerli gecerli-toplam valid valid-votes sah suara-sah validos gueltig gultig exprimes 有効投票数",
    "invalid": "gecersiz gecersiz-toplam invalid nulos nulls spoilt spoiled void tidak-sah suara-tidak-sah rejected "
    "ungueltig ungultig nuls 無効投票数",
    "blank": "bos bos-oy blank votos-blancos votos-brancos blancos brancos en-blanco blancs",
    "boxes_total": "boxes-total total-boxes toplam-sandik sandik-sayisi stations total-stations total-actas",
    "unattributed": "dagitilmayan unattributed other-votes",
    "boxes_opened": "acilan acilan-sandik boxes-opened counted opened reporting",
    "district": "ilce ilce-adi district municipio municipality town city constituency district-name yer lokasi kab "
    "place location lugar concelho commune comune gemeinde stimmkreis wahlkreis 市区町村",
    "province": "il il-adi prov provinsi provincia province state county region uf distrito "
    "departamento departement bundesland 都道府県",
    "candidate": "candidate candidato aday nm-votavel name choice option kandidat 候補者",
    "party": "party parti partido sg-partido partei",
    "votes": "votes votos oy oy-sayisi qt-votos suara v count anzahl stimmen voix",
    "contest": "office cargo contest race secim",
    "at": "at saat time updated update-time generated timestamp dt date",
    "status": "status durum estado",
    "zone": "zona zone",
}
"""Names that columns have in feeds, by what they are; see `fold`."""

_ABSENT: Final = {"registered": "unknown", "cast": "sum", "valid": "sum", "boxes_opened": "all"}

_OTHER_LINES: Final = {
    "registered": "kayitli-secmen secmen registered-voters eligible-voters registered eligible",
    "cast": "oy-kullanan kullanilan-oy ballots-cast cast turnout votantes",
    "valid": "gecerli gecerli-oy valid valid-votes validos",
    "invalid": "nulo voto-nulo votos-nulos over-votes overvotes null spoilt spoiled void invalid rejected gecersiz "
    "tidak-sah",
    "blank": "branco voto-branco votos-brancos under-votes undervotes blanco voto-en-blanco blank bos blancs",
    "unattributed": "other others diger unattributed outros otros write-in write-ins",
}
"""What lines are called that are no candidate's, where there is a line for each candidate; see `fold`."""

_TIME_FORMATS: Final = (
    *("%d.%m.%Y %H:%M", "%d.%m.%Y %H:%M:%S", "%d/%m/%Y %H:%M", "%d/%m/%Y %H:%M:%S", "%d-%m-%Y %H:%M"),
    *("%d-%m-%Y %H:%M:%S", "%m/%d/%Y %H:%M", "%m/%d/%Y %H:%M:%S", "%m/%d/%Y %I:%M %p", "%H:%M", "%H:%M:%S"),
)
"""How times are written that are not ISO 8601. Of those that all cells fit the first is taken."""


_NAMED: Final = frozenset({"district", "province", "candidate", "party", "contest", "status"})
"""What a column of names is, rather than one of numbers: those are codes, or the votes of a party that is called so."""

_SECTION_DIGITS: Final = 4
"""To how many digits a box of a zone is padded at least: boxes that are not in the file yet may have more of them."""

_CODES: Final = frozenset({"id", "code", "kod", "codigo", "key"})
"""What is in the name of a column of codes, which are nobody's votes."""

_OF_OBJECT: Final = re.compile(r"([^.]+)\.(nr|no|num|number)$", re.IGNORECASE)
"""The end of a name such as `box.nr`, which says less than what it is of."""

_DAY: Final = re.compile(r"\d{1,4}([-./])\d{1,2}\1\d{1,4}")
"""A date without a time of day, which is no time of a count."""

_DIGITS: Final = re.compile(r"\d+")

_DIGIT: Final = re.compile(r"[0-9]")
_LETTER: Final = re.compile(r"[A-Za-z]")

_MOST_LETTERS: Final = 9
"""How many letters of one place can be numbered with one digit."""


def guess_mapping(path: Path) -> str:
    """Return the text of a mapping for the table. Raises `TableError` or `MappingError` where it cannot be read."""
    look = look_at(path)
    found = _roles(look)
    table, derived = _table(look, found), _derived(look, found)
    return "\n".join([*_head(path), *table, *derived, *_meaning(look, found)]) + "\n"


def _roles(look: Look) -> dict[str, str]:
    """Return which column is probably what."""
    keys = {name: fold(look.last_name(_OF_OBJECT.sub(r"\1 \2", name))) for name in look.header}
    names = {
        name: key
        for index, (name, key) in enumerate(keys.items())
        if look.is_filled(index) and not look.is_beside(name)
    }
    found: dict[str, str] = {}
    for role, words in _WORDS.items():
        known = words.split()
        for name, key in _likely_first(look, role, names):
            if key in known and name not in found.values():
                found.setdefault(role, name)
    _take_merged(look, {name: key for name, key in keys.items() if name not in names}, found)
    found = _by_parts(look, names, found)
    if look.layout.rows and "votes" in found:
        found |= _nested_roles(look, found)
    if found.get("party") == found.get("candidate"):
        found.pop("party", None)
    if "at" in found and all(map(_DAY.fullmatch, look.column(look.header.index(found["at"])))):
        del found["at"]
    for role, other in (("district", "province"), ("candidate", "party")):
        if role not in found and other in found:
            found[role] = found.pop(other)
    if not {"candidate", "votes"} <= found.keys():  # a line for each candidate needs both
        found = {role: name for role, name in found.items() if role not in {"candidate", "votes", "party"}}
    return found


def _take_merged(look: Look, keys: dict[str, str], found: dict[str, str]) -> None:
    """Take for units columns that are mostly empty, as where cells are merged, if no other is called so."""
    for role in ("district", "province"):
        for name, key in keys.items():
            if key in _WORDS[role].split() and look.has_gaps(name):
                found.setdefault(role, name)


def _likely_first(look: Look, role: str, names: dict[str, str]) -> list[tuple[str, str]]:
    """Return the columns with their keys; of what has names, those of numbers come last."""
    numbers = {name for index, name in enumerate(look.header) if role in _NAMED and look.is_number(index)}
    return sorted(names.items(), key=lambda item: item[0] in numbers)


def _by_parts(look: Look, names: dict[str, str], found: dict[str, str]) -> dict[str, str]:
    """Return the roles with those, too, that a column's name has only as a part of it."""
    for role, words in _WORDS.items():
        for name, key in _likely_first(look, role, names):
            if role not in found and name not in found.values() and set(words.split()) & set(key.split("-")):
                found[role] = name
    return found


def _nested_roles(look: Look, found: dict[str, str]) -> dict[str, str]:
    """Return who has the votes, which the innermost objects say, and where, which those around them do."""
    innermost = found["votes"].rpartition(".")[0]
    header = enumerate(look.header)
    texts = [name for index, name in header if not look.is_number(index) or name.endswith((".id", "@key"))]
    texts = [name for name in texts if not look.is_beside(name)]
    within = [name for name in texts if name.startswith(f"{innermost}.")]
    around = [name for name in texts if name not in within and "." in name and name != found.get("at")]
    roles = {"candidate": within[0]} if within else {}
    return roles | ({"district": around[-1]} if around else {})


def _derived(look: Look, found: dict[str, str]) -> list[str]:
    """Return the columns to make of others, and put them into what was found in the place of those.

    - A place that is several names in one cell is its first one, in the second one.
    - A box whose cells each have one number in a text is that number; with a zone it is the zone's and its own.
    - What looks like a box is how many there are, where each unit has one line.
    """
    lines: list[str] = []
    if "district" in found and (parts := _parts(look, found["district"])):
        place = found["district"]
        for number, role in enumerate(("district", "province")[:parts], start=1):
            if role == "district" or role not in found:
                found[role] = _free(look, f"{role}_name")
                lines.append(f'{found[role]} = {{ of = {toml_text(place)}, split = ",", part = {number} }}')
    if "box" in found and _is_once_each(look, found):
        found.setdefault("boxes_opened", found.pop("box"))
    if "box" in found:
        lines += _box_number(look, found)
    return ["[derived] # ? columns made of others", *lines, ""] if lines else []


def _parts(look: Look, column: str) -> int:
    """Return how many names each cell of a column has with commas between them, 0 where it is one or they differ."""
    counts = {cell.count(",") for cell in look.column(look.header.index(column))} if column in look.header else {0}
    return counts.pop() + 1 if len(counts) == 1 and counts != {0} else 0


def _is_once_each(look: Look, found: dict[str, str]) -> bool:
    """Return whether no unit has a second line of one contest and candidate: then a line is of a whole unit."""
    roles = [role for role in ("district", "province", "contest", "candidate") if found.get(role) in look.header]
    columns = [look.header.index(found[role]) for role in roles]
    units = [tuple(line[column] for column in columns if column < len(line)) for line in look.lines]
    return "district" in roles and len(units) > 1 and len(set(units)) == len(units)


def _box_number(look: Look, found: dict[str, str]) -> list[str]:
    column, lines = found["box"], list[str]()
    cells = look.column(look.header.index(column))
    if cells and not all(map(str.isdecimal, cells)) and all(len(_DIGITS.findall(cell)) == 1 for cell in cells):
        found["box"] = _free(look, "box_number")
        return [f"{found['box']} = {{ of = {toml_text(column)}, match = '\\d+' }}"]
    if coded := _coded(look, column):
        found["box"] = _free(look, "box_number")
        return [*coded[:-1], f"{found['box']} = {coded[-1]}"]
    zone = found.get("zone")
    if zone is None or not look.is_number(look.header.index(zone)) or not look.is_number(look.header.index(column)):
        return lines
    zone_digits = max(map(len, look.column(look.header.index(zone))))
    width = max(*map(len, cells), min(_SECTION_DIGITS, len(str(MAX_BOX_NUMBER)) - zone_digits))
    found["box"] = _free(look, "box_of_zone")
    section = _free(look, "section_digits")
    return [
        f"{section} = {{ of = {toml_text(column)}, pad = {width} }}",
        f"{found['box']} = {{ join = [{toml_text(zone)}, {toml_text(section)}] }}",
    ]


def _coded(look: Look, column: str) -> list[str]:
    """Return how texts of one form become numbers, the last line without its name; nothing where they do not.

    Letters at one place are numbered. What all cells begin with is looked for and left out: of `75A07` and `75B12` a
    letter and two digits are left, which make 107 and 212.
    """
    cells = sorted(set(look.column(look.header.index(column))))
    forms = {_DIGIT.sub("0", _LETTER.sub("A", cell)) for cell in cells}
    form = forms.pop() if len(forms) == 1 else ""
    if len(cells) < 2 or not set(form) <= {"0", "A"} or "A" not in form:  # noqa: PLR2004  one cell shows no form
        return []
    # The cells are sorted: what the first and the last begin with in common, all do.
    first, last = cells[0], cells[-1]
    begin = next(place for place in range(len(form)) if first[place] != last[place])
    lines, names = list[str](), list[str]()
    for number, run in enumerate(re.finditer(r"0+|A", form[begin:]), start=1):
        low, high = begin + run.start(), begin + run.end()
        match = f"^{first[:begin]}{'.' * (low - begin)}({'[A-Za-z]' if run[0] == 'A' else '[0-9]' * (high - low)})"
        letters = sorted({cell[low:high] for cell in cells}) if run[0] == "A" else []
        if len(letters) > _MOST_LETTERS:
            return []
        told = ", ".join(f"{toml_text(letter)} = {toml_text(str(place))}" for place, letter in enumerate(letters, 1))
        values = f", values = {{ {told} }}" if letters else ""
        names.append(_free(look, f"part_{number}"))
        lines.append(f"{names[-1]} = {{ of = {toml_text(column)}, match = '{match}'{values} }}")
    is_short = len(form) - begin <= len(str(MAX_BOX_NUMBER))
    return [*lines, f"{{ join = [{', '.join(map(toml_text, names))}] }}"] if is_short else []


def _free(look: Look, name: str) -> str:
    """Return a name for a column that the file does not have."""
    return f"{name}_" if name in look.header else name


def _head(path: Path) -> list[str]:
    return [
        f"# A first mapping for {path.name}, guessed from its names. Look at each line, and at each ? that is left.",
        "# Then see what it makes of the file: add --dry-run to sandik run.",
        "",
    ]


def _table(look: Look, found: dict[str, str]) -> list[str]:
    lines = ["[table]", *_layout(look), *_merged(look, found)]
    cells = [cell for index in range(len(look.header)) if look.is_number(index) for cell in look.column(index)]
    marks = Counter(mark[1] for cell in cells if (mark := MAY_HAVE_MARKS.fullmatch(cell)))
    if marks:
        lines.append(f"thousands = {toml_text(marks.most_common(1)[0][0])} # ? 1.234 is one thousand two hundred …")
    words = sorted({cell for index in range(len(look.header)) if look.is_number(index) for cell in _words(look, index)})
    decimals = Counter(mark[1] for cell in cells if (mark := HAS_DECIMALS.fullmatch(cell)))
    if decimals and not marks:
        lines.append(f"decimal = {toml_text(decimals.most_common(1)[0][0])} # ? what is behind it has to be zeros")
    if words:
        told = ", ".join(map(toml_text, words[:10]))
        lines.append(f"unreadable = [{told}] # ? or zero = […], where such a cell means none")
    return [*lines, ""] if len(lines) > 1 else []


def _layout(look: Look) -> list[str]:
    """Return the keys for how the file is laid out."""
    layout, lines = look.layout, list[str]()
    if layout.encoding:
        lines.append(f"encoding = {toml_text(layout.encoding)} # ? its letters look so; are names right?")
    if layout.delimiter:
        lines.append(f"delimiter = {toml_text(layout.delimiter)}")
    if layout.sheet:
        lines.append(f"sheet = {toml_text(layout.sheet)} # ? the one with most lines")
    if layout.header_rows:
        lines.append(f"header_row = {layout.header_rows[0]}")
    if layout.rows:
        others = "".join(f" # ? or {toml_text(path)}, in a mapping of its own" for path in look.other_rows)
        lines.append(f"rows = {toml_text(layout.rows)}{others}")
    return lines


def _merged(look: Look, found: dict[str, str]) -> list[str]:
    """Return the key for columns of units whose cells look merged, such as a province that stands once above many."""
    named = [found[role] for role in ("province", "district") if found.get(role) in look.header]
    sparse = [toml_text(name) for name in named if look.has_gaps(name)]
    return [f"fill_down = [{', '.join(sparse)}] # ? an empty cell has the text above it"] if sparse else []


def _words(look: Look, index: int) -> Iterable[str]:
    return (cell for cell in look.column(index) if not cell[:1].isdigit())


def _meaning(look: Look, found: dict[str, str]) -> list[str]:
    is_long = "candidate" in found and "votes" in found
    is_of_boxes = "box" in found
    contest = f"{{ column = {toml_text(found['contest'])} }}" if "contest" in found else '"contest"'
    at = f"{{ column = {toml_text(found['at'])} }}" if "at" in found else '"file"'
    lines = [
        "[report]",
        'source = "source" # ? its id in the definition',
        f"contest = {contest}" + ("" if "contest" in found else " # ? its id in the definition"),
        f"at = {at}",
        *_times(look, found),
        'revision = "content" # other figures than before get the next revision',
        "",
    ]
    if "contest" in found:
        values = sorted(set(look.column(look.header.index(found["contest"]))))[:20]
        lines += ["[contests] # ? the ids of the definition", *(f'# {toml_text(value)} = "id"' for value in values), ""]
    likely = [*reversed([name for name in look.header if name.endswith("@key")]), *look.header, "?"]
    lines += ["[units]", f"district = {toml_text(found.get('district', likely[0]))}"]
    if "district" not in found:
        lines[-1] += " # ? which column has the district?"
    if "province" in found:
        lines.append(f"province = {toml_text(found['province'])} # needed only where names are there twice")
    lines += ["", "[columns]"]
    counts = ["box"] if is_of_boxes else ["boxes_opened", "boxes_total"]
    counts += ["registered", "cast", "valid", "invalid", "blank", "unattributed"]
    lines += [f"{name} = {toml_text(found[name])}" for name in counts if name in found]
    if is_of_boxes and found["box"] in look.header and not look.is_number(look.header.index(found["box"])):
        lines.append("# ? the box is no number: make one of it under [derived], see docs/mapping.md")
    if is_long:
        lines += [f"candidate = [{toml_text(found['candidate'])}]", f"votes = {toml_text(found['votes'])}"]
        lines += [f"party = {toml_text(found['party'])}"] if "party" in found else []
    known = _other_lines(look, found) if is_long else {}
    lines += _absent(found, counts, known.keys())
    return [*lines, *(_long(look, found, known) if is_long else _wide(look, found))]


def _times(look: Look, found: dict[str, str]) -> list[str]:
    """Return how the times of a column are written, as far as its cells show that."""
    cells = look.column(look.header.index(found["at"])) if "at" in found else []
    if cells and not all(_is_time(cell, None) for cell in cells):
        known = [pattern for pattern in _TIME_FORMATS if all(_is_time(cell, pattern) for cell in cells)]
        if not known:
            return ['# time_format = "%d.%m.%Y %H:%M" # ? how are times written, such as ' + repr(cells[0])]
        also = f" # ? or {toml_text(known[1])}" if len(known) > 1 else ""
        return [f"time_format = {toml_text(known[0])}{also}", 'timezone = "Europe/Istanbul" # ? of these times']
    if any(datetime.fromisoformat(cell).tzinfo is None for cell in cells):
        return ['timezone = "Europe/Istanbul" # ? of these times']
    return ['# timezone = "Europe/Istanbul" # of times that name none']


def _is_time(cell: str, pattern: str | None) -> bool:
    try:
        datetime.fromisoformat(cell) if pattern is None else datetime.strptime(cell, pattern)  # noqa: DTZ007
    except ValueError:
        return False
    return True


def _absent(found: dict[str, str], counts: list[str], in_lines: AbstractSet[str]) -> list[str]:
    missing = {
        name: rule
        for name, rule in _ABSENT.items()
        if name not in found and name not in in_lines and (name != "boxes_opened" or name in counts)
    }
    lines = [f'{name} = "{rule}"' for name, rule in missing.items()]
    if "cast" in missing and "invalid" not in found and not in_lines & {"invalid", "blank"}:
        lines.append('invalid = "none"')
    return ["", "[absent] # ? what the file does not have, and what is taken for it", *lines, ""] if lines else [""]


def _other_lines(look: Look, found: dict[str, str]) -> dict[str, list[str]]:
    """Return the names that lines have which are no candidate's, by what they count."""
    known = {
        name: [one for one in _stand(look, found) if fold(one) in words.split()] for name, words in _OTHER_LINES.items()
    }
    return {name: lines for name, lines in known.items() if lines}


def _stand(look: Look, found: dict[str, str]) -> list[str]:
    return [value for value, _ in Counter(look.column(look.header.index(found["candidate"]))).most_common(40)]


def _long(look: Look, found: dict[str, str], known: dict[str, list[str]]) -> list[str]:
    values = _stand(look, found)
    rows = [f"{name} = [{', '.join(map(toml_text, sorted(lines)))}] # ? is that so?" for name, lines in known.items()]
    others = {value for lines in known.values() for value in lines}
    return [
        "[rows] # ? lines that are no candidate's" + ("" if rows else ", such as"),
        *(rows or ['# invalid = ["Null"]', '# blank = ["Blank"]']),
        "",
        "[candidates] # ? what no ballot of the definition says that way",
        *(f'# {toml_text(value)} = "id"' for value in values if value not in others),
    ]


def _wide(look: Look, found: dict[str, str]) -> list[str]:
    used = set(found.values())
    numbers = [name for index, name in enumerate(look.header) if look.is_number(index)]
    columns = [
        name
        for name in numbers
        if name not in used and not look.is_beside(name) and not _CODES & set(re.split(r"[-@]", fold(name)))
    ]
    named = [
        f"{toml_text(name)} = {toml_text(_id_of(look.last_name(name), number))}"
        for number, name in enumerate(columns, start=1)
    ]
    return [
        "[votes] # ? the ids of the definition; delete columns that are no candidate's. Columns of one candidate:",
        "# sum them under [derived]",
        *named,
    ]


def _id_of(name: str, number: int) -> str:
    key = fold(name)
    return key if key.isascii() and key[:1].isalnum() else f"candidate-{number}"
