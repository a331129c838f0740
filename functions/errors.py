"""Coupled data synchronization errors over HTTP: what needs a person, and on request also what is merely waiting."""

from __future__ import annotations

import azure.functions as func

from functions.http import answer, answering_problems, item_document, read_limit
from shared.services.administration import open_items
from shared.services.context import Services


def errors_blueprint(services: Services) -> func.Blueprint:
    """GET errors; `?waiting=true` adds the records that wait for a parent or a busy service."""
    blueprint = func.Blueprint()

    @blueprint.function_name("list_errors")
    @blueprint.route("errors", methods=["GET"], auth_level=func.AuthLevel.FUNCTION)
    @answering_problems
    async def list_errors(req: func.HttpRequest) -> func.HttpResponse:
        limit = read_limit(req)
        with_waiting = req.params.get("waiting", "false").lower() == "true"
        items = await open_items(services, req.params.get("mapping"))
        shown = [item_document(item) for item in items if item.is_error or with_waiting]
        return answer({"errors": shown[:limit], "count": len(shown)})

    return blueprint
