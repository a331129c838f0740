"""The description of the API itself."""

from __future__ import annotations

from functools import cache
from typing import Any

from pydantic import RootModel

from functions.api.operation import Call, Reply, operation
from shared.core.access import Role


class OpenApiDocument(RootModel[dict[str, Any]]):
    """An OpenAPI 3.1 document."""


@operation(Role.READER, {200: OpenApiDocument})
async def openapi(call: Call) -> Reply:
    """This API as an OpenAPI 3.1 document, made of the types that check requests and shape answers."""
    return Reply(_document())


@cache
def _document() -> OpenApiDocument:
    """Made when somebody asks for the first time: no cold start pays for it."""
    from functions.api.openapi import document
    from functions.routes import operations

    return OpenApiDocument(document(operations()))
