"""The job log and the synchronization log of one record over HTTP."""

from __future__ import annotations

from functions.api.operation import Operation

OPERATIONS: tuple[Operation, ...] = ()
