"""Writing the configuration as a file that people read, compare and edit.

The order is always the same, what is so by default is left out, and most field mappings are one line. What is written
here is read by `configuration_text` as it was, and by any reader of YAML 1.1 or 1.2, too: a text that one of them would
take for something else stands in quotes.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from shared.core.configuration_file import VERSION
from shared.core.mapping import Mapping
from shared.core.order import parents_first
from shared.services.configuration_tables import described_tables
from shared.services.context import Services

HEADER = """\
# Configuration of the connection {connection}: its mappings, their field mappings and their schedules.
#
# What is left out is so by default. A mapping stands here whole: on import it takes the place of the one of its name,
# one that is not there is created, and others stay as they are unless remove_missing says otherwise. Look first
# (POST configuration/import?preview=true), then apply what you have seen. No secret and no state is in this file.
# `tables`, where there are such, says how the services described what the app does not know by itself; on import they
# are asked anew, and the preview tells what has moved on since.

"""
WIDTH = 118
LONG = ("templates", "fields")
_LOOKS_ELSE = re.compile(r"[-+.0-9].*|~|null|true|false|yes|no|on|off|y|n|=|<<|", re.IGNORECASE)


async def export(services: Services) -> dict[str, Any]:
    """The configuration of a connection. Raises Passing."""
    mappings = [stored.mapping for stored in await services.mappings.all()]
    return configuration_document(mappings, described_tables(services, mappings))


def configuration_document(mappings: Sequence[Mapping], tables: Sequence[dict[str, Any]] = ()) -> dict[str, Any]:
    """The configuration as plain values, parents before children."""
    try:
        ordered = parents_first(mappings)
    except ValueError:  # disabled ones may wait for each other
        ordered = sorted(mappings, key=lambda one: one.name)
    document = {"version": VERSION, "mappings": [_without_defaults(mapping) for mapping in ordered]}
    return document | ({"tables": list(tables)} if tables else {})


def _without_defaults(mapping: Mapping) -> dict[str, Any]:
    """What is not so by default; the long lists come last."""
    document = mapping.model_dump(mode="json", exclude_defaults=True)
    for line in document["fields"]:
        if len(line.get("dataverse", ())) == 1:
            (line["dataverse"],) = line["dataverse"]
    short = {name: value for name, value in document.items() if name not in LONG}
    return short | {name: document[name] for name in LONG if name in document}


def configuration_yaml(document: dict[str, Any], connection: str) -> str:
    """The document as YAML, with the comment at its top."""
    import yaml  # no other request needs it

    class Writer(yaml.SafeDumper):
        """Indents lists, and sets in quotes what somebody might take for no text."""

        def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
            super().increase_indent(flow, indentless=False)

        def ignore_aliases(self, data: object) -> bool:
            return True

    def text(writer: Any, value: str) -> Any:
        style = None if value.isprintable() and not _LOOKS_ELSE.fullmatch(value) else '"'
        return writer.represent_scalar("tag:yaml.org,2002:str", value, style=style)

    Writer.add_representer(str, text)
    options: dict[str, Any] = {"sort_keys": False, "allow_unicode": True, "width": WIDTH, "default_flow_style": None}
    return f"{HEADER.format(connection=connection)}{yaml.dump(document, Dumper=Writer, **options)}"
