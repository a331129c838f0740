"""What the broker refuses, with the conditions and status codes of the service.

Source: "AMQP 1.0 in Azure Service Bus: errors" and "Service Bus messaging exceptions" in Microsoft's documentation.
"""

from __future__ import annotations

from infra.local.service_bus.codec import Described, Symbol, Ulong


class Refusal(Exception):
    """The broker will not do what was asked. `condition` goes over links, `status` (HTTP-like) over $management."""

    condition = "amqp:internal-error"
    status = 500

    @property
    def description(self) -> str:
        """The sentence for people."""
        return str(self)

    def described(self) -> Described:
        """The AMQP error: all three fields, because the SDK reads each of them by position."""
        return Described(Ulong(0x1D), [Symbol(self.condition), self.description, {}])


class MessageLockLost(Refusal):
    """The lock token is unknown, or its lock has expired."""

    condition, status = "com.microsoft:message-lock-lost", 410

    def __init__(self) -> None:
        super().__init__("The lock supplied is invalid. Either the lock expired, or the message has been removed.")


class SessionLockLost(Refusal):
    """The caller does not hold the lock of the session, or does not hold it any more."""

    condition, status = "com.microsoft:session-lock-lost", 410

    def __init__(self, session_id: str | None = None) -> None:
        name = "the session" if session_id is None else f"session '{session_id}'"
        super().__init__(f"The lock on {name} has expired or is not held by this receiver.")


class SessionCannotBeLocked(Refusal):
    """Somebody else holds the session."""

    condition, status = "com.microsoft:session-cannot-be-locked", 410

    def __init__(self, session_id: str) -> None:
        super().__init__(f"The requested session '{session_id}' cannot be accepted. It is locked by another receiver.")


class MessageNotFound(Refusal):
    """No message in the right state has the sequence number."""

    condition, status = "com.microsoft:message-not-found", 404

    def __init__(self, sequence_number: int) -> None:
        super().__init__(f"There is no such message with the sequence number {sequence_number}.")


class EntityNotFound(Refusal):
    """No queue has the name."""

    condition, status = "amqp:not-found", 404

    def __init__(self, address: str) -> None:
        super().__init__(f"The messaging entity '{address}' could not be found.")


class NotAllowed(Refusal):
    """The entity does not work in this way."""

    condition, status = "amqp:not-allowed", 400


class InvalidRequest(Refusal):
    """A request misses an argument, or an argument is of the wrong type."""

    condition, status = "com.microsoft:argument-error", 400


class NotImplementedByBroker(Refusal):
    """The operation exists, but this broker does not do it; or it does not exist at all."""

    condition, status = "amqp:not-implemented", 501


class Malformed(Refusal):
    """The message cannot be decoded."""

    condition, status = "amqp:decode-error", 400


class MessageTooLarge(Refusal):
    """The message is larger than the link allows."""

    condition, status = "amqp:link:message-size-exceeded", 400


class Unauthorized(Refusal):
    """No valid token was put for the entity."""

    condition, status = "amqp:unauthorized-access", 401


class TimedOut(Refusal):
    """Nothing became available in the time that the client is ready to wait."""

    condition, status = "com.microsoft:timeout", 408
