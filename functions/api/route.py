"""Where an HTTP function is reached and where it is declared, told by name: the app starts without importing it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from functions.api.operation import Operation


@dataclass(frozen=True, slots=True)
class Route:
    """An address below the API's root, and the function that answers there: its module in `functions`, its name."""

    method: str
    path: str
    module: str
    name: str


@cache
def operation_at(route: Route) -> Operation:
    """The function as its module declares it, at its address. The first call for a module imports it with its types.

    Raises ImportError, AttributeError or TypeError for a route that leads nowhere.
    """
    from functions.api.operation import Operation

    declared = getattr(import_module(f"functions.{route.module}"), route.name)
    if not isinstance(declared, Operation):
        raise TypeError(f"functions.{route.module}.{route.name} is not declared as an operation")
    return declared.at(route.method, route.path)
