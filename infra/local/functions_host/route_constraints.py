"""The constraints of a route parameter, such as `int` in `{id:int}`.

Source: Routing in ASP.NET Core, table of route constraints. Dates and numbers are read in the invariant culture.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime
from decimal import Decimal

from infra.local.functions_host.errors import AppError

Constraint = Callable[[str], bool]

_INTEGER = re.compile(r"[+-]?\d+", re.ASCII)
_GUID = re.compile(r"\{?[0-9a-f]{8}-?(?:[0-9a-f]{4}-?){3}[0-9a-f]{12}\}?", re.IGNORECASE)


def constraint_of(text: str, template: str) -> Constraint:
    """The test that `name` or `name(arguments)` stands for. Raises AppError for a name that is not known."""
    name, _, rest = text.partition("(")
    arguments = rest.removesuffix(")")
    try:
        if name in _PLAIN and not rest:
            return _PLAIN[name]
        if name in _WITH_ARGUMENTS and rest:
            return _WITH_ARGUMENTS[name](arguments)
    except (ValueError, re.error) as error:
        raise AppError(f"Route '{template}': the constraint '{text}' cannot be read: {error}") from error
    raise AppError(f"Route '{template}': there is no constraint '{text}'.")


def _is_integer(bits: int) -> Constraint:
    limit = 2 ** (bits - 1)
    return lambda text: _INTEGER.fullmatch(text) is not None and -limit <= int(text) < limit


def _parses(parse: Callable[[str], object]) -> Constraint:
    def accepts(text: str) -> bool:
        try:
            parse(text)
        except (ValueError, ArithmeticError):
            return False
        return True

    return accepts


def _in_range(minimum: int, maximum: int) -> Constraint:
    is_long = _is_integer(64)
    return lambda text: is_long(text) and minimum <= int(text) <= maximum


def _with_length(arguments: str) -> Constraint:
    bounds = [int(argument) for argument in arguments.split(",")]
    return lambda text: bounds[0] <= len(text) <= bounds[-1]


def _range(arguments: str) -> Constraint:
    minimum, maximum = (int(argument) for argument in arguments.split(","))
    return _in_range(minimum, maximum)


_PLAIN: dict[str, Constraint] = {
    "int": _is_integer(32),
    "long": _is_integer(64),
    "bool": lambda text: text.lower() in ("true", "false"),
    "guid": lambda text: _GUID.fullmatch(text) is not None,
    "alpha": lambda text: re.fullmatch("[A-Za-z]*", text) is not None,
    "datetime": _parses(datetime.fromisoformat),
    "decimal": _parses(Decimal),
    "double": _parses(float),
    "float": _parses(float),
    "required": bool,
}
_WITH_ARGUMENTS: dict[str, Callable[[str], Constraint]] = {
    "minlength": lambda arguments: _with_length(f"{arguments},{2**31}"),
    "maxlength": lambda arguments: _with_length(f"0,{arguments}"),
    "length": _with_length,
    "min": lambda arguments: _in_range(int(arguments), 2**63 - 1),
    "max": lambda arguments: _in_range(-(2**63), int(arguments)),
    "range": _range,
    "regex": lambda arguments: lambda text, pattern=re.compile(arguments): pattern.search(text) is not None,  # type: ignore[misc]
}
