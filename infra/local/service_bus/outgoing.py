"""The links on which a client receives: messages of a queue or session, and replies of `$cbs` and `$management`."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Any
from uuid import UUID

from infra.local.service_bus.broker import Outlet
from infra.local.service_bus.codec import Described, Symbol
from infra.local.service_bus.entities import Message, SessionLock
from infra.local.service_bus.errors import NotAllowed, Refusal, SessionLockLost, TimedOut
from infra.local.service_bus.frames import SETTLE_MODE_SETTLED, Attach, Flow
from infra.local.service_bus.links import Carrier, Link, Outcome, rejected
from infra.local.service_bus.management import VENDOR, rendered

SESSION_FILTER = Symbol(VENDOR + "session-filter")
TIMEOUT = Symbol(VENDOR + "timeout")
LOCKED_UNTIL_UTC = Symbol(VENDOR + "locked-until-utc")
_FILTER_FIELD = 7
_DEFAULT_SESSION_WAIT = 60_000
_EPOCH_IN_TICKS = 621_355_968_000_000_000
"""1970-01-01 in the ticks of .NET: 100 nanoseconds each, since the year 1."""


class OutgoingLink(Link):
    """A link on which the client receives: obeys its credit."""

    def __init__(self, carrier: Carrier, attach: Attach) -> None:
        super().__init__(carrier, attach)
        self._sent = 0
        self._credit = 0

    @property
    def can_take(self) -> bool:
        """Whether a message can be sent now."""
        return self._credit > 0 and self.carrier.is_open

    def on_flow(self, flow: Flow) -> None:
        if flow.link_credit is not None:
            self._credit = max((flow.delivery_count or 0) + flow.link_credit - self._sent, 0)
        self.serve()
        if flow.drain:
            self._sent += self._credit
            self._credit = 0
        if flow.drain or flow.echo:
            self.carrier.send_flow(self.handle, self._sent, self._credit, drain=bool(flow.drain))

    def serve(self) -> None:
        """Send what waits, as far as the credit reaches."""
        raise NotImplementedError

    def _send(self, tag: bytes, payload: bytes, token: UUID | None = None) -> None:
        self._sent += 1
        self._credit -= 1
        self.carrier.send_message(self, tag, payload, token)


class ReplyLink(OutgoingLink):
    """A link on which the replies of `$cbs` or `$management` go."""

    def __init__(self, carrier: Carrier, attach: Attach, address: str) -> None:
        super().__init__(carrier, attach)
        self.address = address
        self._waiting: deque[bytes] = deque()

    def reply(self, payload: bytes) -> None:
        """Send a reply as soon as there is credit."""
        self._waiting.append(payload)
        self.serve()

    def serve(self) -> None:
        while self._waiting and self.can_take:
            self._send(self._sent.to_bytes(4), self._waiting.popleft())


class Consumer(OutgoingLink):
    """A link from a queue, with a session when the queue requires it."""

    def __init__(self, carrier: Carrier, attach: Attach, outlet: Outlet) -> None:
        super().__init__(carrier, attach)
        self.outlet = outlet
        self.session: SessionLock | None = None
        self.deletes = attach.snd_settle_mode == SETTLE_MODE_SETTLED
        self._give_up: asyncio.TimerHandle | None = None
        wants_session, self._wanted = _session_filter(attach.source)
        if self.outlet.queue.settings.requires_session and not wants_session:
            raise NotAllowed(
                "It is not possible for an entity that requires sessions to create a non-sessionful message receiver."
            )
        if wants_session and not self.outlet.queue.settings.requires_session:
            raise NotAllowed(
                "A sessionful message receiver cannot be created on an entity that does not require sessions."
            )
        self._wants_session = wants_session

    def open(self) -> None:
        if not self._wants_session:
            self.confirm()
            self.outlet.receivers[self] = None
        elif not self.accept():
            # Nothing is free: the attach stays unanswered until something is, or the client's patience ends.
            self.outlet.seekers[self] = None
            wait = (self.attach.properties or {}).get(TIMEOUT, _DEFAULT_SESSION_WAIT)
            self._give_up = asyncio.get_running_loop().call_later(wait / 1000, self._time_out)

    def accept(self) -> bool:
        """Lock the session that the client asked for, or any free one; False when none is free."""
        self.session = self.outlet.queue.accept_session(self._wanted, self.attach.name, self._on_session_lost)
        if self.session is None:
            return False
        self._stop_waiting()
        ticks = _EPOCH_IN_TICKS + self.session.until * 10_000
        source = _with_session(self.attach.source, self.session.session_id)
        self.confirm(source, {LOCKED_UNTIL_UTC: ticks})
        self.outlet.receivers[self] = None
        return True

    def serve(self) -> None:
        self.outlet.pump()

    def take(self, message: Message) -> None:
        """Send the message to the client; the delivery tag is the lock token, in the byte order of .NET."""
        token = None if message.lock is None else message.lock.token
        tag = message.sequence_number.to_bytes(16) if token is None else token.bytes_le
        self._send(tag, rendered(message), token)

    def settle(self, token: UUID, state: Any) -> Any:
        """Apply the client's outcome; returns the outcome to confirm: the same, or a rejection."""
        try:
            self._apply(token, state)
        except Refusal as refusal:
            return rejected(refusal)
        # A dead-letter is confirmed without the client's error, which would read as a failure.
        return Described(state.descriptor, []) if state.descriptor == Outcome.REJECTED else state

    def close(self) -> None:
        self._stop_waiting()
        self.outlet.receivers.pop(self, None)
        if self.session is not None:
            self.outlet.queue.release_session(self.session)

    def _apply(self, token: UUID, state: Any) -> None:
        queue = self.outlet.queue
        fields = [*state.value, None, None, None]
        match state.descriptor:
            case Outcome.ACCEPTED:
                queue.complete(token)
            case Outcome.REJECTED:
                queue.dead_letter(token, *_dead_letter_details(fields[0]))
            case Outcome.RELEASED:
                queue.release(token)
            case Outcome.MODIFIED if fields[1]:
                queue.defer(token)
            case Outcome.MODIFIED:
                queue.abandon(token) if fields[0] else queue.release(token)
            case _:
                raise NotAllowed("The delivery state is not an outcome.")

    def _stop_waiting(self) -> None:
        self.outlet.seekers.pop(self, None)
        if self._give_up is not None:
            self._give_up.cancel()

    def _time_out(self) -> None:
        self.refuse(TimedOut("No session became available within the time that the client wanted to wait."))

    def _on_session_lost(self) -> None:
        session, self.session = self.session, None
        self.end(SessionLockLost(session.session_id if session is not None else None))


def _dead_letter_details(error: Any) -> tuple[str | None, str | None]:
    fields = [*(error.value if isinstance(error, Described) else []), None, None, None]
    info = fields[2] if isinstance(fields[2], dict) else {}
    return info.get("DeadLetterReason"), info.get("DeadLetterErrorDescription") or fields[1]


def _session_filter(source: Any) -> tuple[bool, str | None]:
    """Whether the source asks for a session, and for which one (None: any)."""
    fields = source.value if isinstance(source, Described) else []
    filters = fields[_FILTER_FIELD] if len(fields) > _FILTER_FIELD else None
    if not isinstance(filters, dict) or SESSION_FILTER not in filters:
        return False, None
    wanted = filters[SESSION_FILTER]
    return True, wanted.value if isinstance(wanted, Described) else wanted


def _with_session(source: Described, session_id: str) -> Described:
    fields = list(source.value)
    fields[_FILTER_FIELD] = {**fields[_FILTER_FIELD], SESSION_FILTER: session_id}
    return Described(source.descriptor, fields)
