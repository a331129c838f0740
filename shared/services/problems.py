"""What a caller asked for and cannot have."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from shared.core.mapping_problem import MappingProblem


class Problem(Exception):
    """A refusal. `code` is stable, the text says what is wrong and how to put it right, `field` which part is wrong.

    `retry_after` in seconds where waiting helps. `problems` is everything that is wrong with a mapping or a
    request. The HTTP functions answer it as problem details (RFC 9457).
    """

    def __init__(
        self,
        status: int,
        code: str,
        detail: str,
        *,
        field: str | None = None,
        retry_after: int | None = None,
        problems: Iterable[MappingProblem] = (),
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.code = code
        self.field = field
        self.retry_after = retry_after
        self.problems = tuple(problems)
