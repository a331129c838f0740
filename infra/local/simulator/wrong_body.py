"""How a control request is refused, and how its body is checked field by field."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any


class WrongBodyError(ValueError):
    """A control request that cannot be done; answered as 400 with `<field>: what is wrong`."""

    def __init__(self, field: str, what: str) -> None:
        super().__init__(f"{field}: {what}")


def known_fields(body: Mapping[str, Any], allowed: Collection[str], where: str = "") -> None:
    """Refuse a member that means nothing: most often it is a misspelled one."""
    for name in body:
        if name not in allowed:
            raise WrongBodyError(where + name, f"unknown; known are {', '.join(sorted(allowed))}")


def an_object(value: object, field: str) -> dict[str, Any]:
    """Answer the value if it is a JSON object."""
    if not isinstance(value, dict):
        raise WrongBodyError(field, "must be an object")
    return value


def a_list(value: object, field: str) -> list[Any]:
    """Answer the value if it is a JSON array."""
    if not isinstance(value, list):
        raise WrongBodyError(field, "must be an array")
    return value


def a_number(value: object, field: str, *, least: float = 0) -> float:
    """Answer the value if it is a JSON number of at least `least`."""
    if isinstance(value, bool) or not isinstance(value, int | float) or value < least:
        raise WrongBodyError(field, f"must be a number of at least {least:g}")
    return value


def a_whole_number(value: object, field: str, *, least: int = 0) -> int:
    """Answer the value if it is a whole JSON number of at least `least`."""
    number = a_number(value, field, least=least)
    if number != int(number):
        raise WrongBodyError(field, "must be a whole number")
    return int(number)


def a_text(value: object, field: str) -> str:
    """Answer the value if it is a JSON string."""
    if not isinstance(value, str):
        raise WrongBodyError(field, "must be a string")
    return value


def a_yes_or_no(value: object, field: str) -> bool:
    """Answer the value if it is a JSON boolean."""
    if not isinstance(value, bool):
        raise WrongBodyError(field, "must be true or false")
    return value
