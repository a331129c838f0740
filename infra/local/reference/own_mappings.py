"""The part of docs/mappings.md about mappings that people make: how, and what can be mapped to what."""

from __future__ import annotations

from infra.local.reference.markdown import code, table
from shared.core.conversions import CONVERTS, NAMES
from shared.core.tables import ColumnKind
from shared.defaults import extra_lines

LOOKUP = ColumnKind.LOOKUP
OWN = """## Mappings of your own

Any entity set of Business Central whose records have an id and a time of modification, custom API pages included, can
be mapped to any Dataverse table:

1. [`GET /api/tables`](http.md) lists what can be mapped, `GET /api/tables/{side}/{table}` shows the columns of a table
   as its service describes them: kinds, lengths, choices, lookups, alternate keys. The page of a custom API is called
   `publisher/group/version/entitySet` in a mapping.
2. `POST /api/mappings?preview=true` says what would be wrong with a mapping, everything at once; without the parameter
   it is made. It is disabled and synchronizes only coupled records unless it says otherwise.
3. `POST /api/mappings/{mapping}/fields` adds lines, which start disabled; `PATCH` changes one by its name, such as
   `displayName:name`, and enables it. A line is known by its two ends, wherever it stands.
4. `PATCH /api/mappings/{mapping}` with `enabled: true`, once every direction of the mapping has a line.

A lookup needs a mapping that couples the rows it refers to, named in the line's `reference` and in `depends_on`. Two
enabled mappings may share a table as long as what their filters demand with `eq` and `in` excludes each other, as
customers and vendors are accounts of different types; else none may write the columns of another one. Whether a text of
Business Central is a code is not in its metadata; it is read as a text, and what Business Central makes of its case
comes back with the answer to the write. A lookup into several tables is bound to the account, an owner to the user.

The descriptions of tables are kept beside the mappings. `POST /api/mappings/{mapping}/refresh-fields` reads them anew;
a column that is not known yet is looked for by itself.

`DELETE /api/mappings/{mapping}` removes a mapping with its couplings and errors, and no record.

### What converts to what

A line without a reference takes these values from its source to its destination; a lookup goes through a coupling.
Transformation rules make a text of any of them first.
"""

EXTRA = """### Lines of the default setup

`POST /api/mappings/{mapping}/default-setup` brings a standard mapping back as it is shipped, with these lines, which
start disabled. Couplings stay, and so does whether the mapping is enabled.
"""


def own_mappings() -> str:
    """The section."""
    kinds = [
        (code(kind), NAMES[kind], ", ".join(map(code, _targets(kind)))) for kind in ColumnKind if kind is not LOOKUP
    ]
    lines = [
        (name, code(line.business_central or ""), code(".".join(line.dataverse)), line.direction)
        for name, extra in extra_lines().items()
        for line in extra
    ]
    parts = (
        OWN,
        table(("Kind", "", "Goes to"), kinds),
        EXTRA,
        table(("Mapping", "Business Central", "Dataverse", "Direction"), lines),
    )
    return "\n".join(parts)


def _targets(kind: ColumnKind) -> list[ColumnKind]:
    return [target for target in ColumnKind if target in CONVERTS[kind] - {LOOKUP}]
