"""Reads FetchXML: the entity, its attributes, filters, orders and linked entities."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from xml.etree import ElementTree

from infra.local.dataverse.criteria import condition, joined
from infra.local.dataverse.errors import wrong_argument
from infra.local.dataverse.query.expressions import Expression
from infra.local.dataverse.schema.catalog import TABLES
from infra.local.dataverse.schema.model import Column, Table


@dataclass(frozen=True)
class Attribute:
    """A column to answer; `alias` is its name in the answer where it has one."""

    column: Column
    alias: str = ""
    aggregate: str = ""
    grouped: bool = False


@dataclass(frozen=True)
class FetchOrder:
    """A sort key: a column of an entity, or the alias of an aggregate."""

    name: str
    descending: bool = False


@dataclass
class Entity:
    """An entity or linked entity. `link` is the pair of columns that join it: its own, and one of the outer entity."""

    table: Table
    alias: str = ""
    link: tuple[str, str] = ("", "")
    outer: bool = False
    attributes: list[Attribute] = field(default_factory=list)
    filter: Expression | None = None
    orders: list[FetchOrder] = field(default_factory=list)
    links: list[Entity] = field(default_factory=list)


@dataclass(frozen=True)
class Fetch:
    """A whole query; `count` is the page's size, None for the service's own."""

    entity: Entity
    top: int | None
    page: int
    count: int | None
    cookie: str
    aggregate: bool
    distinct: bool
    total: bool


def read_fetch(xml: str) -> Fetch:
    """Read a query; raises Refusal."""
    try:
        root = ElementTree.fromstring(xml)
    except ElementTree.ParseError as error:
        raise wrong_argument(f"Invalid XML: {error}") from error
    entity = root.find("entity")
    if root.tag != "fetch" or entity is None:
        raise wrong_argument("The FetchXML has no entity.")
    return Fetch(
        _entity(entity, 0),
        _number(root, "top"),
        _number(root, "page") or 1,
        _number(root, "count"),
        root.get("paging-cookie", ""),
        _yes(root, "aggregate"),
        _yes(root, "distinct"),
        _yes(root, "returntotalrecordcount"),
    )


def _number(element: ElementTree.Element, name: str) -> int | None:
    text = element.get(name)
    if text is None:
        return None
    if not text.isdigit() or int(text) == 0:
        raise wrong_argument(f"Invalid value '{text}' for the attribute {name}.")
    return int(text)


def _yes(element: ElementTree.Element, name: str) -> bool:
    return element.get(name, "false").lower() in ("true", "1")


def _entity(element: ElementTree.Element, depth: int) -> Entity:
    name = element.get("name", "")
    table = TABLES.get(name)
    if table is None:
        raise wrong_argument(f"The entity with a name = '{name}' was not found in the MetadataCache.")
    entity = Entity(
        table,
        element.get("alias") or (f"{name}{depth}" if depth else ""),
        (element.get("from", table.id), element.get("to", "")),
        element.get("link-type", "inner") == "outer",
    )
    entity.attributes = list(_attributes(element, table))
    filters = [inner for one in element.findall("filter") if (inner := _filter(one, table))]
    entity.filter = joined(filters, "and")
    entity.orders = [
        FetchOrder(one.get("alias") or one.get("attribute") or "", _yes(one, "descending"))
        for one in element.findall("order")
    ]
    entity.links = [_entity(one, depth * 10 + index) for index, one in enumerate(element.findall("link-entity"), 1)]
    return entity


def _attributes(element: ElementTree.Element, table: Table) -> Iterator[Attribute]:
    if element.find("all-attributes") is not None:
        yield from (Attribute(column) for column in table.columns.values())
    for one in element.findall("attribute"):
        name = one.get("name", "")
        column = table.columns.get(name)
        if column is None:
            raise wrong_argument(f"'{table.name}' entity doesn't contain attribute with Name = '{name}'.")
        yield Attribute(column, one.get("alias", ""), one.get("aggregate", ""), _yes(one, "groupby"))


def _filter(element: ElementTree.Element, table: Table) -> Expression | None:
    parts: list[Expression] = []
    for one in element:
        if one.tag == "filter":
            if inner := _filter(one, table):
                parts.append(inner)
        elif one.tag == "condition":
            values = [value.text or "" for value in one.findall("value")]
            if "value" in one.attrib:
                values.insert(0, one.attrib["value"])
            parts.append(condition(table, one.get("attribute", ""), one.get("operator", ""), values))
    return joined(parts, element.get("type", "and"))
