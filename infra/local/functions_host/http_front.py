"""The HTTP side of the host: routes to functions, keys, `/` and `/admin`."""

from __future__ import annotations

import hmac
import logging
from collections.abc import Sequence

from aiohttp import web

from infra.local.functions_host.admin import Admin
from infra.local.functions_host.errors import AppError
from infra.local.functions_host.functions import Function
from infra.local.functions_host.http_messages import BodyTooLarge, read_body, request_datum, response_from
from infra.local.functions_host.invoker import Invoker
from infra.local.functions_host.routing import Route, most_specific_first, parse_route

_log = logging.getLogger("Host.Http")


class HttpFront:
    """Answers one request at a time per call of `handle`; aiohttp's low-level server calls it.

    `key` is the host key and the master key at once: it opens functions of level FUNCTION and ADMIN and the /admin
    pages.
    """

    def __init__(self, functions: Sequence[Function], route_prefix: str, key: str, invoker: Invoker, admin: Admin):
        self._routes = most_specific_first(
            [(_route_of(function, route_prefix), function) for function in functions if is_http(function)]
        )
        self._key = key.encode()
        self._invoker = invoker
        self._admin = admin

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """The answer to any request."""
        path = request.rel_url.raw_path
        first = path.strip("/").partition("/")[0].lower()
        if not first:
            return web.Response(text="The local Functions host is running.\n")
        try:
            if first == "admin":
                return await self._admin.handle(request) if self._has_key(request) else web.Response(status=401)
            return await self._call_function(request, path)
        except BodyTooLarge:
            return web.Response(status=413)

    async def _call_function(self, request: web.BaseRequest, path: str) -> web.StreamResponse:
        found = self._find(request.method, path)
        if found is None or found[0].is_disabled:
            # Azure answers 404 for a wrong method as well: the methods are a constraint of the route.
            return web.Response(status=404)
        function, route_parameters = found
        if not self._may_call(function, request):
            return web.Response(status=401)
        trigger_value = request_datum(request, await read_body(request), route_parameters)
        outcome = await self._invoker.invoke(function, trigger_value, reason="This function was called by HTTP.")
        if outcome.error is not None:
            return web.Response(status=500)
        try:
            return response_from(outcome.returned)
        except ValueError as error:
            _log.error("The answer of %s cannot be sent: %s", function.name, error)
            return web.Response(status=500)

    def _find(self, method: str, path: str) -> tuple[Function, dict[str, str]] | None:
        for route, function in self._routes:
            if method in methods_of(function) and (values := route.match(path)) is not None:
                return function, values
        return None

    def _may_call(self, function: Function, request: web.BaseRequest) -> bool:
        return function.trigger.text("authLevel", "FUNCTION").upper() == "ANONYMOUS" or self._has_key(request)

    def _has_key(self, request: web.BaseRequest) -> bool:
        given = request.headers.get("x-functions-key") or request.rel_url.query.get("code") or ""
        return hmac.compare_digest(given.encode(), self._key)


_ALL_METHODS = ("GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS", "TRACE")


def is_http(function: Function) -> bool:
    """Whether the function answers HTTP requests."""
    return function.trigger.type == "httpTrigger"


def methods_of(function: Function) -> tuple[str, ...]:
    """The methods that the function takes; all when its trigger names none."""
    return tuple(str(method).upper() for method in function.trigger.settings.get("methods") or _ALL_METHODS)


def path_of(function: Function, route_prefix: str) -> str:
    """The function's whole route template, without slashes at its ends; the name stands in for a missing route."""
    route = function.trigger.text("route", function.name).strip("/")
    return f"{route_prefix}/{route}".strip("/")


def _route_of(function: Function, route_prefix: str) -> Route:
    template = path_of(function, route_prefix)
    if template.partition("/")[0].lower() in ("admin", "runtime"):
        raise AppError(f"The route '{template}' of {function.name} conflicts with a route that the host itself uses.")
    return parse_route(template)
