"""The job queue on Azure Service Bus: `ports.JobQueue`.

Importing this module is cheap; the SDK (more than a tenth of a second) is imported with the first message.
"""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from shared.core.failures import NeedsPerson, Passing, SyncFailure
from shared.ports import Check, JobMessage

if TYPE_CHECKING:
    from azure.core.credentials_async import AsyncTokenCredential
    from azure.core.exceptions import AzureError
    from azure.servicebus import ServiceBusMessage
    from azure.servicebus.aio import ServiceBusClient, ServiceBusSender

VERSION = 1  # of the message body
MAX_SIZE = 256 * 1024  # bytes (Service Bus quotas, Standard tier); the SDK knows only the link's own limit

SENDER, RECEIVER = "Azure Service Bus Data Sender", "Azure Service Bus Data Receiver"


class ServiceBusQueue:
    """One queue with sessions and duplicate detection.

    Opening a sender takes about half a second, so one is kept open and shared; it is replaced after a failure. The
    SDK's senders do not bear concurrent use, so messages wait for each other.

    A message's body is the JSON object given, with a `version`.
    """

    def __init__(
        self,
        queue_name: str,
        *,
        connection_string: str | None = None,
        namespace: str | None = None,
        credential: AsyncTokenCredential | None = None,
        retries: int = 3,
    ) -> None:
        """With a connection string, or with a namespace (`NAME.servicebus.windows.net`) and a credential.

        `retries` is how often the SDK repeats a send that may go through later: about 11 seconds for 3.
        """
        if connection_string is None and (namespace is None or credential is None):
            raise ValueError("give a connection string, or a namespace and a credential")
        self.name = queue_name
        self._connection_string = connection_string
        self._namespace = namespace
        self._credential = credential
        self._retries = retries
        self._client: ServiceBusClient | None = None
        self._sender: ServiceBusSender | None = None
        self._turn = asyncio.Lock()

    async def send(self, message: JobMessage, *, not_before: datetime | None = None) -> None:
        """Send one message, now or at a time.

        Raises Passing, NeedsPerson, and ValueError for an id or session over 128 characters or a body over 256 KiB.
        After Passing the message may have been accepted: send it again with the same id.
        """
        await self.forward(_outgoing(message, not_before))

    async def forward(self, outgoing: ServiceBusMessage) -> None:
        """Send a message of the SDK as it is. Raises Passing, NeedsPerson."""
        async with self._turn:
            try:
                await self._open_sender().send_messages(outgoing)
            except sdk_error() as error:
                await self._close()
                raise failure_of(error, self.name) from error

    async def check(self) -> list[Check]:
        """Open a sender of its own, which the service refuses without the right to send, and send nothing."""
        try:
            async with self.new_client(0) as client, client.get_queue_sender(self.name):
                pass
        except sdk_error() as error:
            failure = failure_of(error, self.name)
            return [Check("Service Bus", False, str(failure), _fix(failure))]
        except Exception as error:
            return [Check("Service Bus", False, f"{type(error).__name__}: {error}", "Correct the connection setting.")]
        return [Check("Service Bus", True, f"The app may send to the queue {self.name}.")]

    async def aclose(self) -> None:
        """Close the sender and its connection."""
        async with self._turn:
            await self._close()

    def _open_sender(self) -> ServiceBusSender:
        if self._sender is None:
            self._client = self.new_client(self._retries)
            self._sender = self._client.get_queue_sender(self.name)
        return self._sender

    def new_client(self, retries: int) -> ServiceBusClient:
        """A connection of its own; `retries` as above."""
        from azure.servicebus.aio import ServiceBusClient

        if self._connection_string is not None:
            return ServiceBusClient.from_connection_string(self._connection_string, retry_total=retries)
        assert self._namespace is not None
        assert self._credential is not None
        return ServiceBusClient(self._namespace, self._credential, retry_total=retries)

    async def _close(self) -> None:
        client, self._client, self._sender = self._client, None, None
        if client is not None:
            await client.close()


def _outgoing(message: JobMessage, not_before: datetime | None) -> ServiceBusMessage:
    from azure.servicebus import ServiceBusMessage

    text = json.dumps({"version": VERSION, **message.body}, ensure_ascii=False, allow_nan=False).encode()
    if len(text) > MAX_SIZE:
        raise ValueError(f"a message has at most {MAX_SIZE:,} bytes, this one {len(text):,}")
    return ServiceBusMessage(
        text,
        message_id=message.id,
        session_id=message.session,
        content_type="application/json",
        scheduled_enqueue_time_utc=None if not_before is None else not_before.astimezone(UTC),
    )


def sdk_error() -> type[AzureError]:
    """What the SDK raises; it is imported only when something is to be caught."""
    from azure.core.exceptions import AzureError

    return AzureError


def failure_of(error: AzureError, queue_name: str, *, role: str = SENDER) -> SyncFailure:
    """What an error of the SDK means to us; `role` is what the identity needs for what was tried."""
    from azure.core.exceptions import ClientAuthenticationError
    from azure.servicebus import exceptions as known

    reason = f"{error.message} ".partition("\n")[0]
    refused: tuple[type[Any], ...] = (
        ClientAuthenticationError,
        known.ServiceBusAuthenticationError,
        known.ServiceBusAuthorizationError,
    )
    if isinstance(error, refused) or isinstance(getattr(error, "inner_exception", None), refused):
        return NeedsPerson(
            f"Service Bus refuses the app: {reason}Its identity needs the role {role} on the namespace or the queue "
            f"{queue_name}; a connection string needs a key that may do the same.",
            code="queue_forbidden",
        )
    if isinstance(error, known.MessagingEntityNotFoundError | known.MessagingEntityDisabledError):
        return NeedsPerson(
            f"Service Bus has no queue {queue_name} that takes messages: {reason}Create or enable it, with sessions "
            "and duplicate detection.",
            code="queue_missing",
        )
    return Passing(f"Service Bus cannot be reached or is busy: {reason}".strip(), code="queue_unavailable")


def _fix(failure: SyncFailure) -> str:
    if failure.code == "queue_forbidden":
        return f"Give the app's identity the role {SENDER}, or correct the connection string."
    if failure.code == "queue_missing":
        return "Create the queue with sessions and duplicate detection, or enable it."
    return "Check that the namespace exists and that the network lets the app in; then wait and check again."
