"""When a record that could not be synchronized is tried again."""

from __future__ import annotations

from datetime import datetime, timedelta

from shared.core.reasons import Reason

PASSING = frozenset({Reason.SERVICE_BUSY, Reason.CHANGED_MEANWHILE, Reason.RELEASED})
WAITING = frozenset({Reason.WAITS_FOR_PARENT, Reason.WAITS_FOR_RELEASE})
HELD_OUT = frozenset({Reason.HELD})
LONGEST_PAUSE = timedelta(hours=1)
# How long an unanswered write may still land: a service works on a request for 8 minutes at most, and the gateway waits
# 10 (Business Central, page "Operational limits").
IN_DOUBT = timedelta(minutes=10)


def next_attempt(reason: Reason, attempts: int, now: datetime) -> datetime:
    """When to try again after the `attempts`-th failure (1 is the first).

    Passing failures soon; a parent may be coupled any minute; what needs a person is tried ever more rarely, at least
    hourly, so that curing the cause elsewhere (a missing country, say) is noticed without anybody pressing a button.
    """
    if reason in PASSING or reason in WAITING:
        return now + min(timedelta(minutes=1) * attempts, timedelta(minutes=15))
    pause = timedelta(minutes=2 ** min(attempts, 10))
    return now + min(pause, LONGEST_PAUSE)


def is_skipped(reason: Reason, message: str, earlier_reason: Reason, earlier_message: str) -> bool:
    """Whether a record that failed again becomes Skipped: the same data error twice (CRM Integration Record)."""
    return needs_person(reason) and (reason, message) == (earlier_reason, earlier_message)


def needs_person(reason: Reason) -> bool:
    """Whether a failure with this reason is shown as somebody's task."""
    return reason not in PASSING and reason not in WAITING and not is_held_out(reason)


def is_held_out(reason: Reason) -> bool:
    """Whether a person keeps the record out of synchronization: it is never due, and no error."""
    return reason in HELD_OUT
