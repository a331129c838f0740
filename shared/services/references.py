"""What a slice remembers of the couplings that its lookups lead to: asked for once, not with every chunk."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Coroutine, Iterable, Mapping, Set
from typing import Any, Protocol

from shared.core.coupling import Coupling
from shared.core.mapping import Mapping as TableMapping
from shared.core.sides import Side
from shared.core.tables import Table
from shared.services.context import Services

MOST = 20_000  # couplings that are kept


class ReferenceMemory:
    """The couplings of other mappings by side and id, and answers that are the same for every record.

    Only what was found is kept: a parent that is missing now may be coupled a moment later.
    """

    def __init__(self, services: Services) -> None:
        self._services = services
        self._found: dict[tuple[str, Side, str], Coupling] = {}
        self._answers: dict[str, asyncio.Future[Any]] = {}
        self._asking: defaultdict[tuple[str, Side], asyncio.Lock] = defaultdict(asyncio.Lock)

    async def couplings(self, mapping: str, side: Side, ids: Iterable[str]) -> list[Coupling]:
        """The couplings of `mapping` with these ids on `side`; what is being looked up is not looked up twice."""
        async with self._asking[mapping, side]:
            return await self._couplings(mapping, side, set(ids))

    async def _couplings(self, mapping: str, side: Side, wanted: Set[str]) -> list[Coupling]:
        known = [one for key in wanted if (one := self._found.get((mapping, side, key))) is not None]
        missing = wanted - {one.at(side).id for one in known}
        if not missing:
            return known
        fresh = (await self._services.couplings(mapping).find(side, missing)).values()
        if len(self._found) > MOST:
            self._found.clear()
        self._found |= {(mapping, side, one.at(side).id): one for one in fresh}
        return [*known, *fresh]

    def knows(self, what: str) -> bool:
        """Whether `what` was asked before."""
        return what in self._answers

    async def once[T](self, what: str, ask: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """The answer to `what`, asked for by `ask` the first time; who asks meanwhile waits for the same answer."""
        if what not in self._answers:
            self._answers[what] = asyncio.ensure_future(ask())
        try:
            answer: T = await asyncio.shield(self._answers[what])
        except BaseException:
            self._answers.pop(what, None)
            raise
        return answer


class Asking(Protocol):
    """Who asks what the lookups of a mapping mean: a slice, or a use case that only reads."""

    @property
    def services(self) -> Services:
        """The wired app."""
        ...

    @property
    def mapping(self) -> TableMapping:
        """The mapping whose lookups these are."""
        ...

    @property
    def tables(self) -> Mapping[Side, Table]:
        """Both tables of the mapping."""
        ...

    @property
    def references(self) -> ReferenceMemory:
        """What was found before."""
        ...
