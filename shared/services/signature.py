"""What the feeds' positions depend on."""

from __future__ import annotations

import hashlib

from shared.core.sides import Side
from shared.services.pass_context import Slice


def signature_of(work: Slice) -> str:
    """A mapping's columns, filters and rules as one short text: a change of it makes the feeds start over."""
    mapping = work.mapping
    parts = [
        *(f"{side}:{mapping.table(side).table}:{mapping.table(side).filter}:{work.columns(side)}" for side in Side),
        mapping.direction,
        mapping.synch_only_coupled_records,
        mapping.update_conflict_resolution,
        mapping.deletion_conflict_resolution,
        mapping.when_outside_filter,
        mapping.block_when_inactive,
        [(line.caption, sorted(line.reference.options.items())) for line in mapping.fields if line.reference],
    ]
    return hashlib.sha256("\n".join(map(str, parts)).encode()).hexdigest()[:16]
