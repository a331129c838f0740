"""Health over HTTP: every dependency, and every mapping's punctuality."""

from __future__ import annotations

from dataclasses import asdict

import azure.functions as func

from functions.http import answer, answering_problems
from functions.mappings import state_document
from shared.services.administration import health
from shared.services.context import Services


def health_blueprint(services: Services) -> func.Blueprint:
    """GET health: 200 when every dependency can be reached and authorizes the app, else 503 with what to do."""
    blueprint = func.Blueprint()

    @blueprint.function_name("health")
    @blueprint.route("health", methods=["GET"], auth_level=func.AuthLevel.FUNCTION)
    @answering_problems
    async def get_health(req: func.HttpRequest) -> func.HttpResponse:
        found = await health(services)
        body = {
            "status": "ok" if found.ok else "trouble",
            "checks": [asdict(check) for check in found.checks],
            "mappings": [
                {"mapping": item.mapping, "status": item.status, **state_document(item.state)}
                for item in found.mappings
            ],
        }
        return answer(body, 200 if found.ok else 503)

    return blueprint
