"""What can be wrong with an app, told in one sentence."""

from __future__ import annotations


class AppError(Exception):
    """The app cannot be started as it is: one sentence for a person and, where it has one, the app's stack trace."""

    def __init__(self, sentence: str, stack_trace: str = "") -> None:
        super().__init__(sentence)
        self.stack_trace = stack_trace
