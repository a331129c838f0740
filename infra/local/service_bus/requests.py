"""Requests and replies over a pair of links: how `$cbs` and `$management` are spoken to.

Source: "AMQP 1.0 in Azure Service Bus: request-response-based operations" in Microsoft's documentation.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from infra.local.service_bus.codec import Int, Symbol
from infra.local.service_bus.errors import InvalidRequest, Refusal
from infra.local.service_bus.messages import AMQP_VALUE, APPLICATION_PROPERTIES, PROPERTIES, section, sections


@dataclass(frozen=True, slots=True)
class Request:
    """One request. `properties` are its application properties, `body` is its AMQP value."""

    message_id: Any
    properties: dict[str, Any]
    body: Any

    def argument[T](self, name: str, kind: type[T]) -> T:
        """The member `name` of the body, which must be a `kind`. Raises InvalidRequest."""
        value = self.optional(name, kind)
        if value is None:
            raise InvalidRequest(f"The request misses the argument '{name}'.")
        return value

    def optional[T](self, name: str, kind: type[T]) -> T | None:
        """The member `name` of the body, None when it is absent. Raises InvalidRequest for another type."""
        value = self.body.get(name) if isinstance(self.body, dict) else None
        if value is not None and not isinstance(value, kind):
            raise InvalidRequest(f"The argument '{name}' has the wrong type.")
        return value


@dataclass(frozen=True, slots=True)
class Reply:
    """The answer to a request; `condition` says what went wrong."""

    status: int = 200
    description: str = "OK"
    condition: str | None = None
    body: dict[str, Any] | None = field(default=None)


Handler = Callable[[Request], Reply]


def parse_request(payload: bytes) -> Request:
    """The request in an encoded message. Raises DecodeError."""
    values = {code: value for code, value, _ in sections(payload)}
    properties = values.get(PROPERTIES) or [None]
    return Request(properties[0], values.get(APPLICATION_PROPERTIES) or {}, values.get(AMQP_VALUE))


def answer(request: Request, handler: Handler) -> Reply:
    """What `handler` replies, a refusal included."""
    try:
        return handler(request)
    except Refusal as refusal:
        return Reply(refusal.status, refusal.description, refusal.condition)


def render_reply(request: Request, reply: Reply, *, dashed: bool) -> bytes:
    """The reply as an encoded message; `$cbs` names the status with dashes, `$management` in camel case."""
    status, description = ("status-code", "status-description") if dashed else ("statusCode", "statusDescription")
    properties = {status: Int(reply.status), description: reply.description}
    if reply.condition is not None:
        properties["errorCondition"] = Symbol(reply.condition)
    return b"".join(
        (
            section(PROPERTIES, [None, None, None, None, None, request.message_id]),
            section(APPLICATION_PROPERTIES, properties),
            section(AMQP_VALUE, reply.body),
        )
    )
