"""docs/http.md: what is said of all endpoints is written by hand; the endpoints and problems come from their code."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from functions.api.openapi import CONNECTION, document, problems_of
from functions.api.operation import FileBody, Operation
from functions.api.problems import BY_CODE
from functions.routes import operations
from infra.local.reference.markdown import code, codes, table

type Json = dict[str, Any]

LINE = 120
BLOCK = "<!-- {name}, by `python -m infra.local.reference` -->\n{text}<!-- end of {name} -->\n"


def http_page(written: str) -> str:
    """The page with today's problems and endpoints. Raises ValueError when there is not exactly one place for each."""
    found = operations()
    described = document(found)
    endpoints = "\n".join(_endpoint(operation, described) for operation in found)
    return _filled(_filled(written, "problems", f"\n{_problems()}\n"), "endpoints", f"\n{endpoints}\n")


def _filled(page: str, name: str, text: str) -> str:
    block = BLOCK.format(name=name, text=text)
    pattern = re.escape(BLOCK.format(name=name, text="\0")).replace("\0", ".*?")
    filled, places = re.subn(pattern, lambda _: block, page, flags=re.DOTALL)
    if places != 1:
        raise ValueError(f"docs/http.md has {places} places for the {name} instead of one")
    return filled


def _problems() -> str:
    rows = ((str(kind.status), code(kind.code), kind.when, kind.remedy) for kind in BY_CODE.values())
    return table(("Status", "Code", "When", "What helps"), sorted(rows, key=lambda row: row[0]))


def _endpoint(operation: Operation, described: Json) -> str:
    """The section of one endpoint."""
    parts = [
        f"## {operation.method} /api/{operation.route}",
        f"{operation.summary} Needs the role *{operation.role}*.",
        operation.description,
        _parameters(operation, described),
        _members(operation, described["components"]["schemas"]),
        _answers(operation),
        examples().get(operation.name, ""),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _parameters(operation: Operation, described: Json) -> str:
    schemas = described["components"]["schemas"]
    found = described["paths"][f"/{operation.route}"][operation.method.lower()]["parameters"]
    rows = [
        (code(one["name"]), one["in"], _values(one["schema"], schemas), one["description"])
        for one in found
        if one["in"] != "path" and one is not CONNECTION  # every endpoint has it, so it is told once
    ]
    return table(("Parameter", "In", "Values", "Meaning"), rows).rstrip() if rows else ""


def _members(operation: Operation, schemas: Json) -> str:
    if operation.body is None:
        return ""
    if operation.body is FileBody:
        return "The body is a file in YAML (`application/yaml`) or JSON."
    schema = schemas[operation.body.__name__]
    rows = (
        (code(name), _values(member, schemas), member.get("description", ""))
        for name, member in schema["properties"].items()
    )
    return table(("Member", "Values", "Meaning"), rows).rstrip()


def _answers(operation: Operation) -> str:
    """What it answers beside what every endpoint may answer."""
    good = " or ".join(map(str, operation.answers))
    special = [
        f"{status} {codes(own)}"
        for status, found in problems_of(operation).items()
        if (own := [one for one in found if one in operation.problems])
    ]
    return "\n".join(_wrapped("; ".join([f"Answers {good}", *special]) + "."))


def _wrapped(text: str) -> Iterator[str]:
    line = ""
    for word in text.split():
        if line and len(line) + len(word) >= LINE:
            yield line
            line = ""
        line = f"{line} {word}".strip()
    yield line


def _values(schema: Json, schemas: Json) -> str:
    """What a value may be, in words."""
    named = schemas.get(schema.get("$ref", "").rpartition("/")[2], {})
    whole = {**named, **schema}
    if "anyOf" in whole:
        return ", ".join(_values(one, schemas) for one in whole["anyOf"])
    if "enum" in whole:
        return codes(map(str, whole["enum"])) if len(whole["enum"]) < 9 else str(whole.get("title", "text")).lower()
    match whole.get("type"):
        case "boolean":
            return codes(["true", "false"])
        case "integer":
            return _range(whole)
        case "array":
            return f"list of {_values(whole['items'], schemas)}"
        case "object" if "properties" in whole:
            return code("{" + ", ".join(whole["properties"]) + "}")
        case "object":
            return _object(whole)
        case "null":
            return code("null")
    return "text"


def _range(schema: Json) -> str:
    limits = [str(schema[name]) for name in ("minimum", "maximum") if name in schema]
    return " to ".join(limits) or "number"


def _object(schema: Json) -> str:
    inner = schema.get("additionalProperties")
    return "object of objects" if isinstance(inner, dict) and inner.get("type") == "object" else "object"


def examples() -> dict[str, str]:
    """The examples by function; written by hand, beside this module."""
    text = Path(__file__).with_name("http_examples.md").read_text("utf-8")
    return {name: example.strip() for name, example in re.findall(r"^# (\w+)\n(.+?)(?=^# |\Z)", text, re.M | re.S)}
