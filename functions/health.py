"""Health over HTTP: every dependency, and every mapping's punctuality."""

from __future__ import annotations

from functions.answers import HealthAnswer, health_answer
from functions.api.operation import Call, Reply, operation
from shared.core.access import Role
from shared.services.health import health as ask_all


@operation(Role.READER, {200: HealthAnswer, 503: HealthAnswer})
async def health(call: Call) -> Reply:
    """Whether every dependency can be reached and lets the app in.

    Each table of Business Central and Dataverse, the storage and the queue are asked at once. When one does not answer
    as it must, the status is 503 with the same body, and `fix` says what to do and for which application user. Below
    that stands where each mapping is (see `GET /api/schedule`): `late` and `failed` need a person, `why` says what has
    happened. Of all connections, or of the one that `connection` names.
    """
    found = await ask_all([call.services] if call.asked else call.connections.all())
    return Reply(health_answer(found), 200 if found.ok else 503)
