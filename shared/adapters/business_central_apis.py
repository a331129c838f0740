"""The APIs of one company: the standard one, and custom API pages under their own roots, each with its own batches.

Page "Developing a custom API": a page is at `/api/{publisher}/{group}/{version}/companies({id})/{entitySetName}`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from shared.adapters.business_central_reading import PRIMARY, BusinessCentralReading
from shared.adapters.business_central_writing import BusinessCentralWriting
from shared.adapters.checking import refusal_in
from shared.adapters.http import Call, Service
from shared.adapters.wire import Explained, query
from shared.core.sides import Side
from shared.core.tables import Table, TableName

if TYPE_CHECKING:
    from shared.adapters.business_central_metadata import Metadata

_CUSTOM = re.compile(r"[\w-]+/[\w-]+/[\w.-]+")
_NO_API = (400, 404)


@dataclass(frozen=True, slots=True)
class Api:
    """One API: reads and writes the company's records there."""

    service: Service
    reading: BusinessCentralReading
    writing: BusinessCentralWriting


class Apis:
    """The APIs of a company. `root` is the path of the environment on its host, `lanes` are batches at once."""

    def __init__(self, service: Service, company: str, who: str, lanes: int, root: str) -> None:
        self._service = service
        self._company = company
        self._who = who
        self._lanes = lanes
        self._root = root.rstrip("/")
        self._known: dict[str | None, Api] = {}

    def of(self, table: Table) -> Api:
        """The API that has a table."""
        return self.at(table.api)

    def at(self, name: str | None) -> Api:
        """An API by its root, "publisher/group/version"; None is the standard one."""
        if name not in self._known:
            service = self._service if name is None else self._service.below(f"{self._root}/api/{name}")
            reading = BusinessCentralReading(service, self._company)
            self._known[name] = Api(
                service, reading, BusinessCentralWriting(service, self._company, self._who, self._lanes)
            )
        return self._known[name]

    async def tables(self, name: str | None) -> list[TableName]:
        """See RowStore."""
        metadata = await self._metadata(name)
        return metadata.tables() if metadata else []

    async def describe(self, table: str) -> Table | None:
        """See RowStore."""
        api, _, entity_set = table.rpartition("/")
        name = api or None
        metadata = await self._metadata(name)
        return metadata.table(entity_set) if metadata else None

    async def refusal_of(self, table: Table, condition: str) -> str | None:
        """See RowStore."""
        path = f"{self._company}/{table.entity_set}" + query(select=table.key, filter=condition, top="1")
        answer = await self.of(table).service.send(Call("GET", path, PRIMARY))
        return refusal_in(self._service, answer)

    async def _metadata(self, name: str | None) -> Metadata | None:
        from shared.adapters.business_central_metadata import Metadata
        from shared.adapters.edm import UnreadableMetadata

        if name is not None and not _CUSTOM.fullmatch(name):
            return None
        answer = await self.at(name).service.send(Call("GET", "$metadata", {"Accept": "application/xml"}))
        if answer.response.status_code in _NO_API:
            return None
        if answer.response.status_code >= 300:
            raise self._service.failure(answer)
        try:
            return Metadata(answer.response.content, name)
        except UnreadableMetadata as error:
            what = f"The metadata of Business Central cannot be used: {error}."
            fix = "Look whether something between the app and Business Central rewrites the answers."
            raise Explained(what, fix, side=Side.BUSINESS_CENTRAL, code="metadata") from error
