"""Registering operations as HTTP-triggered functions."""

from __future__ import annotations

from collections.abc import Iterable

import azure.functions as func

from functions.api.answering import answer
from functions.api.operation import Operation
from shared.services.access import Access, KeysAtTheHost
from shared.services.connections import Connections


def api_blueprint(operations: Iterable[Operation], connections: Connections, access: Access) -> func.Blueprint:
    """One function per operation.

    Where the app checks by itself who asks, the host must let everybody through to it: it knows no level that means
    "a key or a token".
    """
    level = func.AuthLevel.FUNCTION if isinstance(access, KeysAtTheHost) else func.AuthLevel.ANONYMOUS
    blueprint = func.Blueprint()
    for operation in operations:
        _register(blueprint, operation, connections, access, level)
    return blueprint


def _register(
    blueprint: func.Blueprint, operation: Operation, connections: Connections, access: Access, level: func.AuthLevel
) -> None:
    @blueprint.function_name(operation.name)
    @blueprint.route(operation.route, methods=[operation.method], auth_level=level)
    async def called(req: func.HttpRequest) -> func.HttpResponse:
        return await answer(operation, connections, access, req)
