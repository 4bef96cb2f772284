"""What an operator sees while a command runs and when it is done."""

from __future__ import annotations

import sys
import time
from types import TracebackType
from typing import Any

from rich.console import Console as Rich
from rich.table import Table

WIDEST = 4096  # columns


class Console:
    """Progress on standard error, the summary on standard output; plain lines where there is no terminal."""

    def __init__(self) -> None:
        wide = None if sys.stdout.isatty() else WIDEST  # a path in a file is never cut
        self._out, self._err = Rich(highlight=False, width=wide), Rich(stderr=True, highlight=False)
        self._started = time.monotonic()

    def __enter__(self) -> Console:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        sys.stdout.flush()

    def step(self, message: str) -> None:
        """One line of progress with the seconds since the start."""
        self._err.print(f"[dim]{time.monotonic() - self._started:6.1f} s[/dim]  {message}", markup=True, soft_wrap=True)

    def summary(self, counts: dict[str, Any]) -> None:
        """What was done, a line each; lists are paths or messages to be read one by one."""
        table = Table(show_header=False, box=None, padding=(0, 2, 0, 0))
        table.add_column(no_wrap=True)
        table.add_column(overflow="fold")
        for name, value in counts.items():
            if isinstance(value, (list, tuple)):
                for index, item in enumerate(value):
                    table.add_row(_words(name) if index == 0 else "", str(item))
            else:
                table.add_row(_words(name), f"{value:,}" if isinstance(value, int) else str(value))
        self._out.print(table)


def _words(name: str) -> str:
    return name.replace("_", " ")
