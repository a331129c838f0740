"""Every setting of the app, read once from the environment; a wrong one stops the app with a sentence that names it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import Annotated, Literal
from urllib.parse import urlsplit
from uuid import UUID

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    model_validator,
)
from pydantic_core import ErrorDetails

from shared.adapters.connection_settings import ConnectionSettings, FaultyConnection, member_of, read_connections


class SettingsError(Exception):
    """The app cannot start with these settings; the message names the setting and the fix."""


SHORTEST_KEY = 20  # characters; a function key has more than fifty
_LOOPBACK = ("localhost", "127.0.0.1", "::1")


def _address(value: str) -> str:
    try:
        parts = urlsplit(value)
        known = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:  # brackets that do not close, a port that is none
        known = False
    if not known:
        raise ValueError("must be an address like https://contoso.crm4.dynamics.com")
    if parts.query or parts.fragment or parts.username is not None:
        raise ValueError("must be an address without a query or a user")
    if parts.scheme == "http" and parts.hostname not in _LOOPBACK:
        raise ValueError("must begin with https:// (http:// is for this machine only)")
    return value.rstrip("/")


def _before_api(value: str) -> str:
    """The connectors add the API's own path; an address that has it already would get it twice."""
    if re.search(r"/api(/(data/)?v\d[\d.]*)?$", value, re.IGNORECASE):
        raise ValueError("must end before /api")
    return value


def _storage(value: SecretStr) -> SecretStr:
    parts = _parts(value)
    is_development = "usedevelopmentstorage" in parts
    if not is_development and not (parts & {"accountname", "tableendpoint"} and parts & {"accountkey", _SIGNATURE}):
        raise ValueError("must be the connection string of a storage account (AccountName=...;AccountKey=...)")
    return value


def _service_bus(value: SecretStr) -> SecretStr:
    begins_right = value.get_secret_value().strip().casefold().startswith("endpoint=sb://")
    parts = _parts(value)
    if not begins_right or not ({"sharedaccesskeyname", "sharedaccesskey"} <= parts or _SIGNATURE in parts):
        raise ValueError(
            "must be the connection string of a Service Bus namespace "
            "(Endpoint=sb://...;SharedAccessKeyName=...;SharedAccessKey=...)"
        )
    return value


_SIGNATURE = "sharedaccesssignature"


def _parts(connection: SecretStr) -> set[str]:
    """The names in a connection string that have a value, in lower case."""
    pairs = (part.partition("=") for part in connection.get_secret_value().split(";"))
    return {name.strip().casefold() for name, _, value in pairs if value.strip()}


def _guid(value: str) -> str:
    try:
        return str(UUID(value))
    except ValueError:
        raise ValueError("must be a GUID like 9ee4af1b-7e4f-4c2a-8a3c-2f3b1d6f0c11") from None


def _ncrontab(value: str) -> str:
    if len(value.split()) != 6:
        raise ValueError("must have six fields, seconds first, like 0 * * * * *")
    return value


def _keys(value: SecretStr) -> SecretStr:
    pairs = _pairs(value)
    names = [name for name, _ in pairs]
    named = all(key and re.fullmatch(r"[A-Za-z0-9-]{1,40}", name) for name, key in pairs)
    if not named or len(set(names)) < len(names):
        raise ValueError("must be NAME=KEY, several with semicolons; a name has letters, digits and hyphens")
    if not all(len(key) >= SHORTEST_KEY for _, key in pairs):
        raise ValueError(f"must have keys of at least {SHORTEST_KEY} characters")
    return value


def _pairs(value: SecretStr) -> list[tuple[str, str]]:
    """Name and key of each part; a key may have equals signs."""
    parts = (part.partition("=") for part in value.get_secret_value().split(";") if part.strip())
    return [(name.strip(), key.strip()) for name, _, key in parts]


def _connections(value: object) -> object:
    return read_connections(value) if isinstance(value, str) else value


def _webhook(value: SecretStr) -> SecretStr:
    """An address that may have a query: the signature of a flow is there."""
    try:
        parts = urlsplit(value.get_secret_value())
        known = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        known = False
    if not known or parts.username is not None:
        raise ValueError("must be an address like https://prod-01.westeurope.logic.azure.com/workflows/...")
    if parts.scheme == "http" and parts.hostname not in _LOOPBACK:
        raise ValueError("must begin with https:// (http:// is for this machine only)")
    return value


type WebhookAddress = Annotated[SecretStr, AfterValidator(_webhook)]
type ApiKeys = Annotated[SecretStr, AfterValidator(_keys)]
type Schedule = Annotated[str, AfterValidator(_ncrontab)]
type Address = Annotated[str, AfterValidator(_address)]
type Environment = Annotated[str, AfterValidator(_address), AfterValidator(_before_api)]
type StorageConnection = Annotated[SecretStr, AfterValidator(_storage)]
type ServiceBusConnection = Annotated[SecretStr, AfterValidator(_service_bus)]
type Guid = Annotated[str, AfterValidator(_guid)]
type FurtherConnections = Annotated[tuple[ConnectionSettings, ...], BeforeValidator(_connections)]


class Settings(BaseModel):
    """The app's settings. The alias of each is its name in the environment (an app setting in Azure)."""

    model_config = ConfigDict(frozen=True, extra="ignore", populate_by_name=True)

    business_central_url: Environment = Field(
        alias="BUSINESS_CENTRAL_URL",
        description="Business Central up to the environment, before /api/v2.0: "
        "https://api.businesscentral.dynamics.com/v2.0/TENANT/ENVIRONMENT.",
    )
    business_central_company_id: Guid = Field(
        alias="BUSINESS_CENTRAL_COMPANY_ID", description="Id (GUID) of the company to synchronize."
    )
    dataverse_url: Environment = Field(
        alias="DATAVERSE_URL", description="The Dataverse environment, https://ORGANIZATION.crm4.dynamics.com."
    )
    business_central_web_client: Address | None = Field(
        None,
        alias="BUSINESS_CENTRAL_WEB_CLIENT",
        description="Address of the web client, https://businesscentral.dynamics.com/TENANT/ENVIRONMENT; left out: as "
        "BUSINESS_CENTRAL_URL tells.",
    )
    business_central_company_name: str | None = Field(
        None,
        alias="BUSINESS_CENTRAL_COMPANY_NAME",
        max_length=30,
        description="Name of the company in addresses of the web client; left out: it opens the user's own company.",
    )
    connection: str = Field(
        "default",
        alias="CONNECTION_ID",
        pattern=r"^[A-Za-z0-9-]{1,40}$",
        description="Name of this pair of company and environment, the default connection; all state is kept under it.",
    )
    connections: FurtherConnections = Field(
        (),
        alias="CONNECTIONS",
        description="Further connections beside the default one, as a JSON list of objects; their members are below. "
        "They must not hold secrets: they name the settings that do.",
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
    storage_connection: StorageConnection | None = Field(
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
    storage_client_id: Guid | None = Field(
        None,
        alias="AzureWebJobsStorage__clientId",
        description="Client id of the user-assigned managed identity for the storage, where it is not CLIENT_ID.",
    )
    service_bus_connection: ServiceBusConnection | None = Field(
        None, alias="ServiceBusConnection", description="Connection string of the Service Bus namespace."
    )
    service_bus_namespace: str | None = Field(
        None,
        alias="ServiceBusConnection__fullyQualifiedNamespace",
        description="NAME.servicebus.windows.net, instead of a connection string: the managed identity is used.",
    )
    service_bus_client_id: Guid | None = Field(
        None,
        alias="ServiceBusConnection__clientId",
        description="Client id of the user-assigned managed identity for Service Bus, where it is not CLIENT_ID.",
    )
    ownership_model: Literal["Person", "Team"] = Field(
        "Person",
        alias="OWNERSHIP_MODEL",
        description="Person: the owner of a row is the user coupled to the salesperson. Team: rows keep their owner, "
        "and salespeople are not synchronized.",
    )
    api_access: Literal["keys", "entra"] = Field(
        "keys",
        alias="API_ACCESS",
        description="keys: the Functions host checks function keys. entra: the app itself checks Entra tokens and "
        "their app roles, and API_KEYS; needs TENANT_ID (as a GUID) and API_CLIENT_ID.",
    )
    api_client_id: Guid | None = Field(
        None, alias="API_CLIENT_ID", description="Client id of the app registration that callers get tokens for."
    )
    api_keys: ApiKeys | None = Field(
        None,
        alias="API_KEYS",
        description="Keys for callers without a token, with API_ACCESS entra: NAME=KEY, several with semicolons.",
    )
    app_service_authentication: bool = Field(
        False,
        alias="APP_SERVICE_AUTHENTICATION",
        description="true: App Service authentication is in front of the app, so the person it has signed in is "
        "believed (header X-MS-CLIENT-PRINCIPAL); only with API_ACCESS entra.",
    )
    website_auth_enabled: str | None = Field(
        None,
        alias="WEBSITE_AUTH_ENABLED",
        description="Set by App Service: whether its authentication is switched on. Not to be set by hand.",
    )
    entra_authority: Address = Field(
        "https://login.microsoftonline.com",
        alias="ENTRA_AUTHORITY",
        description="Where callers' tokens come from; another one in national clouds.",
    )
    schedule: Schedule = Field(
        "0 * * * * *",
        alias="SYNC_SCHEDULE",
        description="When the timer looks for what is due: NCRONTAB with six fields, seconds first.",
    )
    interval_minutes: float = Field(
        1,
        alias="SYNC_INTERVAL_MINUTES",
        ge=0.01,
        le=10_080,
        description="Minutes between two runs of a mapping, on a fixed grid, unless the mapping says otherwise. A part "
        "of a minute (`0.5`) takes a `SYNC_SCHEDULE` that looks as often.",
    )
    page_size: int = Field(
        12_000,
        alias="SYNC_PAGE_SIZE",
        ge=1,
        le=20_000,
        description="Records of a side that are read and planned at a time.",
    )
    slice_seconds: int = Field(
        120,
        alias="SYNC_SLICE_SECONDS",
        ge=1,
        le=240,
        description="After how many seconds a slice ends and the next message goes on: with its longest request (300 "
        "seconds) it must be over before functionTimeout.",
    )
    abandoned_seconds: int = Field(
        900,
        alias="SYNC_ABANDONED_SECONDS",
        ge=10,
        le=86_400,
        description="After how many seconds without a sign of life a run is begun again from its last checkpoint: "
        "longer than the longest slice.",
    )
    resend_seconds: int = Field(
        120,
        alias="SYNC_RESEND_SECONDS",
        ge=10,
        le=3_600,
        description="After how many seconds a run that nobody began gets its message sent again.",
    )
    in_doubt_seconds: int = Field(
        600,
        alias="SYNC_IN_DOUBT_SECONDS",
        ge=1,
        le=3_600,
        description="How many seconds a write without an answer may still land. Business Central works on a request "
        "for 8 minutes, its gateway waits 10: less is for simulators on this machine.",
    )
    jobs_days: int = Field(
        30,
        alias="JOBS_RETENTION_DAYS",
        ge=1,
        le=3650,
        description="After how many days a job is removed from the log with its errors, and what a removed coupling "
        "has left in the log of its records. A job that an open error names stays. The record of configuration changes "
        "is kept four times as long.",
    )
    idle_jobs_days: int = Field(
        2,
        alias="IDLE_JOBS_RETENTION_DAYS",
        ge=1,
        le=3650,
        description="The same for the timer's jobs that had nothing to do, of which there are very many.",
    )

    notification_url: WebhookAddress | None = Field(
        None,
        alias="NOTIFICATION_URL",
        description="Where the app tells what needs a person: the address of a webhook, for example of a flow that "
        "begins with *When a Teams webhook request is received*. Left out: it tells nobody.",
    )
    notification_format: Literal["teams", "json"] = Field(
        "teams",
        alias="NOTIFICATION_FORMAT",
        description="teams: an Adaptive Card, as Teams and Power Automate take it. json: plain data.",
    )
    notification_minutes: int = Field(
        15,
        alias="NOTIFICATION_MINUTES",
        ge=1,
        le=1_440,
        description="Minutes between two notifications of a connection at least; more is in the next one.",
    )
    notification_records: bool = Field(
        False,
        alias="NOTIFICATION_RECORDS",
        description="true: notifications have numbers and names of a few records. They are personal data.",
    )

    @model_validator(mode="after")
    def _is_complete(self) -> Settings:
        for token, url, name in (
            (self.business_central_token, self.business_central_url, "BUSINESS_CENTRAL_TOKEN"),
            (self.dataverse_token, self.dataverse_url, "DATAVERSE_TOKEN"),
        ):
            if token is not None and urlsplit(url).hostname not in _LOOPBACK:
                raise ValueError(f"{name} is for simulators on this machine; remove it and use CLIENT_ID")
        if self.client_secret is not None and not (self.tenant_id and self.client_id):
            raise ValueError("CLIENT_SECRET needs TENANT_ID and CLIENT_ID beside it")
        if not (self.storage_connection or self.storage_account or self.storage_table_uri):
            raise ValueError("AzureWebJobsStorage is missing (or AzureWebJobsStorage__accountName)")
        if not (self.service_bus_connection or self.service_bus_namespace):
            raise ValueError("ServiceBusConnection is missing (or ServiceBusConnection__fullyQualifiedNamespace)")
        return self

    @model_validator(mode="after")
    def _lets_in_who_can_be_checked(self) -> Settings:
        if self.api_access == "keys":
            if self.app_service_authentication or self.api_keys:
                name = "API_KEYS" if self.api_keys else "APP_SERVICE_AUTHENTICATION"
                raise ValueError(f"{name} is for API_ACCESS entra; remove it or set that")
            return self
        if self.api_client_id is None:
            raise ValueError("API_CLIENT_ID is missing: with API_ACCESS entra callers need tokens for it")
        if not re.fullmatch(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}", self.tenant_id or ""):
            raise ValueError("TENANT_ID must be a GUID with API_ACCESS entra: it is compared with that of the caller")
        if self.app_service_authentication and (self.website_auth_enabled or "true").casefold() != "true":
            raise ValueError(
                "APP_SERVICE_AUTHENTICATION is true, but App Service authentication is switched off, so anybody could "
                "say who they are; switch it on or remove the setting"
            )
        return self

    @property
    def keys_by_name(self) -> dict[str, str]:
        """The app's own keys."""
        return dict(_pairs(self.api_keys)) if self.api_keys else {}

    @property
    def pair(self) -> tuple[str, str, str]:
        """What is synchronized with what: the environment and company, and the other environment."""
        urls = (self.business_central_url.casefold(), self.dataverse_url.casefold())
        return urls[0], self.business_central_company_id, urls[1]

    @property
    def interval(self) -> timedelta:
        """Between two runs of a mapping."""
        return timedelta(minutes=self.interval_minutes)


def read_settings(environment: Mapping[str, str]) -> Settings:
    """The settings in `environment`; an empty value counts as missing. Raises SettingsError with one sentence."""
    try:
        return _validated(environment)
    except ValidationError as error:
        raise SettingsError(_sentence(error)) from None


def _validated(environment: Mapping[str, str]) -> Settings:
    known = {field.alias for field in Settings.model_fields.values()}
    values = {name: value.strip() for name, value in environment.items() if name in known and value.strip()}
    return Settings.model_validate(values)


def read_all_settings(environment: Mapping[str, str]) -> list[Settings]:
    """The settings of each connection, the default one first. Raises SettingsError with one sentence."""
    default = read_settings(environment)
    every = [default]
    for connection in default.connections:
        every.append(_settings_of(connection, environment))
        _refuse_twins(every)
    return every


def _settings_of(connection: ConnectionSettings, environment: Mapping[str, str]) -> Settings:
    try:
        return _validated(connection.replaced(environment))
    except ValidationError as error:
        wrong = _wrong(error, member_of)
    except FaultyConnection as faulty:
        wrong = str(faulty)
    raise SettingsError(f"The setting CONNECTIONS is wrong: connection {connection.name}: {wrong}.")


def _refuse_twins(every: Sequence[Settings]) -> None:
    """Of two with one name the state would be mixed up; two of one pair would write the same records."""
    *others, last = every
    for other in others:
        if other.connection.casefold() == last.connection.casefold():
            raise SettingsError(f"The setting CONNECTIONS is wrong: two connections have the name {last.connection}.")
        if other.pair == last.pair:
            raise SettingsError(
                f"The setting CONNECTIONS is wrong: the connections {other.connection} and {last.connection} have the "
                "same company and the same Dataverse environment."
            )


_PREDICATES = {
    "int_parsing": "must be a whole number",
    "bool_parsing": "must be true or false",
    "greater_than_equal": "must be at least {ge}",
    "less_than_equal": "must be at most {le}",
    "literal_error": "must be {expected}",
    "string_pattern_mismatch": "must be 1 to 40 letters, digits and hyphens",
}
"""What a person reads instead of the library's words, by type of error."""


def _sentence(error: ValidationError) -> str:
    """The first thing that is wrong; never the value, which may be a secret."""
    first = error.errors(include_input=False, include_url=False)[0]
    name = str(first["loc"][0]) if first["loc"] else ""
    if first["type"] == "missing":
        field = next(field for field in Settings.model_fields.values() if field.alias == name)
        return f"The setting {name} is missing: {field.description}"
    if not name:
        return f"The setting {_message(first)}."  # a rule of the whole begins with the name of the guilty one
    return f"The setting {name} is wrong: {'' if name == 'CONNECTIONS' else 'it '}{_message(first)}."


def _wrong(error: ValidationError, called: Callable[[str], str]) -> str:
    """The same as part of a sentence, with the settings called otherwise."""
    first = error.errors(include_input=False, include_url=False)[0]
    if not first["loc"]:
        return re.sub(r"\b[A-Z]+(_[A-Z]+)+\b", lambda name: called(name[0]), _message(first))
    return f"{called(str(first['loc'][0]))} {_message(first)}"


def _message(first: ErrorDetails) -> str:
    predicate = _PREDICATES.get(first["type"], first["msg"].removeprefix("Value error, "))
    return predicate.format(**first.get("ctx", {})) if first["type"] in _PREDICATES else predicate
