"""Addresses of records for a browser: in Business Central's web client (page "Web Client URL") and in the model-driven
apps of Dataverse (page "Open apps, forms, views, dialogs, and reports with a URL").
"""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import quote

from shared.core.tables import Table

_CARDS = {
    "customers": (21, "No."),
    "vendors": (26, "No."),
    "contacts": (5050, "No."),
    "salespeoplePurchasers": (5116, "Code"),
    "currencies": (495, "Code"),
}
"""The card of each table, and the field that people know its records by."""


@dataclass(frozen=True, slots=True)
class WebClient:
    """Where the web client is, and the company that it is to open; without one it opens the user's own.

    `dataverse` is the address of the environment.
    """

    address: str = "https://businesscentral.dynamics.com"
    company: str | None = None
    dataverse: str = ""

    def page_of(self, table: Table, number: str | None) -> str:
        """The address of a record's card; without a number, or for a table without a card, of the company."""
        parts = [f"company={quote(self.company, safe='')}"] if self.company else []
        card = _CARDS.get(table.name)
        if card is not None and number:
            page, field = card
            literal = number.replace("'", "''")
            parts += [f"page={page}", "filter=" + quote(f"'{field}' IS '{literal}'", safe="")]
        return f"{self.address}/?{'&'.join(parts)}" if parts else f"{self.address}/"

    def row_of(self, table: Table, row_id: str) -> str | None:
        """The address of a Dataverse row's form; None where the environment's address is not known."""
        if not self.dataverse:
            return None
        return f"{self.dataverse.rstrip('/')}/main.aspx?etn={table.name}&pagetype=entityrecord&id=%7B{row_id}%7D"
