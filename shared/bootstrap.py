"""The one place that wires: settings to adapters to services.

SDKs are imported where they are needed: an HTTP call that only reads a mapping does not pay for Service Bus.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from shared.adapters.settings import Settings, read_settings
from shared.adapters.system import RandomIds, SystemClock
from shared.core.mapping import Mapping as TableMapping
from shared.core.mapping import ReferenceKind
from shared.defaults import standard_mappings, standard_tables
from shared.services.access import Access, EntraAccess, KeysAtTheHost
from shared.services.context import Facts, Policy, Services
from shared.services.requests import QUEUE

if TYPE_CHECKING:
    from shared.adapters.tokens import Tokens

# What UseDevelopmentStorage=true stands for; the account and its key are public (page "Use the Azurite emulator").
_DEVELOPMENT_STORAGE = (
    "DefaultEndpointsProtocol=http;AccountName=devstoreaccount1;"
    "AccountKey=Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==;"
    "TableEndpoint=http://127.0.0.1:10002/devstoreaccount1;"
)
_BUSINESS_CENTRAL_SCOPE = "https://api.businesscentral.dynamics.com/.default"


# These libraries tell every request with its address, and an address holds names and e-mails of customers.
_TALKATIVE = ("httpx", "httpcore", "azure", "msal")


def services_from(environment: Mapping[str, str]) -> Services:
    """The wired app. Raises SettingsError with one sentence when a setting is missing or wrong."""
    from shared.adapters.business_central import BusinessCentral
    from shared.adapters.dataverse import Dataverse
    from shared.adapters.tokens import dataverse_scope

    for name in _TALKATIVE:
        logging.getLogger(name).setLevel(logging.WARNING)
    settings = read_settings(environment)
    clock = SystemClock()
    business_central = BusinessCentral(
        settings.business_central_url,
        settings.business_central_company_id,
        _tokens(settings, settings.business_central_token, settings.business_central_url, _BUSINESS_CENTRAL_SCOPE),
    )
    dataverse_tokens = _tokens(
        settings, settings.dataverse_token, settings.dataverse_url, dataverse_scope(settings.dataverse_url)
    )
    policy = Policy(
        page_size=settings.page_size,
        slice_time=timedelta(seconds=settings.slice_seconds),
        interval=settings.interval,
        schedule=settings.schedule,
    )
    return Services(
        connection=settings.connection,
        business_central=business_central,
        dataverse=Dataverse(settings.dataverse_url, dataverse_tokens),
        state=_state(settings),
        queue=_queue(settings),
        clock=clock,
        ids=RandomIds(),
        tables=standard_tables(),
        standard_mappings=mappings_for(settings.ownership_model),
        facts=Facts(clock),
        policy=policy,
    )


def access_from(environment: Mapping[str, str]) -> Access:
    """Who is let in, as the settings say. Raises SettingsError with one sentence."""
    settings = read_settings(environment)
    if settings.api_access == "keys":
        return KeysAtTheHost()
    from shared.adapters.entra import EntraTokens

    tenant, client_id = settings.tenant_id or "", settings.api_client_id or ""
    verifier = EntraTokens(settings.entra_authority, tenant, client_id)
    return EntraAccess(tenant, verifier, settings.app_service_authentication, settings.keys_by_name)


def mappings_for(ownership_model: str) -> tuple[TableMapping, ...]:
    """The standard mappings. Under team ownership there are no salespeople, and no owner is written."""
    if ownership_model == "Person":
        return standard_mappings()
    kept = [mapping for mapping in standard_mappings() if mapping.name != "SALESPEOPLE"]
    return tuple(_without_owner(mapping) for mapping in kept)


def _without_owner(mapping: TableMapping) -> TableMapping:
    fields = tuple(
        line
        for line in mapping.fields
        if line.reference is None or line.reference.kind is not ReferenceKind.COUPLED_NUMBER
    )
    depends_on = tuple(name for name in mapping.depends_on if name != "SALESPEOPLE")
    return mapping.model_copy(update={"fields": fields, "depends_on": depends_on})


def _tokens(settings: Settings, fixed: Any, url: str, scope: str) -> Tokens:
    from shared.adapters.tokens import ClientCredentials, FixedToken, ManagedIdentity

    if fixed is not None:
        return FixedToken(fixed.get_secret_value(), url)
    if settings.client_secret is not None and settings.tenant_id and settings.client_id:
        secret = settings.client_secret.get_secret_value()
        return ClientCredentials(settings.tenant_id, settings.client_id, secret, scope)
    return ManagedIdentity(scope, client_id=settings.client_id)


def _state(settings: Settings) -> Any:
    from shared.adapters.table_storage import TableStorage

    if settings.storage_connection is not None:
        given = settings.storage_connection.get_secret_value()
        is_development = given.rstrip(";").casefold() == "usedevelopmentstorage=true"
        return TableStorage(connection_string=_DEVELOPMENT_STORAGE if is_development else given)
    endpoint = settings.storage_table_uri or f"https://{settings.storage_account}.table.core.windows.net"
    return TableStorage(endpoint=endpoint, credential=_credential(settings, settings.storage_client_id))


def _queue(settings: Settings) -> Any:
    from shared.adapters.service_bus import ServiceBusQueue

    if settings.service_bus_connection is not None:
        return ServiceBusQueue(QUEUE, connection_string=settings.service_bus_connection.get_secret_value())
    credential = _credential(settings, settings.service_bus_client_id)
    return ServiceBusQueue(QUEUE, namespace=settings.service_bus_namespace, credential=credential)


def _credential(settings: Settings, named: str | None) -> Any:
    """The managed identity: the one named for this service, else CLIENT_ID's where that is no app registration."""
    from azure.identity.aio import ManagedIdentityCredential

    return ManagedIdentityCredential(client_id=named or (None if settings.client_secret else settings.client_id))
