"""What the connections of one app share, and what each has of its own."""

from __future__ import annotations

import json
from dataclasses import fields

from shared.bootstrap import connections_from, services_from
from shared.services.context import Services
from tests.unit.test_settings import NORTH, SERVER

SHARED = {"state", "queue", "dead_letters", "clock", "tables", "policy", "budget"}
NOTHING = (None, "")


def test_a_further_connection_shares_what_is_named_and_nothing_else() -> None:
    environment = SERVER | {"CONNECTIONS": json.dumps([NORTH])}
    first, north = connections_from(environment).all()
    values = {one.name: (getattr(first, one.name), getattr(north, one.name)) for one in fields(Services)}
    same = {name for name, (one, other) in values.items() if one is other and one not in NOTHING}
    assert same == SHARED
    assert (first.connection, north.connection) == ("default", "NORTH")


def test_a_connection_is_wired_once() -> None:
    connections = connections_from(SERVER | {"CONNECTIONS": json.dumps([NORTH])})
    assert connections.named("north") is connections.all()[1]
    assert connections.default is connections.named("DEFAULT")


def test_without_further_ones_there_is_the_default_alone() -> None:
    assert connections_from(SERVER).names == (services_from(SERVER).connection,) == ("default",)
