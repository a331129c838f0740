"""Log lines on standard error: one readable line per event, levels as host.json asks for them, never a key."""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from logging.handlers import MemoryHandler

from azure_functions_runtime import invocation_id_cv  # type: ignore[import-untyped]

# LogLevel of Microsoft.Extensions.Logging, which host.json uses.
_LEVELS = {
    "trace": logging.DEBUG,
    "debug": logging.DEBUG,
    "information": logging.INFO,
    "warning": logging.WARNING,
    "error": logging.ERROR,
    "critical": logging.CRITICAL,
    "none": logging.CRITICAL + 1,
}
# The library logs every failed call with the stack trace that the host logs too.
_TOLD_BY_THE_HOST = ("Native invocation failed",)
_SECRETS = re.compile(r"((?:SharedAccessKey|AccountKey|SharedAccessSignature|[?&]sig|[?&]code)=)[^;&\s'\"]+")


def configure_logging(log_levels: Mapping[str, str]) -> None:
    """Send everything to standard error. `default` (or `Function`) is the app's level; a logger's name sets its own.

    The worker library's own loggers tell of every invocation what the host tells already: only their warnings are kept.
    """
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_LineFormatter())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(_level(log_levels.get("Function", log_levels.get("default", "Information"))))
    logging.captureWarnings(True)
    for name in ("azure.functions", "azure.servicebus"):
        logging.getLogger(name).setLevel(logging.WARNING)
    logging.getLogger("azure.functions").addFilter(lambda record: record.msg not in _TOLD_BY_THE_HOST)
    for name, level in log_levels.items():
        if name not in ("default", "Function"):
            logging.getLogger(name).setLevel(_level(level))


@contextmanager
def held_back() -> Iterator[None]:
    """Keep log lines until the work has succeeded; a failure tells itself, without the library's remarks before it."""
    root = logging.getLogger()
    handlers = root.handlers[:]
    buffers = [MemoryHandler(10_000, logging.CRITICAL + 1, handler, flushOnClose=False) for handler in handlers]
    root.handlers[:] = buffers
    try:
        yield
        for buffer in buffers:
            buffer.flush()
    finally:
        root.handlers[:] = handlers


def name_lines_after(function_of: Callable[[str], str | None]) -> None:
    """From now on a line that is logged inside an invocation names the function, found by its invocation id."""
    for handler in logging.getLogger().handlers:
        if isinstance(handler.formatter, _LineFormatter):
            handler.formatter.function_of = function_of


def _level(name: str) -> int:
    return _LEVELS.get(name.lower(), logging.INFO)


class _LineFormatter(logging.Formatter):
    function_of: Callable[[str], str | None] | None = None

    def format(self, record: logging.LogRecord) -> str:
        at = datetime.fromtimestamp(record.created, UTC).strftime("%H:%M:%S.%f")[:-3]
        text = record.getMessage()
        if record.exc_info:
            text += "\n" + self.formatException(record.exc_info)
        line = f"{at} {record.levelname:<8} {self._source(record)}: {text}"
        return _SECRETS.sub(r"\1***", line)

    def _source(self, record: logging.LogRecord) -> str:
        invocation_id = invocation_id_cv.get()
        function = self.function_of(invocation_id) if self.function_of and invocation_id else None
        return f"{function} [{record.name}]" if function else record.name
