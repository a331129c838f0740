"""Settings become adapters, and adapters services. An adapter is made, and its SDK imported, when it is first asked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from shared.adapters.settings import Settings
from shared.adapters.system import RandomIds, SystemClock
from shared.core.mapping import Mapping as TableMapping
from shared.core.mapping import ReferenceKind
from shared.core.retention import Retention
from shared.core.tables import Table
from shared.core.web_client import WebClient
from shared.defaults import standard_mappings, standard_tables
from shared.later import later
from shared.ports import BusinessCentralStore, Clock, DataverseStore, DeadLetters, JobQueue, Notifier, StateStore
from shared.services.connections import QUEUE
from shared.services.context import Facts, Policy, Services
from shared.services.share_of_budget import Budget

if TYPE_CHECKING:
    from shared.adapters.tokens import Tokens

# What UseDevelopmentStorage=true stands for; the account and its key are public (page "Use the Azurite emulator").
_DEVELOPMENT_STORAGE = (
    "DefaultEndpointsProtocol=http;AccountName=devstoreaccount1;"
    "AccountKey=Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==;"
    "TableEndpoint=http://127.0.0.1:10002/devstoreaccount1;"
)
_API_OF_THE_CLOUD = "https://api.businesscentral.dynamics.com/v2.0/"
_BUSINESS_CENTRAL_SCOPE = "https://api.businesscentral.dynamics.com/.default"


@dataclass(frozen=True, slots=True)
class Common:
    """What all connections share. Whatever is not here, each has of its own."""

    state: StateStore
    queue: JobQueue
    dead_letters: DeadLetters
    notifier: Notifier | None
    clock: Clock
    tables: Mapping[tuple[str, str], Table]
    policy: Policy
    budget: Budget = field(default_factory=Budget)


def common_of(settings: Settings) -> Common:
    """What the settings of the default connection say for all."""
    policy = Policy(
        page_size=settings.page_size,
        slice_time=timedelta(seconds=settings.slice_seconds),
        interval=settings.interval,
        schedule=settings.schedule,
        abandoned_after=timedelta(seconds=settings.abandoned_seconds),
        resend_after=timedelta(seconds=settings.resend_seconds),
        in_doubt=timedelta(seconds=settings.in_doubt_seconds),
        retention=Retention(timedelta(days=settings.jobs_days), timedelta(days=settings.idle_jobs_days)),
        notify_every=timedelta(minutes=settings.notification_minutes),
        notify_records=settings.notification_records,
    )
    return Common(
        state=later(lambda: _state(settings)),
        queue=later(lambda: _queue(settings)),
        dead_letters=later(lambda: _dead_letters(settings)),
        notifier=later(lambda: _notifier(settings)) if settings.notification_url else None,
        clock=SystemClock(),
        tables=later(standard_tables),
        policy=policy,
    )


def services_of(settings: Settings, common: Common) -> Services:
    """One connection, wired."""
    return Services(
        connection=settings.connection,
        business_central=later(lambda: _business_central(settings)),
        dataverse=later(lambda: _dataverse(settings)),
        state=common.state,
        queue=common.queue,
        clock=common.clock,
        ids=RandomIds(),
        tables=common.tables,
        standard_mappings=later(lambda: mappings_for(settings.ownership_model)),
        facts=Facts(common.clock),
        policy=common.policy,
        budget=common.budget,
        web_client=_web_client(settings),
        dead_letters=common.dead_letters,
        notifier=common.notifier,
    )


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


def _web_client(settings: Settings) -> WebClient:
    """Beside the API of Microsoft's cloud stands the web client of the same tenant and environment."""
    address = settings.business_central_web_client
    if address is None:
        address = settings.business_central_url.replace(_API_OF_THE_CLOUD, "https://businesscentral.dynamics.com/")
    return WebClient(address, settings.business_central_company_name, settings.dataverse_url)


def _business_central(settings: Settings) -> BusinessCentralStore:
    from shared.adapters.business_central import BusinessCentral

    url = settings.business_central_url
    tokens = _tokens(settings, settings.business_central_token, url, _BUSINESS_CENTRAL_SCOPE)
    return BusinessCentral(url, settings.business_central_company_id, tokens)


def _dataverse(settings: Settings) -> DataverseStore:
    from shared.adapters.dataverse import Dataverse
    from shared.adapters.tokens import dataverse_scope

    url = settings.dataverse_url
    return Dataverse(url, _tokens(settings, settings.dataverse_token, url, dataverse_scope(url)))


def _tokens(settings: Settings, fixed: Any, url: str, scope: str) -> Tokens:
    from shared.adapters.tokens import ClientCredentials, FixedToken, ManagedIdentity

    if fixed is not None:
        return FixedToken(fixed.get_secret_value(), url)
    if settings.client_secret is not None and settings.tenant_id and settings.client_id:
        secret = settings.client_secret.get_secret_value()
        return ClientCredentials(settings.tenant_id, settings.client_id, secret, scope)
    return ManagedIdentity(scope, client_id=settings.client_id)


def _state(settings: Settings) -> StateStore:
    from shared.adapters.table_storage import TableStorage

    if settings.storage_connection is not None:
        given = settings.storage_connection.get_secret_value()
        is_development = given.rstrip(";").casefold() == "usedevelopmentstorage=true"
        return TableStorage(connection_string=_DEVELOPMENT_STORAGE if is_development else given)
    endpoint = settings.storage_table_uri or f"https://{settings.storage_account}.table.core.windows.net"
    return TableStorage(endpoint=endpoint, credential=_credential(settings, settings.storage_client_id))


def _queue(settings: Settings) -> JobQueue:
    from shared.adapters.service_bus import ServiceBusQueue

    if settings.service_bus_connection is not None:
        return ServiceBusQueue(QUEUE, connection_string=settings.service_bus_connection.get_secret_value())
    credential = _credential(settings, settings.service_bus_client_id)
    return ServiceBusQueue(QUEUE, namespace=settings.service_bus_namespace, credential=credential)


def _dead_letters(settings: Settings) -> Any:
    from shared.adapters.dead_letters import ServiceBusDeadLetters

    queue: Any = _queue(settings)
    return ServiceBusDeadLetters(queue)


def _notifier(settings: Settings) -> Notifier:
    from shared.adapters.webhook import Webhook

    assert settings.notification_url is not None
    return Webhook(settings.notification_url.get_secret_value(), settings.notification_format)


def _credential(settings: Settings, named: str | None) -> Any:
    """The managed identity: the one named for this service, else CLIENT_ID's where that is no app registration."""
    from azure.identity.aio import ManagedIdentityCredential

    return ManagedIdentityCredential(client_id=named or (None if settings.client_secret else settings.client_id))
