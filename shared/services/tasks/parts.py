"""Long lists of a task in documents of their own: a message is a pointer, and a document holds only so much."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from shared.ports import Put
from shared.services.repositories.runs import PARTS, Part, part_key

LARGEST = 250_000  # characters of JSON in one part; a document takes 400,000
MOST_ITEMS = 500  # of one part, which is read whole for each step


def as_puts(run_id: str, items: Sequence[Any], *, first: int = 0) -> list[Put]:
    """The documents of a list, in its order; the `first` is the number of the first one."""
    parts: list[list[Any]] = []
    room = 0
    for item in items:
        size = len(json.dumps(item)) + 1
        if size > room or len(parts[-1]) >= MOST_ITEMS:
            parts.append([])
            room = LARGEST
        parts[-1].append(item)
        room -= size
    return [Put(part_key(run_id, number), PARTS.pack(Part(part))) for number, part in enumerate(parts, first)]
