"""The mappings over HTTP: what is synchronized, and the flags and settings people change."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import azure.functions as func

from functions.http import answer, answering_problems, read_body
from shared.services.administration import MappingChange, change_mapping, mapping_named, warnings_of
from shared.services.context import Services
from shared.services.repositories.mappings import StoredMapping
from shared.services.repositories.runs import MappingState


def mappings_blueprint(services: Services) -> func.Blueprint:
    """GET mappings, GET and PATCH one mapping."""
    blueprint = func.Blueprint()

    @blueprint.function_name("list_mappings")
    @blueprint.route("mappings", methods=["GET"], auth_level=func.AuthLevel.FUNCTION)
    @answering_problems
    async def list_mappings(req: func.HttpRequest) -> func.HttpResponse:
        stored = await services.mappings.all()
        return answer({"mappings": [await _document(item) for item in stored]})

    @blueprint.function_name("get_mapping")
    @blueprint.route("mappings/{mapping}", methods=["GET"], auth_level=func.AuthLevel.FUNCTION)
    @answering_problems
    async def get_mapping(req: func.HttpRequest) -> func.HttpResponse:
        return await _answer(await mapping_named(services, req.route_params["mapping"]))

    @blueprint.function_name("change_mapping")
    @blueprint.route("mappings/{mapping}", methods=["PATCH"], auth_level=func.AuthLevel.FUNCTION)
    @answering_problems
    async def patch_mapping(req: func.HttpRequest) -> func.HttpResponse:
        await mapping_named(services, req.route_params["mapping"])
        change = read_body(req, MappingChange)
        return await _answer(
            await change_mapping(services, req.route_params["mapping"], change, req.headers.get("if-match"))
        )

    async def _answer(stored: StoredMapping) -> func.HttpResponse:
        return answer(await _document(stored), headers={"ETag": stored.etag})

    async def _document(stored: StoredMapping) -> dict[str, Any]:
        state = await services.runs(stored.mapping.name).state()
        warnings = [asdict(warning) for warning in warnings_of(services, stored.mapping)]
        shown = {"etag": stored.etag, "state": state_document(state), "warnings": warnings}
        return stored.mapping.model_dump(mode="json") | shown

    return blueprint


def state_document(state: MappingState) -> dict[str, Any]:
    """How far a mapping has come, as the API shows it."""
    return {
        "running": state.active is not None,
        "queued": state.queued is not None,
        "last_started_at": state.last_started_at,
        "last_finished_at": state.last_finished_at,
        "next_due_at": state.next_due_at,
        "message": state.last_message,
    }
