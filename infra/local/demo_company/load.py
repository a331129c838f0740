"""Puts the sample company into the two simulators."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

import httpx

from infra.local.demo_company import business_central, dataverse


async def load(settings: Mapping[str, str]) -> None:
    """Load whichever simulators these settings name (BUSINESS_CENTRAL_URL or DATAVERSE_URL, and what goes with it).

    Raises:
        httpx.HTTPError: a simulator could not be reached or refused rows.
    """
    loads = []
    if "DATAVERSE_URL" in settings:
        loads.append(_load_dataverse(settings["DATAVERSE_URL"], settings["DATAVERSE_TOKEN"]))
    if "BUSINESS_CENTRAL_URL" in settings:
        address = settings["BUSINESS_CENTRAL_URL"], settings["BUSINESS_CENTRAL_COMPANY_ID"]
        loads.append(_load_business_central(*address, settings["BUSINESS_CENTRAL_TOKEN"]))
    await asyncio.gather(*loads)


async def _load_dataverse(url: str, token: str) -> None:
    async with httpx.AsyncClient(base_url=url, timeout=60, headers={"Authorization": f"Bearer {token}"}) as client:
        query = "/api/data/v9.2/businessunits?$select=name"
        [unit] = (await _read(client, query, "name", "businessunitid")).values()
        await _seed(client, dataverse.rows(unit))
        await client.delete("/_simulator/stats")


async def _load_business_central(url: str, company: str, token: str) -> None:
    """Companies come first: Business Central gives each a company contact, whose number its people need."""
    api = f"/api/v2.0/companies({company})"
    async with httpx.AsyncClient(base_url=url, timeout=60, headers={"Authorization": f"Bearer {token}"}) as client:
        known = await _read(client, f"{api}/currencies?$select=code,id", "code", "id")
        await _seed(client, business_central.currency_rows(known))
        terms = await _read(client, f"{api}/paymentTerms?$select=code,id", "code", "id")
        await _seed(client, business_central.partner_rows(terms))
        query = f"{api}/contacts?$filter=type eq 'Company'&$select=displayName,number"
        await _seed(client, business_central.contact_rows(await _read(client, query, "displayName", "number")))
        await client.delete("/_simulator/stats")


async def _read(client: httpx.AsyncClient, path: str, key: str, value: str) -> dict[str, str]:
    answer = await client.get(path)
    return {row[key]: row[value] for row in answer.raise_for_status().json()["value"]}


async def _seed(client: httpx.AsyncClient, rows: Mapping[str, object]) -> None:
    answer = await client.post("/_simulator/seed", json={"rows": rows})
    if answer.is_error:
        raise httpx.HTTPStatusError(
            f"The sample company was refused: {answer.text}", request=answer.request, response=answer
        )
