"""Export and import of the whole configuration over HTTP."""

from __future__ import annotations

from functions.api.operation import Operation

OPERATIONS: tuple[Operation, ...] = ()
