"""Registering HTTP-triggered functions by their routes: nothing of what they take, do and answer is imported yet."""

from __future__ import annotations

from collections.abc import Iterable

import azure.functions as func

from functions.api.route import Route, operation_at
from shared.services.access import Access, KeysAtTheHost
from shared.services.connections import Connections


def api_blueprint(routes: Iterable[Route], connections: Connections, access: Access) -> func.Blueprint:
    """One function per route.

    Where the app checks by itself who asks, the host must let everybody through to it: it knows no level that means
    "a key or a token".
    """
    level = func.AuthLevel.FUNCTION if isinstance(access, KeysAtTheHost) else func.AuthLevel.ANONYMOUS
    blueprint = func.Blueprint()
    for route in routes:
        _register(blueprint, route, connections, access, level)
    return blueprint


def _register(
    blueprint: func.Blueprint, route: Route, connections: Connections, access: Access, level: func.AuthLevel
) -> None:
    @blueprint.function_name(route.name)
    @blueprint.route(route.path, methods=[route.method], auth_level=level)
    async def called(req: func.HttpRequest) -> func.HttpResponse:
        from functions.api.answering import answer

        return await answer(operation_at(route), connections, access, req)
