"""The setting CONNECTIONS: further pairs of a company and an environment, in JSON.

Each is the app's settings once more with some of them replaced, so it is checked by the same rules and in the same
words. A secret never stands in the JSON: it names another setting, which may be a Key Vault reference.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

type SettingName = Annotated[str, StringConstraints(min_length=1, max_length=200)]

CREDENTIALS = ("CLIENT_ID", "CLIENT_SECRET", "BUSINESS_CENTRAL_TOKEN", "DATAVERSE_TOKEN")
"""What a connection with credentials of its own takes none of from the default one."""


class FaultyConnection(ValueError):
    """A connection is not what it must be; the message names it and the member."""


class ConnectionSettings(BaseModel):
    """One connection of CONNECTIONS. What is left out is as the default connection has it."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    name: str = Field(
        pattern=r"^[A-Za-z0-9_-]{1,30}$",
        description="Name of the connection; all its state is kept under it.",
    )
    business_central_company_id: str = Field(description="Id (GUID) of the company.")
    business_central_url: str | None = Field(None, description="As BUSINESS_CENTRAL_URL.")
    business_central_web_client: str | None = Field(None, description="As BUSINESS_CENTRAL_WEB_CLIENT.")
    business_central_company_name: str | None = Field(None, description="As BUSINESS_CENTRAL_COMPANY_NAME.")
    dataverse_url: str | None = Field(None, description="As DATAVERSE_URL.")
    ownership_model: Literal["Person", "Team"] | None = Field(None, description="As OWNERSHIP_MODEL.")
    tenant_id: str | None = Field(None, description="As TENANT_ID, for signing in to the two services.")
    client_id: str | None = Field(
        None,
        description="As CLIENT_ID; without `client_secret_setting` the client id of a managed identity. Any credential "
        "given here takes the place of all those of the default connection.",
    )
    client_secret_setting: SettingName | None = Field(
        None, description="Name of the setting that holds the secret of the app registration."
    )
    business_central_token_setting: SettingName | None = Field(
        None, description="Name of the setting that holds a fixed token, for a simulator on this machine only."
    )
    dataverse_token_setting: SettingName | None = Field(None, description="The same for Dataverse.")

    def replaced(self, environment: Mapping[str, str]) -> dict[str, str]:
        """The environment with the settings of this connection in it. Raises FaultyConnection."""
        own = dict(self._own(environment))
        other_credentials = any(name in own for name in CREDENTIALS)
        dropped = {"CONNECTIONS", *(CREDENTIALS if other_credentials else ())} | self._of_the_other_company()
        return {name: value for name, value in environment.items() if name not in dropped} | own

    def _of_the_other_company(self) -> set[str]:
        """What only fits the default connection's company or environment."""
        return {"BUSINESS_CENTRAL_COMPANY_NAME"} | (
            {"BUSINESS_CENTRAL_WEB_CLIENT"} if self.business_central_url else set()
        )

    def _own(self, environment: Mapping[str, str]) -> Iterator[tuple[str, str]]:
        for member, value in self.model_dump(exclude_none=True).items():
            if member.endswith("_setting"):
                yield alias_of(member), _secret(member, value, environment)
            else:
                yield alias_of(member), value


def alias_of(member: str) -> str:
    """The setting whose place a member takes."""
    return {"name": "CONNECTION_ID"}.get(member, member.removesuffix("_setting").upper())


def member_of(alias: str) -> str:
    """The member that takes the place of a setting; the setting itself when none does."""
    return next((one for one in ConnectionSettings.model_fields if alias_of(one) == alias), alias)


def _secret(member: str, name: str, environment: Mapping[str, str]) -> str:
    value = environment.get(name, "").strip()
    if not value:
        raise FaultyConnection(f"{member} names the setting {name}, which is missing")
    return value


def read_connections(text: str) -> tuple[ConnectionSettings, ...]:
    """The connections in the JSON text. Raises FaultyConnection."""
    try:
        found = json.loads(text)
    except ValueError:
        raise FaultyConnection("it must be JSON") from None
    if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
        raise FaultyConnection('it must be a list of objects, [{"name": ...}, ...]')
    return tuple(_one(position, entry) for position, entry in enumerate(found, 1))


def _one(position: int, entry: dict[str, object]) -> ConnectionSettings:
    try:
        return ConnectionSettings.model_validate(entry)
    except ValidationError as error:
        name = entry.get("name")
        known = f"connection {name}" if isinstance(name, str) and len(name) <= 30 else f"connection no. {position}"
        raise FaultyConnection(f"{known}: {_sentence(error)}") from None


def _sentence(error: ValidationError) -> str:
    """The first thing that is wrong; never the value, which may be a secret in the wrong place."""
    first = error.errors(include_input=False, include_url=False)[0]
    member = str(first["loc"][0])
    match first["type"]:
        case "extra_forbidden" if f"{member}_setting" in ConnectionSettings.model_fields:
            return f"{member} must not stand here; name the setting that holds it as {member}_setting"
        case "extra_forbidden":
            return f"{member} is unknown; the members are {', '.join(ConnectionSettings.model_fields)}"
        case "missing":
            return f"{member} is missing"
        case "string_pattern_mismatch":
            return f"{member} must be 1 to 30 letters, digits, - and _"
        case "literal_error":
            return f"{member} must be {first['ctx']['expected']}"
    return f"{member} must be a text"
