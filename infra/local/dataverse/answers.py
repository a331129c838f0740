"""An operation and its answer: one HTTP request, or one part of a batch."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from infra.local.dataverse.errors import Refusal, wrong_payload
from infra.local.dataverse.schema.model import Table

JSON = "application/json; odata.metadata=minimal"


@dataclass(frozen=True)
class Operation:
    """What is asked. `path` and `query` are percent-encoded, the path stands behind the service root."""

    method: str
    path: str
    query: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""

    def json(self, entity: str) -> Any:
        """Answer the body; raises Refusal where it is no JSON."""
        try:
            return json.loads(self.body.decode("utf-8-sig"))
        except ValueError as error:
            why = "Stream was not readable." if not self.body.strip() else f"Invalid JSON: {error}"
            raise wrong_payload(entity, why) from error


@dataclass
class Answer:
    """What is answered. `body` is a JSON value, a text, or None; `row` the row that `$1` may mean later.

    `wrote` counts the records written, `targets` those that a bulk message names.
    """

    status: int = 204
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    row: tuple[Table, str] | None = None
    wrote: int = 0
    targets: int = 0
    content_type: str = JSON

    @property
    def read(self) -> tuple[int, int]:
        """How many rows a successful read answers, and on how many pages: one for a list or a count, else none."""
        if self.status >= 300:
            return 0, 0
        if isinstance(self.body, dict):
            listed = self.body.get("value")
            return (len(listed), 1) if isinstance(listed, list) else (1, 0)
        return 0, int(isinstance(self.body, str))

    @property
    def content(self) -> bytes:
        """The bytes of the body."""
        if self.body is None:
            return b""
        if isinstance(self.body, bytes):
            return self.body
        if isinstance(self.body, str):
            return self.body.encode()
        try:
            return orjson.dumps(self.body)
        except TypeError:
            # Half a surrogate pair, which a database may hold and JSON may not.
            return json.dumps(self.body, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass")


def refused(refusal: Refusal) -> Answer:
    """Answer a refusal."""
    return Answer(refusal.status, refusal.body, dict(refusal.headers))


def text_answer(text: str) -> Answer:
    """Answer plain text, as `$count` and `$value` do."""
    return Answer(200, text, content_type="text/plain")
