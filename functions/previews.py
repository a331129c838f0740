"""Previews over HTTP: what a run would do, and doing exactly that."""

from __future__ import annotations

from functions.api.operation import Operation

OPERATIONS: tuple[Operation, ...] = ()
