"""Numbers and times as tables write them."""

import re
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo


@dataclass(frozen=True, slots=True)
class Numbers:
    """How whole numbers are written: grouped by `thousands` (`1.234.567`), with a `decimal` part of zeros (`12,0`)."""

    thousands: str = ""
    decimal: str = ""

    def parse(self, text: str, what: str, most: int) -> int:
        """A whole number from 0 to `most`. Raises `ValueError`, which names `what` it should have been."""
        digits = text.strip()
        if self.decimal and self.decimal in digits:
            digits, _, rest = digits.partition(self.decimal)
            if rest.strip("0"):
                raise ValueError(f"{what} is {text!r}, not a whole number")
        if self.thousands and re.fullmatch(rf"\d{{1,3}}({re.escape(self.thousands)}\d{{3}})+", digits, re.ASCII):
            digits = digits.replace(self.thousands, "")
        if not (digits.isascii() and digits.isdecimal()):
            raise ValueError(f"{what} is {text!r}, not a whole number from 0 up")
        if len(digits.lstrip("0")) > len(str(most)) or int(digits) > most:
            raise ValueError(f"{what} is {text!r}, over the {most} that there can be")
        return int(digits)


@dataclass(frozen=True, slots=True)
class Times:
    """How times are written: ISO 8601, or as `pattern` of `strptime` says; `zone` is what those without one mean."""

    pattern: str | None = None
    zone: ZoneInfo | None = None

    def parse(self, text: str, what: str) -> datetime:
        """A moment with its zone. Raises `ValueError`, which names `what` it should have been."""
        try:
            moment = (
                datetime.strptime(text.strip(), self.pattern)  # noqa: DTZ007  the zone is looked at below
                if self.pattern
                else datetime.fromisoformat(text.strip())
            )
        except ValueError:
            like = self.pattern or "2024-03-31T21:14:00+03:00"
            raise ValueError(f"{what} is {text!r}, not a time like {like}") from None
        return self.with_zone(moment, what)

    def with_zone(self, moment: datetime, what: str) -> datetime:
        """The moment in its own zone, or in the one that is meant. Raises `ValueError` where there is neither."""
        if moment.tzinfo is None and self.zone is None:
            raise ValueError(
                f"{what} is {moment.isoformat(' ')} in no time zone. Say as report.timezone in the mapping in which"
            )
        return moment if moment.tzinfo else moment.replace(tzinfo=self.zone)
