"""What all stored documents share: their version, how they are written down, and transactions in chunks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from itertools import batched
from typing import Any

from pydantic import TypeAdapter

from shared.core.failures import NeedsPerson
from shared.ports import MAX_CHANGES, StateChange, StateStore

VERSION = 1


class Shape[T]:
    """How documents of one type are stored: as the type's members in JSON, with a version.

    An older version is upgraded when read (there is none yet); a newer one is refused.
    """

    def __init__(self, kind: type[T], what: str) -> None:
        self._kind = kind
        self._what = what

    @cached_property
    def _adapter(self) -> TypeAdapter[T]:
        """Built when the first document comes: a cold start does not pay for all shapes."""
        return TypeAdapter(self._kind)

    def pack(self, value: T) -> dict[str, object]:
        """The body to store."""
        return {"version": VERSION, **self._adapter.dump_python(value, mode="json")}

    def unpack(self, body: dict[str, Any]) -> T:
        """The inverse of `pack`. Raises NeedsPerson for a body that a newer release of the app wrote."""
        refuse_newer(body, self._what)
        return self._adapter.validate_python({name: value for name, value in body.items() if name != "version"})


def refuse_newer(body: Mapping[str, Any], what: str) -> None:
    """Raises NeedsPerson for a body that a newer release of the app wrote."""
    if body.get("version", 0) > VERSION:
        raise NeedsPerson(
            f"The stored {what} was written by a newer release of this app (version {body['version']}, this "
            f"one reads {VERSION}). Deploy that release again.",
            code="stored_by_newer_release",
        )


async def transact_in_chunks(
    state: StateStore, table: str, partition: str, changes: Sequence[StateChange]
) -> dict[str, str]:
    """Changes that need not stand or fall together, in as few transactions as possible; the new etags by key."""
    etags: dict[str, str] = {}
    for chunk in batched(changes, MAX_CHANGES, strict=False):
        etags |= await state.transact(table, partition, chunk)
    return etags


def grouped[T](items: Iterable[T], size: int) -> Iterator[tuple[T, ...]]:
    """The items in groups of `size`; the last may be smaller."""
    return batched(items, size, strict=False)
