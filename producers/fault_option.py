"""Stages as an option writes them: `duplicate:share=0.1,after_s=30`, in the words of a scenario's `[[faults]]`."""

from datetime import datetime
from typing import Any, Final

from pydantic import TypeAdapter, ValidationError

from producers.nearest import did_you_mean
from producers.stages import KINDS, Stage
from producers.toml import parse_toml
from schemas.errors import ScenarioError

_STAGE: Final[TypeAdapter[Stage]] = TypeAdapter(Stage)


def parse_fault(text: str) -> Stage:
    """The stage that `NAME` or `NAME:key=value,…` stands for. Raises `ScenarioError`, which says what it may be."""
    name, _, settings = text.partition(":")
    if name not in KINDS:
        raise ScenarioError(f"There is no fault {name!r}.{did_you_mean(name, KINDS)} There is: {', '.join(KINDS)}.")
    fields: dict[str, Any] = {"stage": name}
    for setting in filter(None, settings.split(",")):
        key, equals, value = setting.partition("=")
        if not equals:
            raise ScenarioError(f"{text!r}: {setting!r} sets nothing. Write it as key=value, such as share=0.1.")
        fields[key.strip()] = _value(value.strip())
    try:
        return _STAGE.validate_python(fields)
    except ValidationError as error:
        fault = error.errors(include_url=False, include_input=False)[0]
        key = str(fault["loc"][-1])
        hint = did_you_mean(key, KINDS[name].model_fields) if fault["type"] == "extra_forbidden" else ""
        known = ", ".join(field for field in KINDS[name].model_fields if field != "stage")
        raise ScenarioError(f"{text!r}: {key}: {fault['msg']}.{hint} {name} knows: {known}.") from error


def _value(text: str) -> float | str | datetime | list[str]:
    """A number, a moment, names joined by `+`, or a name."""
    if "+" in text and ":" not in text:
        return text.split("+")
    try:
        found: float | str | datetime = parse_toml(f"value = {text}")["value"]
    except ValueError:
        return text
    return found
