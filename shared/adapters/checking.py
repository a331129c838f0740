"""Asking a service without writing: the lines of the health report, and whether it takes a filter."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from shared.adapters.http import Answer, Service
from shared.adapters.wire import Explained
from shared.adapters.writing import together
from shared.core.failures import Passing, SyncFailure
from shared.ports import Check

_WRONG_FILTER = (400, 404, 501)
_PATIENCE = 5.0  # seconds: who looks at the report waits for it


async def check_each(service: Service, probes: Mapping[str, str], success: str) -> list[Check]:
    """One line per probe (its name to its path); `success` is what a line says that is well. Never raises."""
    return await together(_check(service, name, path, success) for name, path in probes.items())


def refusal_in(service: Service, answer: Answer) -> str | None:
    """What a service says against the filter it was asked with; None when it took it. Raises what else is wrong."""
    if answer.response.status_code in _WRONG_FILTER:
        return answer.error.message
    if answer.response.status_code >= 300:
        raise service.failure(answer)
    return None


async def _check(service: Service, name: str, path: str, success: str) -> Check:
    try:
        await service.get(path, policy=replace(service.policy, patience=min(_PATIENCE, service.policy.patience)))
    except Explained as failure:
        return Check(name, False, failure.what, failure.fix)
    except Passing as failure:
        return Check(name, False, str(failure), "Nothing to do if this passes; see the service's health if it stays.")
    except SyncFailure as failure:
        return Check(name, False, str(failure), "Correct the settings or permissions that the message names.")
    except Exception as failure:
        return Check(name, False, f"{type(failure).__name__}: {failure}", "Look up this error in the app's log.")
    return Check(name, True, success)
