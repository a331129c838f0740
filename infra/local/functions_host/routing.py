"""Route templates as ASP.NET Core reads them, and the choice of the function that a path belongs to.

Source: Routing in ASP.NET Core (templates, precedence); Azure Functions HTTP trigger (customize the HTTP endpoint).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import unquote

from infra.local.functions_host.errors import AppError
from infra.local.functions_host.route_constraints import Constraint, constraint_of

_PARAMETER = re.compile(
    r"(?P<stars>\*{0,2})(?P<name>[^:=?*{}/]+)(?P<constraints>(?::\w+(?:\(.*?\))?)*)(?:=(?P<default>.*?))?(?P<optional>\?)?"
)
_CONSTRAINT_TEXT = re.compile(r":(\w+(?:\(.*?\))?(?=:|$))")
_SLASH_OUTSIDE_BRACES = re.compile(r"/(?![^{}]*\})")
_PLACEHOLDER = re.compile(r"\{([^{}]*(?:\{\{[^{}]*\}\}[^{}]*)*)\}")

# Precedence of a segment, smaller first: how ASP.NET Core ranks templates that fit the same path.
_LITERAL, _MIXED_OR_CONSTRAINED, _PARAMETER_ONLY, _CONSTRAINED_CATCH_ALL, _CATCH_ALL = range(1, 6)


@dataclass(frozen=True)
class Parameter:
    """One `{...}` of a template."""

    name: str
    constraints: tuple[Constraint, ...]
    default: str | None
    is_optional: bool
    is_catch_all: bool

    def accepts(self, value: str) -> bool:
        return all(constraint(value) for constraint in self.constraints)


@dataclass(frozen=True)
class Segment:
    """What stands between two slashes: a pattern with one group per parameter."""

    pattern: re.Pattern[str]
    parameters: tuple[Parameter, ...]
    rank: int

    @property
    def may_be_missing(self) -> bool:
        parameter = self.parameters[0] if len(self.parameters) == 1 else None
        return parameter is not None and (
            parameter.is_optional or parameter.is_catch_all or parameter.default is not None
        )

    def match(self, text: str) -> dict[str, str] | None:
        found = self.pattern.fullmatch(text)
        if found is None:
            return None
        values = list(zip(self.parameters, found.groups(), strict=True))
        if not all(parameter.accepts(value) for parameter, value in values):
            return None
        return {parameter.name: value for parameter, value in values}


@dataclass(frozen=True)
class Route:
    """A parsed template. Parse with `parse_route`."""

    template: str
    segments: tuple[Segment, ...]

    @property
    def precedence(self) -> tuple[int, ...]:
        return tuple(segment.rank for segment in self.segments)

    def match(self, path: str) -> dict[str, str] | None:
        """The route parameters when the (still percent-encoded) path fits the template, else None."""
        texts = [_decode(text) for text in path.strip("/").split("/")] if path.strip("/") else []
        values: dict[str, str] = {}
        for index, segment in enumerate(self.segments):
            is_catch_all = any(parameter.is_catch_all for parameter in segment.parameters)
            text = "/".join(texts[index:]) if is_catch_all else "".join(texts[index : index + 1])
            if index >= len(texts):
                if not segment.may_be_missing:
                    return None
                values |= {p.name: p.default for p in segment.parameters if p.default is not None}
                continue
            found = segment.match(text)
            if found is None:
                return None
            values |= found
            if is_catch_all:
                return values
        return values if len(texts) <= len(self.segments) else None


def parse_route(template: str) -> Route:
    """Raises AppError with a sentence when the template is not one that ASP.NET Core accepts."""
    trimmed = template.strip("/")
    texts = _SLASH_OUTSIDE_BRACES.split(trimmed) if trimmed else []
    segments = tuple(_parse_segment(text, template) for text in texts)
    for position, segment in enumerate(segments, start=1):
        if position < len(segments) and any(p.is_catch_all or p.is_optional for p in segment.parameters):
            raise AppError(f"Route '{template}': a catch-all or optional parameter must be the last segment.")
    names = [parameter.name.lower() for segment in segments for parameter in segment.parameters]
    if len(names) != len(set(names)):
        raise AppError(f"Route '{template}' uses a parameter name twice.")
    return Route(template, segments)


def most_specific_first[T](routes: Sequence[tuple[Route, T]]) -> list[tuple[Route, T]]:
    """Routes in the order in which they are tried; among equals the one registered first."""
    return sorted(routes, key=lambda entry: entry[0].precedence)


def _parse_segment(text: str, template: str) -> Segment:
    if not text:
        raise AppError(f"Route '{template}' has an empty segment.")
    pattern, parameters, end = "", [], 0
    for placeholder in _PLACEHOLDER.finditer(text):
        pattern += re.escape(text[end : placeholder.start()])
        parameters.append(_parse_parameter(placeholder[1], template))
        pattern += "(.+)"
        end = placeholder.end()
    literal_end = text[end:]
    if "{" in literal_end or "}" in literal_end:
        raise AppError(f"Route '{template}' has an unbalanced brace.")
    is_mixed = bool(parameters) and (pattern + literal_end) != "(.+)"
    return Segment(
        re.compile(pattern + re.escape(literal_end), re.IGNORECASE | re.DOTALL),
        tuple(parameters),
        _rank(parameters, is_mixed),
    )


def _parse_parameter(text: str, template: str) -> Parameter:
    match = _PARAMETER.fullmatch(text)
    if match is None:
        raise AppError(f"Route '{template}': '{{{text}}}' is not a route parameter.")
    return Parameter(
        name=match["name"],
        constraints=tuple(constraint_of(name, template) for name in _CONSTRAINT_TEXT.findall(match["constraints"])),
        default=match["default"],
        is_optional=match["optional"] is not None,
        is_catch_all=bool(match["stars"]),
    )


def _rank(parameters: Sequence[Parameter], is_mixed: bool) -> int:
    if not parameters:
        return _LITERAL
    if is_mixed:
        return _MIXED_OR_CONSTRAINED
    parameter = parameters[0]
    if parameter.is_catch_all:
        return _CONSTRAINED_CATCH_ALL if parameter.constraints else _CATCH_ALL
    return _MIXED_OR_CONSTRAINED if parameter.constraints else _PARAMETER_ONLY


def _decode(text: str) -> str:
    """Percent-decoding that leaves an encoded slash encoded, as ASP.NET Core does."""
    return "%2F".join(unquote(piece) for piece in re.split("%2[Ff]", text))
