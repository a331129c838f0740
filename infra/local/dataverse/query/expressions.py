"""What a filter expression says, as a tree."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Literal:
    """A constant: `kind` is string, guid, moment, number, boolean or null; `text` its content without quotes.

    The kind `loose` is for languages (FetchXML, SQL) in which a constant takes the type of its column.
    """

    kind: str
    text: str


@dataclass(frozen=True)
class Path:
    """A property, reached over navigation properties: `primarycontactid/fullname`."""

    segments: tuple[str, ...]

    def __str__(self) -> str:
        return "/".join(self.segments)


@dataclass(frozen=True)
class Comparison:
    """`left operator right`; the operator is eq, ne, gt, ge, lt or le."""

    operator: str
    left: Path | Literal
    right: Path | Literal


@dataclass(frozen=True)
class Junction:
    """Parts joined by `and` or `or`."""

    operator: str
    parts: tuple[Expression, ...]


@dataclass(frozen=True)
class Negation:
    """`not part`."""

    part: Expression


@dataclass(frozen=True)
class TextTest:
    """`contains`, `startswith` or `endswith` of a property."""

    function: str
    path: Path
    text: str


@dataclass(frozen=True)
class Like:
    """A property that fits a pattern of wildcards as a whole (FetchXML and SQL)."""

    path: Path
    pattern: str


@dataclass(frozen=True)
class Quantified:
    """`path/any(variable:body)` or `all`; without a body, any row will do."""

    path: Path
    quantifier: str
    variable: str | None
    body: Expression | None


@dataclass(frozen=True)
class QueryFunction:
    """`Microsoft.Dynamics.CRM.Name(Argument=...)`; an argument is a text or a list of texts."""

    name: str
    arguments: Mapping[str, str | list[str]]


Expression = Comparison | Junction | Negation | TextTest | Like | Quantified | QueryFunction
