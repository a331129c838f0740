"""Service Bus as the host knows it: connections by setting name, listeners of queues, senders of output bindings.

The SDK is imported when the first connection is opened: an app without Service Bus does not pay for it.
"""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING

from infra.local.functions_host.errors import AppError
from infra.local.functions_host.functions import Binding, Function
from infra.local.functions_host.host_json import ServiceBusOptions
from infra.local.functions_host.invoker import Invoker
from infra.local.functions_host.worker import Datum

if TYPE_CHECKING:
    from azure.servicebus.aio import ServiceBusClient, ServiceBusSender

    from infra.local.functions_host.service_bus_pump import QueueListener


class ServiceBus:
    """All connections of one host; close it at the end."""

    def __init__(self, options: ServiceBusOptions) -> None:
        self._options = options
        self._clients: dict[tuple[str, int], ServiceBusClient] = {}
        self._senders: dict[tuple[str, str], ServiceBusSender] = {}

    def listener_of(self, function: Function, invoker: Invoker) -> QueueListener:
        """What feeds a function with a serviceBusTrigger. Raises AppError when its queue or connection is not known."""
        from infra.local.functions_host.service_bus_pump import QueueListener

        queue = function.trigger.text("queueName")
        if not queue:
            raise AppError(f"{function.name} listens to a Service Bus topic; this host serves queues only.")
        # Without retries of its own a receiver tells at once that the broker is away; the pump does the waiting.
        client = self._client(function.trigger, retries=0)
        return QueueListener(function, queue, client, self._options, invoker)

    async def send_output(self, function: Function, name: str, value: Datum) -> None:
        """Send what a function put into one of its output bindings."""
        from azure.servicebus import ServiceBusMessage

        binding = function.output(name)
        if binding is None or binding.type != "serviceBus":
            raise AppError(f"this host sends output bindings to Service Bus only, and '{name}' is not one")
        content_type = "text/plain" if isinstance(value.value, str) else "application/octet-stream"
        await self._sender(binding).send_messages(ServiceBusMessage(value.value, content_type=content_type))

    async def close(self) -> None:
        """Close every connection."""
        await asyncio.gather(*(sender.close() for sender in self._senders.values()))
        await asyncio.gather(*(client.close() for client in self._clients.values()))

    def _sender(self, binding: Binding) -> ServiceBusSender:
        # One sender stays open per destination: opening one takes half a second.
        entity = binding.text("queueName") or binding.text("topicName")
        key = (binding.text("connection"), entity)
        if key not in self._senders:
            self._senders[key] = self._client(binding, retries=3).get_queue_sender(entity)
        return self._senders[key]

    def _client(self, binding: Binding, retries: int) -> ServiceBusClient:
        key = (binding.text("connection"), retries)
        if key not in self._clients:
            self._clients[key] = open_client(key[0], retries)
        return self._clients[key]


def open_client(connection: str, retries: int) -> ServiceBusClient:
    """A client for the connection of that name: setting NAME, AzureWebJobsNAME or NAME__fullyQualifiedNamespace.

    Raises AppError when no such setting exists or the connection string cannot be read (it is never repeated).
    Source: Azure Service Bus trigger for Azure Functions, connections.
    """
    from azure.servicebus.aio import ServiceBusClient

    name = connection or "ServiceBus"
    text = os.environ.get(f"AzureWebJobs{name}") or os.environ.get(name)
    if text:
        try:
            return ServiceBusClient.from_connection_string(text, retry_total=retries)
        except ValueError:
            raise AppError(f"The app setting {name} is not a Service Bus connection string.") from None
    namespace = os.environ.get(f"{name}__fullyQualifiedNamespace")
    if not namespace:
        raise AppError(
            f"The Service Bus connection '{name}' is not set: there is no app setting {name}, AzureWebJobs{name}"
            f" or {name}__fullyQualifiedNamespace."
        )
    from azure.identity.aio import DefaultAzureCredential

    return ServiceBusClient(namespace, DefaultAzureCredential(), retry_total=retries)
