"""The first thing that a model finds wrong with what it was given, for whoever has to mend it."""

from pydantic import ValidationError


def first_fault(error: ValidationError) -> str:
    """Where it is and what, as in `figures.votes.kurum: Input should be a valid integer`; no full stop, no input."""
    fault = error.errors(include_url=False, include_context=False, include_input=False)[0]
    where = ".".join(str(step) for step in fault["loc"])
    return f"{where}: {fault['msg']}" if where else fault["msg"]
