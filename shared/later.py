"""What is made when something is first asked of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from typing import Any, cast


def later[T](make: Callable[[], T]) -> T:
    """What `make` answers, made when something is first asked of it."""
    return cast(T, _Later(make))


class _Later:
    """Stands in for an object that may not be needed. It is no instance of the object's class."""

    def __init__(self, make: Callable[[], Any]) -> None:
        self._made = cache(make)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._made(), name)

    def __getitem__(self, key: Any) -> Any:
        return self._made()[key]

    def __iter__(self) -> Iterator[Any]:
        return iter(self._made())

    def __len__(self) -> int:
        return len(self._made())
