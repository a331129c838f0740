"""The connections over HTTP: pairs of a Business Central company and a Dataverse environment."""

from __future__ import annotations

from pydantic import Field

from functions.answers import CheckAnswer
from functions.api.operation import Call, Reply, operation
from shared.core.access import Role
from shared.services.connections import ConnectionState, connection_states
from shared.services.forms.base import Answer


class ConnectionAnswer(Answer):
    """One connection: its two ends, and whether both can be reached."""

    name: str
    is_default: bool = Field(description="Whether it is meant where `connection` is left out.")
    business_central_url: str
    company_id: str
    company_name: str | None
    dataverse_url: str
    reachable: bool = Field(description="Whether both services answer and let the app in.")
    trouble: tuple[CheckAnswer, ...] = Field(description="What does not work, and what to do about it.")


class ConnectionsAnswer(Answer):
    """All connections, the default one first."""

    connections: tuple[ConnectionAnswer, ...]


@operation(Role.READER, {200: ConnectionsAnswer})
async def list_connections(call: Call) -> Reply:
    """The connections of this app: which company is kept in step with which environment.

    Each has its own mappings, couplings, jobs, errors and state, and every other endpoint takes its name as
    `connection`. They are set up in the settings of the app. `GET /api/health` tells more of each. With `connection`
    only that one is told.
    """
    found = await connection_states(call.connections, [call.asked] if call.asked else None)
    return Reply(ConnectionsAnswer(connections=tuple(_answer(call, one) for one in found)))


def _answer(call: Call, found: ConnectionState) -> ConnectionAnswer:
    one = found.connection
    trouble = [check for check in found.checks if not check.ok]
    return ConnectionAnswer(
        name=one.name,
        is_default=one.name == call.connections.names[0],
        business_central_url=one.business_central_url,
        company_id=one.company_id,
        company_name=one.company_name,
        dataverse_url=one.dataverse_url,
        reachable=not trouble,
        trouble=tuple(
            CheckAnswer(connection=one.name, name=each.name, ok=each.ok, message=each.message, fix=each.fix)
            for each in trouble
        ),
    )
