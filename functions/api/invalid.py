"""What is wrong with a query or a body, all at once and by the names that the caller used; never the values."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from shared.core.mapping_problem import MappingProblem
from shared.services.problems import Problem


def invalid(error: ValidationError, model: type[BaseModel], given: Mapping[str, str] | bytes) -> Problem:
    """The first thing that is wrong, and in `problems` every one where there are several."""
    errors = error.errors(include_url=False, include_input=False)
    if errors[0]["type"] == "json_invalid":
        return Problem(400, "invalid_json", f"body: {errors[0]['msg']}.")
    sent = json.loads(given) if isinstance(given, bytes) and given else given
    found: dict[str, MappingProblem] = {}
    for one in errors:  # of the kinds that a member may have, each has its error: the first will do
        name = _name(one, sent)
        found.setdefault(name, _found(one, name, model))
    first = next(iter(found.values()))
    several = tuple(found.values()) if len(found) > 1 else ()
    return Problem(400, first.code, first.message, field=first.member or None, problems=several)


def _found(error: ErrorDetails, name: str, model: type[BaseModel]) -> MappingProblem:
    if error["type"] == "extra_forbidden":
        known = f"; the members are {', '.join(model.model_fields)}" if "." not in name else ""
        return MappingProblem("unknown_member", name, f"{name}: unknown{known}.")
    if error["type"] == "union_tag_not_found":
        message = f"{name}: the member {error['ctx']['discriminator']} is missing."
    elif error["type"] == "too_long":
        message = (
            f"{name}: may have at most {error['ctx']['max_length']} items, and has {error['ctx']['actual_length']}."
        )
    elif error["type"] == "too_short":
        message = f"{name}: must have at least {error['ctx']['min_length']} items."
    else:
        message = f"{name or 'body'}: {error['msg'].removeprefix('Value error, ')}."
    return MappingProblem("invalid_value", name, message)


def _name(error: ErrorDetails, sent: Any) -> str:
    """The member as the caller sees it: without what the types of this app add to the way there."""
    *way, last = error["loc"] or ("",)
    parts: list[str] = []
    for part in way:
        if _has(sent, part):
            sent = sent[part]
            parts.append(str(part))
    if _has(sent, last) or (error["type"] == "missing" and isinstance(sent, Mapping)):
        parts.append(str(last))
    return ".".join(parts)


def _has(sent: Any, part: int | str) -> bool:
    return part in sent if isinstance(sent, Mapping) else isinstance(sent, list) and isinstance(part, int)
