"""By which fields match-based coupling compares two records, and the value of a field that is compared.

Groups of match fields are tried in the order of their priority. Within a group all fields must agree. Source: codeunit
CDS Int. Table Couple and the page that asks for the criteria; a line without its column on either side is no match
field, whether a line is enabled does not matter. Microsoft never resets the filters of earlier priorities, so that a
later one can only narrow them; here groups stand alone unless `accumulated` asks for that.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum, StrEnum
from itertools import accumulate

from shared.core.mapping import Conversion, FieldMapping
from shared.core.mapping import Mapping as TableMapping
from shared.core.sides import Side
from shared.core.tables import Column, ColumnKind, Value, Values
from shared.core.texts import as_read, without_case
from shared.core.transfer import References, Tables, end_of, way_of

MOST_FIELDS = 16  # that an index can keep apart


class CriteriaError(ValueError):
    """The match fields cannot be used; the message says which and why."""


class BlankValues(StrEnum):
    """What a blank text in a match field of the BC record means."""

    LEFT_OUT = "left_out"  # the other fields of the group decide (Microsoft's behaviour)
    NEVER_MATCH = "never_match"  # the record is not matched by this group


class NotCompared(Enum):
    """Why a field of a record has no value to compare."""

    BLANK = "blank"
    UNUSABLE = "unusable"  # its transformation fails, its reference has no counterpart, or it is too long


type Reader = Callable[[Values, References], Value | NotCompared]
type Agreement = Callable[[int, Mapping[Side, Values], References], bool]


@dataclass(frozen=True, slots=True, eq=False)
class MatchField:
    """A field mapping used for matching, and whether upper and lower case are different.

    Criteria hold one object per field, however many groups it is in.
    """

    line: FieldMapping
    case_sensitive: bool = False

    @property
    def compared_on(self) -> Side:
        """The side in whose form values are compared: where the line's values may go, Dataverse if both ways."""
        return Side.DATAVERSE if self.line.direction.allows(Side.BUSINESS_CENTRAL) else Side.BUSINESS_CENTRAL


@dataclass(frozen=True, slots=True)
class MatchCriteria:
    """The groups of match fields by ascending priority, and how blanks count."""

    groups: tuple[tuple[MatchField, ...], ...]
    blanks: BlankValues = BlankValues.LEFT_OUT

    @property
    def fields(self) -> tuple[MatchField, ...]:
        """Every match field once, in the order of first use."""
        return tuple(dict.fromkeys(match_field for group in self.groups for match_field in group))

    @property
    def references(self) -> tuple[FieldMapping, ...]:
        """The lines whose references must be answered before their records can be compared."""
        return tuple(item.line for item in self.fields if item.line.reference is not None)

    def columns(self, side: Side) -> tuple[str, ...]:
        """The columns to read of `side` besides those of the mapping's filter."""
        return tuple(dict.fromkeys(name for item in self.fields for name in item.line.columns(side)))


def criteria_of(
    mapping: TableMapping,
    tables: Tables,
    *,
    groups: Iterable[Sequence[str]] | None = None,
    case_sensitive: Collection[str] = (),
    blanks: BlankValues = BlankValues.LEFT_OUT,
    accumulated: bool = False,
) -> MatchCriteria:
    """The criteria of a mapping, or of `groups` of BC fields in place of its own `match_by`.

    `case_sensitive` names the BC fields in which case matters. With `accumulated` the fields of earlier groups count in
    later ones too, as they do in Microsoft's feature. Raises CriteriaError.
    """
    wanted = [tuple(group) for group in (mapping.match_by if groups is None else groups) if group]
    if not wanted:
        raise CriteriaError(f"Specify at least one match field for {mapping.name}.")
    if accumulated:
        wanted = list(accumulate(wanted, lambda earlier, group: tuple(dict.fromkeys((*earlier, *group)))))
    known = {name: _match_fields(mapping, name, tables, name in case_sensitive) for group in wanted for name in group}
    made = tuple(tuple(item for name in group for item in known[name]) for group in wanted)
    criteria = MatchCriteria(made, blanks)
    if len(criteria.fields) > MOST_FIELDS:
        raise CriteriaError(
            f"{mapping.name} has {len(criteria.fields)} match fields; at most {MOST_FIELDS} can be used."
        )
    return criteria


def reader_of(item: MatchField, side: Side, tables: Tables, blanks: BlankValues) -> Reader:
    """What tells what a record of `side` holds in a match field, in the form in which both sides are compared.

    The value of the side that is not `compared_on` is carried over first, with its transformation rules, reference and
    length, just as a synchronization would. A blank number, date, choice or Boolean is a value like any other.
    """
    own = end_of(item.line, side, tables[side]).meaning
    skips_blanks = blanks is BlankValues.NEVER_MATCH or _is_text(item.line, tables)
    spelled = as_read if item.case_sensitive else without_case
    if side is item.compared_on:
        return lambda values, _: _value(own(values), skips_blanks, spelled)
    carry = way_of(item.line, side, tables[side.other]).carry
    there = end_of(item.line, side.other, tables[side.other]).meaning

    def read(values: Values, references: References) -> Value | NotCompared:
        if skips_blanks and own(values) is None:
            return NotCompared.BLANK
        carried = carry(values, references)
        return _value(there(carried), skips_blanks, spelled) if isinstance(carried, dict) else NotCompared.UNUSABLE

    return read


def agreement_of(criteria: MatchCriteria, tables: Tables) -> Agreement:
    """What tells whether two records agree in a group, by their values: to be asked before they are coupled.

    An index compares short digests, and a record may have changed since it was read. All that the criteria say is
    looked up once, for many records.
    """
    here, there = (
        [[reader_of(item, side, tables, criteria.blanks) for item in group] for group in criteria.groups]
        for side in Side
    )
    readers = [list(zip(*group, strict=True)) for group in zip(here, there, strict=True)]
    leaves_out_blanks = criteria.blanks is BlankValues.LEFT_OUT

    def agrees(group: int, records: Mapping[Side, Values], references: References) -> bool:
        compared = 0
        for read_here, read_there in readers[group]:
            here = read_here(records[Side.BUSINESS_CENTRAL], references)
            if here is NotCompared.BLANK and leaves_out_blanks:
                continue
            there = read_there(records[Side.DATAVERSE], references)
            if isinstance(here, NotCompared) or isinstance(there, NotCompared) or here != there:
                return False
            compared += 1
        return compared > 0

    return agrees


def _match_fields(mapping: TableMapping, name: str, tables: Tables, case_sensitive: bool) -> tuple[MatchField, ...]:
    lines = [line for line in mapping.fields if line.business_central == name and line.dataverse]
    if not lines:
        raise CriteriaError(f"{mapping.name} has no field mapping for {name} that could be compared.")
    for line in lines:
        kinds = {_column(line, side, tables).kind for side in Side}
        if line.reference is None and kinds & {ColumnKind.GUID, ColumnKind.LOOKUP} and len(kinds) > 1:
            raise CriteriaError(f"{name} is an id on one side only and cannot be a match field of {mapping.name}.")
    return tuple(MatchField(line, case_sensitive) for line in lines)


def _is_text(line: FieldMapping, tables: Tables) -> bool:
    """Whether a blank in this field is a missing text; BC's references are codes, which are texts."""
    if line.reference is not None or line.conversion is Conversion.PERSON_NAME:
        return True
    return _column(line, Side.BUSINESS_CENTRAL, tables).kind in (ColumnKind.TEXT, ColumnKind.CODE)


def _column(line: FieldMapping, side: Side, tables: Tables) -> Column:
    return tables[side].column(line.columns(side)[0])


def _value(value: Value, skips_blanks: bool, spelled: Callable[[str], str]) -> Value | NotCompared:
    if isinstance(value, str):
        return spelled(value.strip())
    return NotCompared.BLANK if value is None and skips_blanks else value
