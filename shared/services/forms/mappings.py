"""Mappings as they are created and replaced, their lines, the tables they may join, and their default setup."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator

from shared.core.mapping import Conversion, FieldMapping, Mapping, Reference, TooLong
from shared.core.sides import Direction, Side
from shared.core.tables import ColumnKind
from shared.core.transformations import LineTransformation
from shared.services.forms.base import Answer, Form
from shared.services.mapping_settings import MappingChange


def _saying(sentences: dict[str, str]) -> Callable[[dict[str, Any]], None]:
    """Puts sentences to the members of a schema that have none: the types of the core say theirs in docstrings."""

    def extra(schema: dict[str, Any]) -> None:
        for name, member in schema["properties"].items():
            if not member.get("description"):
                member["description"] = sentences[name]

    return extra


def _said(form: type[BaseModel]) -> dict[str, str]:
    return {name: field.description or "" for name, field in form.model_fields.items()}


_LINE = {
    "business_central": "The field in Business Central; null for a constant of the Dataverse column.",
    "dataverse": "The Dataverse column: one name, none for a constant of the BC field, three for a person's name.",
    "direction": "Which way values travel.",
    "constant": "What a line without a source column writes.",
    "conversion": "How a value changes its shape.",
    "reference": "Where the value of a lookup comes from.",
    "group": "Fields that make sense only together have the same group.",
    "new_rows_only": "Whether only new records get the value.",
    "not_null": "Whether a blank is not transferred.",
    "clear_value_on_failed_sync": "Whether a lookup that finds nothing blanks the destination.",
    "keep_value_on_failed_sync": "Whether a lookup that finds nothing leaves the destination alone.",
    "too_long": "What to do with a text that is longer than its destination.",
    "transformations": "Rules that change a value before it travels, by direction.",
    "enabled": "Whether the line is transferred.",
}
_MAPPING = {
    "business_central": "The entity set and the filter of its records; a custom page is `publisher/group/version/set`.",
    "dataverse": "The Dataverse table by its logical name, and the filter of its rows.",
    "user_defined": "Whether a person made the mapping; told, not asked for.",
}


class MappingBody(Mapping):
    """A whole mapping; members left out have their defaults, `enabled` is false.

    `name` is the address where a mapping is replaced. `user_defined` is told by the app, whatever stands here.
    """

    model_config = ConfigDict(
        frozen=True, extra="forbid", defer_build=True, json_schema_extra=_saying(_MAPPING | _said(MappingChange))
    )

    name: str = Field("", max_length=100, description="1 to 20 characters: A to Z, 0 to 9, - and _.")
    enabled: bool = Field(False, description="Whether the mapping is synchronized at all.")
    fields: tuple[FieldMapping, ...] = Field((), description="The field mappings in their order.")


class NewLine(FieldMapping):
    """A new line of a mapping; it starts disabled."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True, json_schema_extra=_saying(_LINE))

    enabled: bool = False


NULLABLE = ("constant", "reference", "group")
"""The members of a line for which null is a value."""


class LineChange(Form):
    """What can be changed of a line; members left out stay as they are. Another end is another line."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True, json_schema_extra=_saying(_LINE))

    direction: Direction | None = None
    constant: str | int | bool | None = None
    conversion: Conversion | None = None
    reference: Reference | None = None
    group: str | None = None
    new_rows_only: bool | None = None
    not_null: bool | None = None
    clear_value_on_failed_sync: bool | None = None
    keep_value_on_failed_sync: bool | None = None
    too_long: TooLong | None = None
    transformations: tuple[LineTransformation, ...] | None = None
    enabled: bool | None = None

    @field_validator("*")
    @classmethod
    def _has_a_value(cls, value: object, info: ValidationInfo) -> object:
        if value is None and info.field_name not in NULLABLE:
            raise ValueError("null is not a value; leave it out to keep what it is")
        return value

    @property
    def values(self) -> dict[str, Any]:
        """The members given."""
        return {name: getattr(self, name) for name in self.model_fields_set}


class LineAnswer(FieldMapping):
    """A line of a mapping; `line` is its name in addresses, `BC field:Dataverse column`."""

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)

    mapping: str
    line: str


class LinesAnswer(Answer):
    """The lines of a mapping in their order; `etag` is the mapping's version."""

    mapping: str
    etag: str
    lines: tuple[LineAnswer, ...]


class ChangeAnswer(Answer):
    """One member that changes: what it was and what it becomes; null: it is not there."""

    member: str
    before: Any
    after: Any


class DefaultSetupAnswer(Answer):
    """What the default setup changes in a mapping. With `preview` nothing was changed."""

    mapping: str
    preview: bool
    changes: tuple[ChangeAnswer, ...]
    etag: str | None


class DefaultSetupsAnswer(Answer):
    """The same for all standard mappings, those without a change included."""

    preview: bool
    mappings: tuple[DefaultSetupAnswer, ...]


class TableNameAnswer(Answer):
    """A table that can be mapped: what mappings call it, what people call it, and the mappings that have it."""

    name: str
    caption: str
    mappings: tuple[str, ...]


class TablesAnswer(Answer):
    """A page of the tables of a side by name."""

    side: Side
    tables: tuple[TableNameAnswer, ...]
    continuation: str | None


class OptionOfColumn(Answer):
    """A choice: its value, and its label."""

    value: int
    label: str


class ColumnAnswer(Answer):
    """A column as the service describes it.

    `create_only`: it can be set in new records only. `options` are those of a choice, `members` those of an option of
    Business Central. `target` is the table that a lookup or id refers to, where it is known.
    """

    name: str
    caption: str
    kind: ColumnKind
    max_length: int | None
    read_only: bool
    create_only: bool
    options: tuple[OptionOfColumn, ...]
    members: tuple[str, ...]
    target: str | None


class TableAnswer(Answer):
    """A table as the service describes it now.

    `key` is the id, `number` and `title` what people know its records by, `modified` tells when one was changed,
    `tracked` whether Dataverse lists changes and deletions.
    """

    side: Side
    name: str
    caption: str
    key: str
    number: str | None
    title: str | None
    modified: str | None
    tracked: bool
    alternate_keys: tuple[tuple[str, ...], ...]
    columns: tuple[ColumnAnswer, ...]


class RefreshedTable(Answer):
    """How the description of a table differs from the one before."""

    side: Side
    table: str
    added: tuple[str, ...]
    removed: tuple[str, ...]
    changed: tuple[str, ...]


class MappingProblemAnswer(Answer):
    """What is wrong with a mapping: a stable code, the member to change, and a sentence. A `warning` hinders nobody."""

    code: str
    member: str
    message: str
    warning: bool


class FoundAnswer(Answer):
    """Everything that would be wrong with a mapping, and warnings; nothing was changed."""

    problems: tuple[MappingProblemAnswer, ...]


class RefreshAnswer(Answer):
    """The columns that came, went or changed, and what is wrong with the mapping now."""

    mapping: str
    tables: tuple[RefreshedTable, ...]
    problems: tuple[MappingProblemAnswer, ...]
