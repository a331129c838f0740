"""The tables of both services over HTTP: what can be mapped, and with which columns."""

from __future__ import annotations

from pydantic import Field

from functions.api.operation import Call, Reply, operation
from functions.queries import PageQuery
from shared.core.access import Role
from shared.core.sides import Side
from shared.core.tables import Column, Table
from shared.services.forms.base import Form
from shared.services.forms.mappings import (
    ColumnAnswer,
    MappingProblemAnswer,
    OptionOfColumn,
    RefreshAnswer,
    RefreshedTable,
    TableAnswer,
    TableNameAnswer,
    TablesAnswer,
)
from shared.services.problems import Problem


class ApiQuery(Form):
    """Which API of Business Central."""

    api: str | None = Field(
        None,
        max_length=100,
        pattern=r"^[\w-]+/[\w-]+/[\w.-]+$",
        description="A custom API of Business Central, `publisher/group/version`; left out: the standard API.",
    )


class TablesQuery(PageQuery, ApiQuery):
    """Which tables."""

    side: Side = Field(description="The service that has them.")
    text: str = Field("", max_length=100, description="Only those with this in their name or caption.")


@operation(Role.READER, {200: TablesAnswer})
async def list_tables(call: Call[TablesQuery]) -> Reply:
    """The tables that can be mapped: entity sets of an API of Business Central, or tables of Dataverse.

    Those whose records have no id cannot. The pages of a custom API are listed with its root in their names,
    `publisher/group/version/entitySet`; that is what mappings call them.
    """
    from shared.services.mapping_tables import tables_page

    query = call.query
    page = await tables_page(
        call.services, query.side, api=query.api, text=query.text, after=query.continuation, limit=query.limit
    )
    tables = tuple(
        TableNameAnswer(name=table.name, caption=table.caption, mappings=mappings) for table, mappings in page.tables
    )
    return Reply(TablesAnswer(side=query.side, tables=tables, continuation=page.continuation))


@operation(Role.READER, {200: TableAnswer}, problems=("unknown_table",))
async def get_table(call: Call[ApiQuery]) -> Reply:
    """A table and its columns as its service describes them now: kinds, lengths, choices, lookups, alternate keys.

    `side` is `business_central` or `dataverse`. The page of a custom API is named by its entity set, with the root of
    the API as the parameter `api`.
    """
    from shared.services.mapping_tables import table_now

    side, name = _side(call.path["side"]), call.path["table"]
    table = await table_now(call.services, side, f"{call.query.api}/{name}" if call.query.api else name)
    return Reply(_table(table))


@operation(
    Role.ADMINISTRATOR,
    {200: RefreshAnswer},
    problems=("unknown_mapping", "no_such_table"),
)
async def refresh_fields(call: Call) -> Reply:
    """Reads the tables of a mapping anew, after columns were added or changed in a service.

    The answer names the columns that came, went or changed, and what is wrong with the mapping now.
    """
    from shared.services.refreshing_fields import refresh_fields

    found = await refresh_fields(call.services, call.path["mapping"])
    tables = [
        RefreshedTable(
            side=one.table.side,
            table=one.table.name,
            added=tuple(one.added),
            removed=tuple(one.removed),
            changed=tuple(one.changed),
        )
        for one in found.tables
    ]
    problems = tuple(MappingProblemAnswer.model_validate(one) for one in found.problems)
    return Reply(RefreshAnswer(mapping=found.mapping, tables=tuple(tables), problems=problems))


def _side(text: str) -> Side:
    if text not in list(Side):
        raise Problem(400, "invalid_value", f"side: must be {' or '.join(Side)}.", field="side")
    return Side(text)


def _table(table: Table) -> TableAnswer:
    members = {name: getattr(table, name) for name in TableAnswer.model_fields if name != "columns"}
    return TableAnswer(**members, columns=tuple(map(_column, table.columns)))


def _column(column: Column) -> ColumnAnswer:
    members = {name: getattr(column, name) for name in ColumnAnswer.model_fields if name != "options"}
    options = tuple(OptionOfColumn(value=value, label=label) for value, label in sorted(column.options.items()))
    return ColumnAnswer(**members, options=options)
