"""An HTTP function, declared once: who may call it, what it takes and what it answers. `routes.py` has its address."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from inspect import getdoc
from typing import Any, get_args, get_type_hints
from urllib.parse import quote

from pydantic import BaseModel, RootModel

from shared.core.access import Caller, Role
from shared.services.connections import Connections
from shared.services.context import Services
from shared.services.forms.base import Form


class NoQuery(Form):
    """No query parameters."""


class NoBody(Form):
    """No body."""


class Page(RootModel[str]):
    """A page for a browser, in HTML."""


class Yaml(RootModel[str]):
    """A YAML text."""


class FileBody(BaseModel):
    """A file in YAML or JSON as it was sent: the operation reads it itself, so that it can name the line of a fault."""

    content: bytes
    is_json: bool


class Redirect(BaseModel):
    """Nothing but the header `Location`."""


@dataclass(frozen=True, slots=True)
class Call[Query: BaseModel = NoQuery, Body: BaseModel = NoBody]:
    """What a function is called with, read and checked: `path` has the route's parameters, `root` is the API's own
    absolute address, `if_match` the version that a change is meant for. `services` are those of the connection that is
    meant: the one `asked` for, or the default one. `connections` has all, for what concerns them all unless one is
    `asked` for. `accept` are the types that the caller would like, `key` the function key that the address shows."""

    services: Services
    connections: Connections
    caller: Caller
    path: Mapping[str, str]
    query: Query
    body: Body
    root: str
    if_match: str | None = None
    asked: str | None = None
    accept: str = ""
    key: str | None = None

    def address(self, path: str) -> str:
        """The absolute address of something below the API's root, in the same connection."""
        query = f"?connection={self.asked}" if self.asked else ""
        return f"{self.root}/{quote(path)}{query}"


@dataclass(frozen=True, slots=True)
class Reply:
    """What a function answers. It must be one of the declared answers."""

    body: BaseModel
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)


type Handler = Callable[[Any], Awaitable[Reply]]
type Answers = Mapping[int, tuple[type[BaseModel], ...]]


@dataclass(frozen=True, slots=True)
class Operation:
    """The declaration. The docstring's first paragraph is the summary, what follows the description.

    `problems` are the codes it may answer with beside those that every operation has. `once`: a repetition under the
    same Idempotency-Key gets the first answer. `method` and `route` are empty until it is put `at` its address.
    """

    handler: Handler
    role: Role
    query: type[BaseModel]
    body: type[BaseModel] | None
    answers: Answers
    problems: tuple[str, ...] = ()
    etag: bool = False
    once: bool = False
    method: str = ""
    route: str = ""

    def at(self, method: str, route: str) -> Operation:
        """The same at an address below the API's root."""
        return replace(self, method=method, route=route)

    @property
    def name(self) -> str:
        """The function's name and the operation's id."""
        return str(getattr(self.handler, "__name__", ""))

    @property
    def summary(self) -> str:
        """One sentence."""
        return " ".join((getdoc(self.handler) or "").partition("\n\n")[0].split())

    @property
    def description(self) -> str:
        """Whatever else callers must know, in Markdown."""
        return (getdoc(self.handler) or "").partition("\n\n")[2]


def operation(
    role: Role,
    answers: Mapping[int, type[BaseModel] | tuple[type[BaseModel], ...]],
    *,
    problems: tuple[str, ...] = (),
    etag: bool = False,
    once: bool = False,
) -> Callable[[Handler], Operation]:
    """Declare the function below; what it takes is read from the annotation of its parameter, `Call[Query, Body]`."""
    by_status = {status: found if isinstance(found, tuple) else (found,) for status, found in answers.items()}

    def declared(handler: Handler) -> Operation:
        query, body = _taken(handler)
        return Operation(handler, role, query, body, by_status, problems, etag, once)

    return declared


def _taken(handler: Handler) -> tuple[type[BaseModel], type[BaseModel] | None]:
    given = get_args(get_type_hints(handler)["call"])
    query = given[0] if given else NoQuery
    body = given[1] if len(given) > 1 else NoBody
    return query, None if body is NoBody else body
