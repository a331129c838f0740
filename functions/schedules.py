"""When mappings run over HTTP: pause, resume, and records held out of synchronization."""

from __future__ import annotations

from functions.api.operation import Operation

OPERATIONS: tuple[Operation, ...] = ()
