"""The first thing that a model finds wrong with what it was given, for whoever has to mend it."""

from pydantic import ValidationError


def first_fault(error: ValidationError, *, quoted_chars: int = 0) -> str:
    """Return where it is and what, as in `figures.votes.kurum: Input should be a valid integer`, with no full stop.

    The input may hold a secret or be long, so it is left out. `quoted_chars` quotes so many characters of it behind its
    place: `units.3.name '–': …`.
    """
    fault = error.errors(include_url=False, include_context=False)[0]
    where = ".".join(str(step) for step in fault["loc"])
    if quoted_chars:
        where = f"{where} {str(fault['input'])[:quoted_chars]!r}".lstrip()
    return f"{where}: {fault['msg']}" if where else fault["msg"]
