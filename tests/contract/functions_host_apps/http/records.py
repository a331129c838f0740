"""Routes that compete for the same paths."""

import azure.functions as func

records = func.Blueprint()
_OPEN = func.AuthLevel.ANONYMOUS


@records.route("records/{*rest}", auth_level=_OPEN)
def any_record(req: func.HttpRequest) -> str:
    return f"any {req.route_params.get('rest')}"


@records.route("records/{key}", auth_level=_OPEN)
def record_by_key(req: func.HttpRequest) -> str:
    return f"key {req.route_params['key']}"


@records.route("records/{number:int}", auth_level=_OPEN)
def record_by_number(req: func.HttpRequest) -> str:
    return f"number {req.route_params['number']}"


@records.route("records/latest", methods=["GET"], auth_level=_OPEN)
def latest_record(req: func.HttpRequest) -> str:
    return "latest"
