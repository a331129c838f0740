"""What the timer does in one connection at each tick: send off what is due, then tell people what needs them."""

from __future__ import annotations

from shared.services.context import Services
from shared.services.requests import enqueue_due


async def tick(services: Services) -> list[str]:
    """The mappings that were touched. What goes wrong with one half does not hinder the other. Raises Passing,
    NeedsPerson."""
    try:
        return await enqueue_due(services)
    finally:
        if services.notifier is not None:
            from shared.services.notifying import notify

            await notify(services)
