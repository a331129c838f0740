"""What the instances of this app tell each other about a service, at the gate of this process.

Gates count seconds of their own process; instances speak of moments.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from shared.adapters.gate import Gate
from shared.core.budget import Share


def heed(gate: Gate, share: Share, paused_until: datetime | None) -> None:
    """Let through what `share` allows, and nobody before `paused_until`; takes the place of what was heeded before."""
    gate.share(share)
    gate.hold(0.0 if paused_until is None else (paused_until - datetime.now(UTC)).total_seconds())


def told_until(gate: Gate) -> datetime | None:
    """Until when the service has told this process to pause; None when it may be asked."""
    seconds = gate.seconds_told
    return datetime.now(UTC) + timedelta(seconds=seconds) if seconds > 0 else None
