"""The table of routes leads to every function that is declared, and to nothing else."""

from __future__ import annotations

from importlib import import_module
from pkgutil import iter_modules

import pytest

import functions
from functions.api.operation import Operation
from functions.api.route import Route, operation_at
from functions.routes import ROUTES, operations

MODULES = [one.name for one in iter_modules(functions.__path__) if not one.ispkg]


def test_every_declared_operation_has_just_one_route() -> None:
    declared = [
        (module, name)
        for module in MODULES
        for name, member in vars(import_module(f"functions.{module}")).items()
        if isinstance(member, Operation)
    ]
    assert sorted(declared) == sorted((route.module, route.name) for route in ROUTES)


def test_a_route_leads_to_the_function_of_its_name_at_its_address() -> None:
    found = [(one.method, one.route, one.handler.__module__, one.name) for one in operations()]
    assert found == [(one.method, one.path, f"functions.{one.module}", one.name) for one in ROUTES]


def test_no_two_functions_have_one_address_or_one_name() -> None:
    assert len({(route.method, route.path) for route in ROUTES}) == len({route.name for route in ROUTES}) == len(ROUTES)


@pytest.mark.parametrize(
    ("module", "name", "refusal"),
    [("tea", "cups", ImportError), ("health", "cups", AttributeError), ("health", "Role", TypeError)],
)
def test_a_route_that_leads_nowhere_is_told(module: str, name: str, refusal: type[Exception]) -> None:
    with pytest.raises(refusal):
        operation_at(Route("GET", "cups", module, name))
