"""docs/mappings.md, from the standard mappings, the tables, and the list of what the API does not reach."""

from __future__ import annotations

from collections.abc import Iterable
from importlib.resources import files

from pydantic import BaseModel, ConfigDict

from infra.local.reference.markdown import code, codes, table
from infra.local.reference.own_mappings import own_mappings
from shared import defaults
from shared.core.mapping import Conversion, FieldMapping, Mapping, Reference, ReferenceKind
from shared.core.order import parents_first
from shared.core.sides import Direction, Side

INTRODUCTION = """# Standard mappings

What the app synchronizes before anybody changes anything: the default set-up of Microsoft's feature, as far as the
standard Business Central API v2.0 reaches. The data is in `shared/defaults/mappings.json`, a configuration file as
`GET /api/configuration` writes it (JSON is YAML, too, and starts faster), and what is known of the tables in
`tables.json`. Flags, filters and conflict rules can be changed per mapping with
[`PATCH /api/mappings/{mapping}`](http.md).

Directions: → *ToIntegrationTable*, Business Central to Dataverse; ← *FromIntegrationTable*, Dataverse to Business
Central; ↔ *Bidirectional*. Parents come before children, in the order of this list. Fields of one *group* make sense
only together, so two edits in one group are edits of the same data.
"""

UNREACHABLE = """## What the standard API does not reach

These lines of Microsoft's default mapping have a Business Central field that no page of the standard API v2.0 shows, so
they are not synchronized, and nothing is made up in their place. Showing them takes a custom API page in Business
Central, and a [mapping of your own](#mappings-of-your-own) of that page.
"""

ARROWS = {Direction.BIDIRECTIONAL: "↔", Direction.TO_INTEGRATION_TABLE: "→", Direction.FROM_INTEGRATION_TABLE: "←"}


class Model(BaseModel):
    """A piece of unreachable.json."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Unreachable(Model):
    """A line of Microsoft's default mapping whose Business Central field no page of the standard API shows."""

    mapping: str
    business_central: str
    dataverse: str
    direction: Direction
    why: str


class Otherwise(Model):
    """Something that this app does in another way than Microsoft's feature."""

    mapping: str
    microsoft: str
    here: str


class Differences(Model):
    """The whole list."""

    version: int
    unreachable: tuple[Unreachable, ...]
    otherwise: tuple[Otherwise, ...]


def differences() -> Differences:
    """What Microsoft's default mapping has and these mappings do not, or do in another way."""
    return Differences.model_validate_json((files(defaults) / "unreachable.json").read_text("utf-8"))


def mappings_page() -> str:
    """The whole page."""
    ordered = parents_first(defaults.standard_mappings())
    header = ("Mapping", "Business Central", "", "Dataverse", "Depends on", "Creates new records in")
    parts = [INTRODUCTION, table(header, (_overview(mapping) for mapping in ordered))]
    parts += [_section(mapping) for mapping in ordered]
    return "\n".join([*parts, own_mappings(), _differences_section()])


def _overview(mapping: Mapping) -> tuple[str, ...]:
    created = [side.product for side in Side if side in mapping.create_new_in and mapping.direction.allows(side.other)]
    link = f"[{mapping.name}](#{mapping.name.lower()})"
    sides = [code(mapping.table(side).table) for side in Side]
    return (
        link,
        sides[0],
        ARROWS[mapping.direction],
        sides[1],
        ", ".join(mapping.depends_on),
        ", ".join(created) or "none",
    )


def _section(mapping: Mapping) -> str:
    tables = {side: defaults.standard_tables()[(side, mapping.table(side).table)] for side in Side}
    facts = [
        f"- {side.product}: {tables[side].caption} (`{tables[side].name}`), {_filter(mapping.table(side).filter)}"
        for side in Side
    ]
    facts.append(f"- Direction: {mapping.direction} {ARROWS[mapping.direction]}")
    facts.append(f"- Only coupled records: {'yes' if mapping.synch_only_coupled_records else 'no'}")
    if mapping.match_by:
        groups = "; else by ".join(codes(group) for group in mapping.match_by)
        facts.append(f"- A new record is first matched by {groups}")
    if mapping.number_series:
        facts.append(f"- New numbers in Business Central begin with `{mapping.number_series}`")
    lines = table(("Business Central", "", "Dataverse", "Notes"), (_line(line) for line in mapping.fields))
    return "\n".join([f"## {mapping.name}\n", *facts, "", lines])


def _filter(expression: str) -> str:
    return f"where {code(expression)}" if expression else "all of them"


def _line(line: FieldMapping) -> tuple[str, str, str, str]:
    return code(line.business_central or ""), ARROWS[line.direction], codes(line.dataverse), "; ".join(_notes(line))


def _notes(line: FieldMapping) -> Iterable[str]:
    """What a line says beside its two columns."""
    if line.constant is not None:
        yield f"always {code(str(line.constant))}"
    if line.conversion is Conversion.PERSON_NAME:
        yield "one name is split into its parts and joined again"
    if line.reference is not None:
        yield _reference(line.reference)
    if line.group:
        yield f"group *{line.group}*"
    if line.new_rows_only:
        yield "for new rows only"
    if line.not_null:
        yield "never sent blank"
    if line.keep_value_on_failed_sync:
        yield "left alone when there is no counterpart"
    if line.clear_value_on_failed_sync:
        yield "blanked when there is no counterpart"
    if not line.enabled:
        yield "disabled"


def _reference(reference: Reference) -> str:
    coupled = f"through the coupling in {' or '.join(reference.mappings)}"
    return {
        ReferenceKind.COUPLED_RECORD: coupled,
        ReferenceKind.COUPLED_NUMBER: coupled,
        ReferenceKind.CURRENCY: f"{coupled}; blank in Business Central is the local currency",
        ReferenceKind.COMPANY: f"{coupled}, to which the contact's company belongs",
        ReferenceKind.CHOICE: f"the choice labelled like the code or name in `{reference.table}`",
    }[reference.kind]


def _differences_section() -> str:
    found = differences()
    unreachable = (
        (one.mapping, one.business_central, ARROWS[one.direction], code(one.dataverse), one.why)
        for one in found.unreachable
    )
    otherwise = ((one.mapping, one.microsoft, one.here) for one in found.otherwise)
    return "\n".join(
        [
            UNREACHABLE,
            table(("Mapping", "Business Central", "", "Dataverse", "Why not"), unreachable),
            "## What is done in another way\n",
            table(("Mapping", "Microsoft's feature", "This app"), otherwise),
        ]
    )
