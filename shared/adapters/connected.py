"""What both row stores have in common: they talk to one service, and share what it grants their user with others."""

from __future__ import annotations

from datetime import datetime

from shared.adapters.http import Service
from shared.core.budget import Share


class Connected:
    """A row store over `service`; the store's life is the connection's."""

    def __init__(self, service: Service) -> None:
        self._service = service

    async def aclose(self) -> None:
        """Close the connections."""
        await self._service.aclose()

    @property
    def account(self) -> str:
        """See RowStore."""
        return self._service.account

    @property
    def requests_sent(self) -> int:
        """How many requests have been sent so far, repeated ones and those of the health report included."""
        return self._service.requests_sent

    def allow(self, share: Share, paused_until: datetime | None) -> None:
        """See RowStore."""
        self._service.allow(share, paused_until)

    def paused_until(self) -> datetime | None:
        """See RowStore."""
        return self._service.paused_until()
