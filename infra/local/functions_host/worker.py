"""The app behind Microsoft's worker library: index it once, then invoke its functions.

Indexing goes through the library's public entry points. Invocations use `native_invocation`, which needs no message
objects; a contract test makes the same call through the public entry point, so that an upgrade that drops this module
is seen. The library keeps its functions in a process-wide registry: one app per process.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import azure_functions_runtime as runtime  # type: ignore[import-untyped]
from azure_functions_runtime import native_invocation
from azure_functions_runtime.bindings.datumdef import Datum  # type: ignore[import-untyped]

from infra.local.functions_host import protos
from infra.local.functions_host.errors import AppError
from infra.local.functions_host.functions import Function, function_from_metadata

__all__ = ["Datum", "Invocation", "Outcome", "Worker"]


@dataclass(frozen=True)
class Invocation:
    """One call of a function: the value of its trigger parameter and what the trigger knows besides."""

    id: str
    trigger_value: Datum
    trigger_metadata: Mapping[str, Datum]
    retry_count: int = 0
    max_retry_count: int = 0


@dataclass(frozen=True)
class Outcome:
    """What a call came to: `error` is the exception's repr (None: success), `outputs` the output bindings it set."""

    returned: Datum | None = None
    outputs: Sequence[tuple[str, Datum]] = ()
    error: str | None = None
    stack_trace: str = ""


class Worker:
    """An indexed app. `warnings` are what the library or the app's decorators complained about while indexing."""

    def __init__(self, functions: Sequence[Function], warnings: Sequence[str]) -> None:
        self.functions = tuple(functions)
        self.warnings = list(warnings)

    @classmethod
    async def start(cls, app_directory: Path) -> Worker:
        """Import and index the app. Raises AppError with the app's own exception message when that fails."""
        sys.path.insert(0, str(app_directory))
        complaints = _Complaints()
        logging.getLogger().addHandler(complaints)
        try:
            response = await runtime.worker_init_request(
                protos.request(
                    worker_init_request=protos.Message(capabilities={}, function_app_directory=str(app_directory))
                )
            )
        finally:
            logging.getLogger().removeHandler(complaints)
        if response.result.status != protos.StatusResult.Success:
            failure = response.result.exception
            # To an import error the library adds advice and the whole search path.
            raise AppError(failure.message.partition(". Cannot find module. ")[0], failure.stack_trace)
        indexed = (await runtime.functions_metadata_request(protos.request())).function_metadata_results
        if not indexed:
            raise AppError(f"There is no function in function_app.py of {app_directory}.")
        runtime.start_threadpool_executor()
        return cls([function_from_metadata(metadata) for metadata in indexed], complaints.sentences)

    async def invoke(self, function: Function, invocation: Invocation) -> Outcome:
        """Call the function; its failure is an outcome, not an exception. Cancelling cancels an async function."""
        succeeded, returned, outputs, error, stack_trace = await native_invocation.invocation_request_native(
            invocation.id,
            function.id,
            [(function.trigger.name, invocation.trigger_value)],
            dict(invocation.trigger_metadata),
            retry_count=invocation.retry_count,
            max_retry_count=invocation.max_retry_count,
        )
        return Outcome(returned, outputs, None if succeeded else error, stack_trace or "")

    def stop(self) -> None:
        """Let go of the threads without waiting for a function that does not end."""
        executor: Any = runtime.get_threadpool_executor()
        if executor is not None:
            executor.shutdown(wait=False, cancel_futures=True)


class _Complaints(logging.Handler):
    """Keeps the warnings and errors that are logged while the app is indexed."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.sentences: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.sentences.append(record.getMessage())
