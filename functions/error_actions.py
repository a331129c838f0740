"""The actions on coupled data synchronization errors over HTTP."""

from __future__ import annotations

from functions.api.operation import Operation

OPERATIONS: tuple[Operation, ...] = ()
