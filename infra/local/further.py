"""Further connections of the local stack: a company and an environment more for each, in simulators of their own."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace

from infra.local.service import SERVICES, Service

SIMULATORS = tuple(service for service in SERVICES if service.part in ("dataverse", "business_central"))
MEMBERS = {
    "business_central_url": "BUSINESS_CENTRAL_URL",
    "business_central_company_id": "BUSINESS_CENTRAL_COMPANY_ID",
    "dataverse_url": "DATAVERSE_URL",
}
TOKENS = {
    "business_central_token_setting": "BUSINESS_CENTRAL_TOKEN",
    "dataverse_token_setting": "DATAVERSE_TOKEN",
}


def name_of(number: int) -> str:
    """The name of the connection no. `number`; the first is the default one."""
    return f"connection-{number}"


def further_services(connections: int) -> list[Service]:
    """The simulators of all connections but the first: `dataverse_2`, with settings such as `DATAVERSE_URL_2`."""
    return [
        replace(
            service,
            label=f"{service.part}_{number}",
            settings={f"{setting}_{number}": fact for setting, fact in service.settings.items()},
        )
        for number in range(2, connections + 1)
        for service in SIMULATORS
    ]


def settings_of(number: int, facts: Mapping[str, str]) -> dict[str, str]:
    """The settings of one further connection under the names that those of the first have."""
    end = f"_{number}"
    return {name.removesuffix(end): value for name, value in facts.items() if name.endswith(end)}


def connections_setting(connections: int, facts: Mapping[str, str]) -> dict[str, str]:
    """What tells the app about the further ones; nothing when there are none."""
    if connections == 1:
        return {}
    listed = [
        {"name": name_of(number)}
        | {member: facts[f"{setting}_{number}"] for member, setting in MEMBERS.items()}
        | {member: f"{setting}_{number}" for member, setting in TOKENS.items()}
        for number in range(2, connections + 1)
    ]
    return {"CONNECTIONS": json.dumps(listed)}
