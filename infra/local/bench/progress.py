"""What is being done at present: a line that moves on a terminal, plain lines everywhere else."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from typing import Protocol

from rich import progress as rich_progress
from rich.console import Console
from rich.markup import escape


class Progress(Protocol):
    """Tells people how far the bench is."""

    def stage(self, title: str, total: int | None) -> contextlib.AbstractContextManager[Callable[[int], None]]:
        """One stage; what it answers is called with how many more of `total` are done."""
        ...


class PlainLines:
    """One line for each stage, when it is done."""

    def __init__(self, console: Console) -> None:
        self._console = console

    @contextlib.contextmanager
    def stage(self, title: str, total: int | None) -> Iterator[Callable[[int], None]]:
        """See Progress."""
        started = time.monotonic()
        yield lambda _: None
        self._console.print(f"{escape(title)} ({time.monotonic() - started:.1f} s)", soft_wrap=True)


class MovingBar:
    """A bar that moves, and a line for each stage that is done."""

    def __init__(self, console: Console) -> None:
        self._console = console

    @contextlib.contextmanager
    def stage(self, title: str, total: int | None) -> Iterator[Callable[[int], None]]:
        """See Progress."""
        started = time.monotonic()
        columns = (
            rich_progress.SpinnerColumn(),
            rich_progress.TextColumn("{task.description}"),
            rich_progress.BarColumn(bar_width=30),
            rich_progress.TimeElapsedColumn(),
        )
        with rich_progress.Progress(*columns, console=self._console, transient=True) as shown:
            task = shown.add_task(escape(title), total=total)
            yield lambda more: shown.advance(task, more)
        self._console.print(f"{escape(title)} ({time.monotonic() - started:.1f} s)", soft_wrap=True)


def progress_on(console: Console) -> Progress:
    """The progress for this console."""
    return MovingBar(console) if console.is_terminal else PlainLines(console)
