"""The functions of an app as the host sees them: names, bindings, retry policies."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from infra.local.functions_host.settings import resolve


@dataclass(frozen=True)
class Binding:
    """One binding: its kind (`httpTrigger`, `serviceBus`, ...), its parameter, all keys as the decorator wrote them."""

    type: str
    name: str
    settings: Mapping[str, Any]

    def text(self, key: str, default: str = "") -> str:
        """A setting with `%NAME%` references replaced. Raises AppError when one does not resolve."""
        value = self.settings.get(key)
        return default if value is None else resolve(str(value))

    def flag(self, key: str, default: bool = False) -> bool:
        """A setting that is true or false."""
        value = self.settings.get(key)
        return default if value is None else str(value).lower() == "true"


@dataclass(frozen=True)
class RetryPolicy:
    """How often a failed execution is repeated (-1: without end) and how long the host waits before each repetition."""

    max_retry_count: int
    minimum: timedelta
    maximum: timedelta

    def delay(self, retry: int) -> timedelta:
        """The wait before retry number 1, 2, ...: doubled each time within the bounds; equal bounds make it fixed."""
        if self.minimum == self.maximum:
            return self.minimum
        doubled = max(self.minimum.total_seconds(), 1.0) * 2.0 ** min(retry - 1, 32)
        return timedelta(seconds=min(doubled, self.maximum.total_seconds()))


@dataclass(frozen=True)
class Function:
    """One function of the app."""

    name: str
    id: str
    bindings: tuple[Binding, ...]
    retry: RetryPolicy | None = None

    @property
    def trigger(self) -> Binding:
        return next(binding for binding in self.bindings if binding.type.lower().endswith("trigger"))

    @property
    def is_disabled(self) -> bool:
        """App setting `AzureWebJobs.<name>.Disabled`. Source: How to disable functions in Azure Functions."""
        return os.environ.get(f"AzureWebJobs.{self.name}.Disabled", "").lower() in ("true", "1")

    def output(self, name: str) -> Binding | None:
        """The output binding of that parameter name (`$return` for the returned value)."""
        return next((b for b in self.bindings if b.name == name and b is not self.trigger), None)


def function_from_metadata(metadata: Any) -> Function:
    """A function from the worker library's `RpcFunctionMetadata`."""
    return Function(
        name=metadata.name,
        id=metadata.function_id,
        bindings=tuple(_binding(json.loads(text)) for text in metadata.raw_bindings),
        retry=_retry_policy(metadata.retry_options),
    )


def _binding(raw: dict[str, Any]) -> Binding:
    return Binding(type=raw["type"], name=raw["name"], settings=raw)


def _retry_policy(options: Any) -> RetryPolicy | None:
    if options is None:
        return None
    fixed: timedelta | None = getattr(options, "delay_interval", None)
    if fixed is not None:
        return RetryPolicy(options.max_retry_count, fixed, fixed)
    return RetryPolicy(options.max_retry_count, options.minimum_interval, options.maximum_interval)
