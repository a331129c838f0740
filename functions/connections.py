"""The connections over HTTP: pairs of a Business Central company and a Dataverse environment."""

from __future__ import annotations

from functions.api.operation import Operation

OPERATIONS: tuple[Operation, ...] = ()
