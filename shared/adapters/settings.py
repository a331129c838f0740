"""Every setting of the app, read once from the environment; a wrong one stops the app with a sentence that names it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated, Literal
from urllib.parse import urlsplit
from uuid import UUID

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr, ValidationError, model_validator


class SettingsError(Exception):
    """The app cannot start with these settings; the message names the setting and the fix."""


def _address(value: str) -> str:
    parts = urlsplit(value)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("must be an address like https://contoso.crm4.dynamics.com")
    if parts.query or parts.fragment:
        raise ValueError("must be an address without a query")
    if parts.scheme == "http" and parts.hostname not in ("localhost", "127.0.0.1", "::1"):
        raise ValueError("must begin with https:// (http:// is for this machine only)")
    return value.rstrip("/")


def _guid(value: str) -> str:
    try:
        return str(UUID(value))
    except ValueError:
        raise ValueError("must be a GUID like 9ee4af1b-7e4f-4c2a-8a3c-2f3b1d6f0c11") from None


type Address = Annotated[str, AfterValidator(_address)]
type Guid = Annotated[str, AfterValidator(_guid)]


class Settings(BaseModel):
    """The app's settings. The alias of each is its name in the environment (an app setting in Azure)."""

    model_config = ConfigDict(frozen=True, extra="ignore", populate_by_name=True)

    business_central_url: Address = Field(
        alias="BUSINESS_CENTRAL_URL",
        description="Business Central up to the environment, before /api/v2.0: "
        "https://api.businesscentral.dynamics.com/v2.0/TENANT/ENVIRONMENT.",
    )
    business_central_company_id: Guid = Field(
        alias="BUSINESS_CENTRAL_COMPANY_ID", description="Id (GUID) of the company to synchronize."
    )
    dataverse_url: Address = Field(
        alias="DATAVERSE_URL", description="The Dataverse environment, https://ORGANIZATION.crm4.dynamics.com."
    )
    connection: str = Field(
        "default",
        alias="CONNECTION_ID",
        pattern=r"^[A-Za-z0-9-]{1,40}$",
        description="Name of this pair of company and environment; all state is kept under it.",
    )
    tenant_id: str | None = Field(
        None, alias="TENANT_ID", description="Microsoft Entra tenant of the app registration."
    )
    client_id: Guid | None = Field(
        None,
        alias="CLIENT_ID",
        description="Application (client) id: of the app registration with CLIENT_SECRET, else of a user-assigned "
        "managed identity.",
    )
    client_secret: SecretStr | None = Field(
        None,
        alias="CLIENT_SECRET",
        description="Secret of the app registration, best a Key Vault reference. Without it the managed identity is "
        "used for both services.",
    )
    business_central_token: SecretStr | None = Field(
        None,
        alias="BUSINESS_CENTRAL_TOKEN",
        description="A fixed token, for a simulator on this machine only.",
    )
    dataverse_token: SecretStr | None = Field(
        None, alias="DATAVERSE_TOKEN", description="A fixed token, for a simulator on this machine only."
    )
    storage_connection: SecretStr | None = Field(
        None,
        alias="AzureWebJobsStorage",
        description="Connection string of the storage account (the Functions host needs it too); locally Azurite's.",
    )
    storage_account: str | None = Field(
        None,
        alias="AzureWebJobsStorage__accountName",
        description="Name of the storage account, instead of a connection string: the managed identity is used.",
    )
    storage_table_uri: Address | None = Field(
        None,
        alias="AzureWebJobsStorage__tableServiceUri",
        description="Address of the table service, where it does not follow from the account's name.",
    )
    service_bus_connection: SecretStr | None = Field(
        None, alias="ServiceBusConnection", description="Connection string of the Service Bus namespace."
    )
    service_bus_namespace: str | None = Field(
        None,
        alias="ServiceBusConnection__fullyQualifiedNamespace",
        description="NAME.servicebus.windows.net, instead of a connection string: the managed identity is used.",
    )
    ownership_model: Literal["Person", "Team"] = Field(
        "Person",
        alias="OWNERSHIP_MODEL",
        description="Person: the owner of a row is the user coupled to the salesperson. Team: rows keep their owner, "
        "and salespeople are not synchronized.",
    )
    interval_minutes: int = Field(
        1,
        alias="SYNC_INTERVAL_MINUTES",
        ge=1,
        le=10_080,
        description="Minutes from the end of a mapping's run to its next one, unless the mapping says otherwise.",
    )
    page_size: int = Field(
        1000,
        alias="SYNC_PAGE_SIZE",
        ge=1,
        le=5000,
        description="Records of a side that are read and planned at a time.",
    )
    slice_seconds: int = Field(
        120,
        alias="SYNC_SLICE_SECONDS",
        ge=1,
        le=540,
        description="After how many seconds a slice ends and the next message goes on; below functionTimeout.",
    )

    @model_validator(mode="after")
    def _is_complete(self) -> Settings:
        for token, url, name in (
            (self.business_central_token, self.business_central_url, "BUSINESS_CENTRAL_TOKEN"),
            (self.dataverse_token, self.dataverse_url, "DATAVERSE_TOKEN"),
        ):
            if token is not None and urlsplit(url).hostname not in ("localhost", "127.0.0.1", "::1"):
                raise ValueError(f"{name} is for simulators on this machine; remove it and use CLIENT_ID")
        if self.client_secret is not None and not (self.tenant_id and self.client_id):
            raise ValueError("CLIENT_SECRET needs TENANT_ID and CLIENT_ID beside it")
        if not (self.storage_connection or self.storage_account or self.storage_table_uri):
            raise ValueError("AzureWebJobsStorage is missing (or AzureWebJobsStorage__accountName)")
        if not (self.service_bus_connection or self.service_bus_namespace):
            raise ValueError("ServiceBusConnection is missing (or ServiceBusConnection__fullyQualifiedNamespace)")
        return self

    @property
    def interval(self) -> timedelta:
        """Between two runs of a mapping."""
        return timedelta(minutes=self.interval_minutes)


def read_settings(environment: Mapping[str, str]) -> Settings:
    """The settings in `environment`; an empty value counts as missing. Raises SettingsError with one sentence."""
    known = {field.alias for field in Settings.model_fields.values()}
    values = {name: value.strip() for name, value in environment.items() if name in known and value.strip()}
    try:
        return Settings.model_validate(values)
    except ValidationError as error:
        raise SettingsError(_sentence(error)) from None


def _sentence(error: ValidationError) -> str:
    """The first thing that is wrong; never the value, which may be a secret."""
    first = error.errors(include_input=False, include_url=False)[0]
    name = str(first["loc"][0]) if first["loc"] else ""
    message = first["msg"].removeprefix("Value error, ")
    if first["type"] == "missing":
        field = next(field for field in Settings.model_fields.values() if field.alias == name)
        return f"The setting {name} is missing: {field.description}"
    if not name:
        return f"The settings are wrong: {message}."
    return f"The setting {name} is wrong: it {_predicate(message[:1].lower() + message[1:])}."


def _predicate(message: str) -> str:
    return message.removeprefix("input ").removeprefix("string ")
