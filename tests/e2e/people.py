"""Plain HTTP clients for the app and both systems: what any user has."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

import httpx

PATIENCE = 60.0  # seconds for a run


class Everything:
    """The three addresses of the local stack, each with its credentials."""

    def __init__(self, information: Mapping[str, Any], folder: Path | None = None) -> None:
        functions, dataverse, bc = (information[name] for name in ("functions", "dataverse", "business_central"))
        self.information = information
        self.folder = folder
        self.app = httpx.AsyncClient(
            base_url=functions["url"] + "/api", headers={"x-functions-key": functions["key"]}, timeout=30
        )
        self.host = httpx.AsyncClient(
            base_url=functions["url"], headers={"x-functions-key": functions["key"]}, timeout=30
        )
        self.dataverse = httpx.AsyncClient(
            base_url=dataverse["url"] + "/api/data/v9.2",
            headers={"Authorization": f"Bearer {dataverse['token']}", "Accept": "application/json"},
            timeout=30,
        )
        self.business_central = httpx.AsyncClient(
            base_url=f"{bc['url']}/api/v2.0/companies({bc['company_id']})",
            headers={"Authorization": f"Bearer {bc['token']}"},
            timeout=30,
        )
        self.controls = {
            name: httpx.AsyncClient(base_url=information[name]["url"] + "/_simulator", timeout=30)
            for name in ("dataverse", "business_central")
        }

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        clients = [self.app, self.host, self.dataverse, self.business_central, *self.controls.values()]
        await asyncio.gather(*(client.aclose() for client in clients))

    async def fresh(self, *open_mappings: str) -> None:
        """Both systems without records, no faults, only these mappings enabled and open to uncoupled records."""
        for control in self.controls.values():
            (await control.post("/reset")).raise_for_status()
            (await control.delete("/faults")).raise_for_status()
        for mapping in (await self.app.get("/mappings")).json()["mappings"]:
            wanted = mapping["name"] in open_mappings
            change = {"enabled": wanted, "synch_only_coupled_records": not wanted}
            (await self.app.patch(f"/mappings/{mapping['name']}", json=change)).raise_for_status()

    async def synchronize(self, mapping: str | None = None) -> dict[str, Any]:
        """Ask for a run and wait for its end as the status address says."""
        asked = await self.app.post(f"/mappings/{mapping}/synchronize" if mapping else "/synchronize")
        assert asked.status_code == 202, asked.text
        async with asyncio.timeout(PATIENCE):
            while True:
                status = await self.app.get(asked.headers["Location"])
                if status.status_code == 200:
                    return dict(status.json())
                assert status.status_code == 202, status.text
                assert int(status.headers["Retry-After"]) > 0
                await asyncio.sleep(0.1)

    async def writes(self) -> tuple[int, int]:
        """How many records clients have written on each side since the last reset."""
        counts = [(await control.get("/stats")).json()["writes"] for control in self.controls.values()]
        return counts[0], counts[1]

    async def create_account(self, **values: object) -> str:
        """A person creates a customer's account through the Web API; its id."""
        answer = await self.dataverse.post("/accounts", json={"customertypecode": 3, **values})
        assert answer.status_code == 204, answer.text
        return answer.headers["OData-EntityId"].rsplit("(", 1)[1].rstrip(")")

    async def account(self, account_id: str) -> dict[str, Any]:
        """An account as it is now."""
        return dict((await self.dataverse.get(f"/accounts({account_id})")).raise_for_status().json())

    async def customers(self, filter: str | None = None) -> list[dict[str, Any]]:
        """The customers of the company."""
        parameters = {"$filter": filter} if filter else {}
        return list(
            (await self.business_central.get("/customers", params=parameters)).raise_for_status().json()["value"]
        )

    async def edit_customer(self, customer: Mapping[str, Any], **values: object) -> None:
        """A person changes a customer through the API."""
        answer = await self.business_central.patch(
            f"/customers({customer['id']})", json=values, headers={"If-Match": "*"}
        )
        assert answer.status_code == 200, answer.text
