"""The one place that wires the app.

A cold start pays for what its trigger needs only: settings are read at once, so that a wrong one stops the app, but a
connection is wired (`wiring.py`), and the use cases imported, when it is first asked for.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from functools import cache, partial
from typing import TYPE_CHECKING

from shared.adapters.settings import Settings, read_all_settings, read_settings
from shared.later import later
from shared.services.access import Access, EntraAccess, KeysAtTheHost, TokenVerifier
from shared.services.connections import Connection, Connections

if TYPE_CHECKING:
    from shared.services.context import Services
    from shared.wiring import Common

# These libraries tell every request with its address, and an address holds names and e-mails of customers.
_TALKATIVE = ("httpx", "httpcore", "azure", "msal")


def connections_from(environment: Mapping[str, str]) -> Connections:
    """The wired app: all its connections, over one storage and one queue.

    Raises SettingsError with one sentence when a setting is missing or wrong, whichever connection's.
    """
    for name in _TALKATIVE:
        logging.getLogger(name).setLevel(logging.WARNING)
    every = read_all_settings(environment)

    @cache
    def common() -> Common:
        from shared.wiring import common_of

        return common_of(every[0])

    def wired(settings: Settings) -> Services:
        from shared.wiring import services_of

        return services_of(settings, common())

    return Connections([(_connection(settings), partial(wired, settings)) for settings in every])


def services_from(environment: Mapping[str, str]) -> Services:
    """The default connection alone. Raises as `connections_from` does."""
    return connections_from(environment).default


def _connection(settings: Settings) -> Connection:
    return Connection(
        settings.connection,
        settings.business_central_url,
        settings.business_central_company_id,
        settings.business_central_company_name,
        settings.dataverse_url,
    )


def schedule_from(environment: Mapping[str, str]) -> str:
    """When the timer looks for what is due, as NCRONTAB. Raises SettingsError with one sentence."""
    return read_settings(environment).schedule


def access_from(environment: Mapping[str, str]) -> Access:
    """Who is let in, as the settings say. Raises SettingsError with one sentence."""
    settings = read_settings(environment)
    if settings.api_access == "keys":
        return KeysAtTheHost()
    tenant = settings.tenant_id or ""
    verifier = later(lambda: _verifier(settings, tenant))
    return EntraAccess(tenant, verifier, settings.app_service_authentication, settings.keys_by_name)


def _verifier(settings: Settings, tenant: str) -> TokenVerifier:
    from shared.adapters.entra import EntraTokens

    return EntraTokens(settings.entra_authority, tenant, settings.api_client_id or "")
