"""What the app tells people by itself, over HTTP."""

from __future__ import annotations

from functions.api.operation import Operation

OPERATIONS: tuple[Operation, ...] = ()
