"""`host.json` as far as this host acts on it, with the defaults of the real host.

Source: host.json reference for Azure Functions 2.x and later; Azure Service Bus bindings, host.json settings.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from infra.local.functions_host.errors import AppError
from infra.local.functions_host.time_span import parse_time_span

Json = Mapping[str, Any]


@dataclass(frozen=True)
class ServiceBusOptions:
    """Section `extensions.serviceBus`. Azure multiplies `maxConcurrentCalls` by cores; here it is taken as written."""

    prefetch_count: int = 0
    auto_complete_messages: bool = True
    max_auto_lock_renewal: timedelta = timedelta(minutes=5)
    max_concurrent_calls: int = 16
    max_concurrent_sessions: int = 8
    session_idle_timeout: timedelta = timedelta(minutes=1)
    max_message_batch_size: int = 1000


@dataclass(frozen=True)
class HostOptions:
    """What host.json says. `function_timeout` None means unlimited (written as -1)."""

    route_prefix: str = "api"
    function_timeout: timedelta | None = timedelta(minutes=30)
    log_levels: Mapping[str, str] = field(default_factory=dict)
    service_bus: ServiceBusOptions = ServiceBusOptions()


_NAMES = {
    name.lower(): name
    for name in (
        *("functionTimeout", "logLevel", "routePrefix", "serviceBus", "prefetchCount", "autoCompleteMessages"),
        *("maxAutoLockRenewalDuration", "maxConcurrentCalls", "maxConcurrentSessions", "sessionIdleTimeout"),
        "maxMessageBatchSize",
    )
}
_OVERRIDE = "azurefunctionsjobhost__"


def read_host_json(path: Path, environment: Mapping[str, str] = os.environ) -> HostOptions:
    """Raises AppError when the file is missing, is not JSON, or a value has the wrong form.

    An app setting `AzureFunctionsJobHost__extensions__http__routePrefix` overrides that value, as for the real host.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        raise AppError(f"There is no host.json in {path.parent}: is this the folder of a function app?") from None
    except ValueError as error:
        raise AppError(f"host.json is not valid JSON: {error}") from error
    if not isinstance(content, dict) or content.get("version") != "2.0":
        raise AppError('host.json must be an object with "version": "2.0".')
    try:
        for name, value in environment.items():
            if name.lower().startswith(_OVERRIDE):
                _override(content, name.split("__")[1:], value)
        return _host_options(content)
    except (ValueError, TypeError, AttributeError) as error:
        raise AppError(f"host.json has a value of the wrong form: {error}") from error


def _override(section: dict[str, Any], path: Sequence[str], value: str) -> None:
    """Set the value at the path; names that are there already are found whatever their case."""
    spelled = {name.lower(): name for name in section}
    # Windows keeps environment variables in upper case, so the names that this module reads are known by heart.
    name = spelled.get(path[0].lower(), _NAMES.get(path[0].lower(), path[0]))
    if len(path) == 1:
        section[name] = value
    else:
        _override(section.setdefault(name, {}), path[1:], value)


def _host_options(content: Json) -> HostOptions:
    extensions = content.get("extensions") or {}
    return HostOptions(
        route_prefix=(extensions.get("http") or {}).get("routePrefix", "api").strip("/"),
        function_timeout=_function_timeout(content.get("functionTimeout")),
        log_levels=dict((content.get("logging") or {}).get("logLevel") or {}),
        service_bus=_service_bus_options(extensions.get("serviceBus") or {}),
    )


def _function_timeout(text: str | int | None) -> timedelta | None:
    if text is None:
        return HostOptions.function_timeout
    return None if str(text) == "-1" else parse_time_span(str(text))


def _service_bus_options(section: Json) -> ServiceBusOptions:
    default = ServiceBusOptions()

    def span(name: str, otherwise: timedelta) -> timedelta:
        return parse_time_span(section[name]) if name in section else otherwise

    return ServiceBusOptions(
        prefetch_count=int(section.get("prefetchCount", default.prefetch_count)),
        auto_complete_messages=str(section.get("autoCompleteMessages", default.auto_complete_messages)).lower()
        == "true",
        max_auto_lock_renewal=span("maxAutoLockRenewalDuration", default.max_auto_lock_renewal),
        max_concurrent_calls=int(section.get("maxConcurrentCalls", default.max_concurrent_calls)),
        max_concurrent_sessions=int(section.get("maxConcurrentSessions", default.max_concurrent_sessions)),
        session_idle_timeout=span("sessionIdleTimeout", default.session_idle_timeout),
        max_message_batch_size=int(section.get("maxMessageBatchSize", default.max_message_batch_size)),
    )
