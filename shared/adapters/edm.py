"""Reading an OData metadata document (CSDL), as an XML tree without namespaces.

The document comes from a service, so its XML is not trusted. What makes XML dangerous (entities that multiply, entities
that name files) must be declared in a document type; OData has none, and the parser stops where one begins. Hence the
standard library's parser will do, and no library is needed for it.
"""

from __future__ import annotations

from xml.etree.ElementTree import Element, TreeBuilder
from xml.parsers import expat


class UnreadableMetadata(ValueError):
    """The text is no metadata document, or one that nobody should read."""


def read_xml(content: bytes) -> Element:
    """The root of a document; elements are called by their names without namespaces. Raises UnreadableMetadata."""
    builder = TreeBuilder()
    parser = expat.ParserCreate(namespace_separator="}")
    parser.StartDoctypeDeclHandler = _refuse
    parser.StartElementHandler = lambda name, attributes: builder.start(_local(name), attributes)
    parser.EndElementHandler = lambda name: builder.end(_local(name))
    try:
        parser.Parse(content, True)
    except expat.ExpatError as error:
        raise UnreadableMetadata(f"it cannot be read as XML ({error})") from error
    return builder.close()


def _refuse(*_: object) -> None:
    raise UnreadableMetadata("it declares a document type, which metadata never do")


def _local(name: str) -> str:
    return name.rpartition("}")[2]
