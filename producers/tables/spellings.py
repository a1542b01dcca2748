"""Find ids by the names that tables have for them: by the very name first, then by any spelling of it. Pure."""

from collections.abc import Iterable, Iterator
from difflib import get_close_matches
from typing import Final

from schemas.spelling import fold, same_letters, same_text

NEAREST_NAMES: Final = 3
"""How many names an error suggests."""

MAX_SUGGESTED_FOR: Final = 200
"""For how many different names suggestions are sought: ten times what is shown. Each costs milliseconds, and a file of
another election has a hundred thousand."""

Named = Iterable[tuple[str, str]]
"""Names, each with the id that it stands for."""


class Spellings:
    """Ids by their names, in the order in which a name is looked for.

    A name that is there as it is, among the `given` ones or else among `names`, finds what has it, and what differs
    from it in nothing but case. Any other text is looked for by its key (see `fold`) among all of them and `also`. So
    two names that differ in an accent each find what is theirs, and a third spelling of them finds both: the caller
    then has to refuse it.
    """

    def __init__(self, *, given: Named = (), names: Named = (), also: Named = ()) -> None:
        """`given` names take the place of the same names, in any case, in the others."""
        given, names = list(given), list(names)
        self._texts = tuple({same_text(name) for name, _ in each if name.strip()} for each in (given, names))
        self._by_letters = tuple(map(_by_letters, (given, names)))
        others = [named for named in (*names, *also) if same_letters(named[0]) not in self._by_letters[0]]
        self._by_key: dict[str, list[str]] = {}
        self._suggested: dict[str, str] = {}
        for name, found in (*given, *others):
            _add(self._by_key, fold(name), found)

    def matches(self, name: str) -> Iterator[list[str]]:
        """Yield what has the very name, then what is found by the name's key; nothing where nothing is."""
        text = same_text(name)
        for texts, by_letters in zip(self._texts, self._by_letters, strict=True):
            if text in texts:
                yield by_letters[same_letters(name)]
        if found := self._by_key.get(fold(name)):
            yield found

    def find(self, name: str) -> list[str]:
        """Return the first of the `matches`: one id, none, or several where the name does not tell them apart."""
        return next(self.matches(name), [])

    def near(self, name: str) -> str:
        """Return `; nearest: x, y` with the ids of the names that are nearest to this one, or an empty string."""
        known = self._suggested.get(name)
        if known is None and len(self._suggested) < MAX_SUGGESTED_FOR:
            known = self._suggested[name] = self._nearest(name)
        return known or ""

    def _nearest(self, name: str) -> str:
        matches = get_close_matches(fold(name), self._by_key, NEAREST_NAMES, 0.6)
        near = dict.fromkeys(found for match in matches for found in self._by_key[match])
        return f"; nearest: {', '.join(list(near)[:NEAREST_NAMES])}" if near else ""


def _by_letters(named: Named) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for name, one in named:
        _add(found, same_letters(name), one)
    return found


def _add(ids: dict[str, list[str]], name: str, one: str) -> None:
    """Add an id under a name that is not blank, once."""
    known = ids.setdefault(name, []) if name else []
    if one not in known:
        known.append(one)
