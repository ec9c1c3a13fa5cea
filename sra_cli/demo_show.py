"""How `sra demo` tells its story: live on a terminal, plain lines elsewhere. From demo; to people."""
from __future__ import annotations

import sys
import time
from types import TracebackType
from typing import Any

import typer

from .output import plain


class Show:
    """Steps with their details. `to_stderr` leaves standard output to the JSON that comes last."""

    def __init__(self, *, to_stderr: bool) -> None:
        self._begun = time.monotonic()
        self._stream = sys.stderr if to_stderr else sys.stdout
        self._console: Any = None
        self._status: Any = None
        if self._stream.isatty():
            from rich.console import Console
            self._console = Console(stderr=to_stderr, highlight=False, markup=False, emoji=False)
            self._status = self._console.status("")
            self._status.start()

    def __enter__(self) -> Show:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        if self._status is not None:
            self._status.stop()

    @property
    def seconds(self) -> float:
        """Since the demo began."""
        return time.monotonic() - self._begun

    def _line(self, text: str, style: str) -> None:
        if self._console is not None:
            self._console.print(text, style=style, soft_wrap=True)
        else:
            typer.echo(text, file=self._stream)
            self._stream.flush()

    def step(self, text: str) -> None:
        """A new part of the story begins."""
        if self._status is not None:
            from rich.text import Text
            self._status.update(Text(plain(text).partition(":")[0][:60]))  # one line, whatever the width
        self._line(f"[{self.seconds:5.1f} s] {plain(text)}", "bold")

    def say(self, text: str, style: str = "none") -> None:
        """A detail of the present part; indented lines are kept."""
        self._line(f"          {plain(text)}", style)

    def quote(self, line: str) -> None:
        """A line of casefile's: safe already, and perhaps coloured."""
        if self._console is None:
            self._line(f"          {line}", "none")
            return
        from rich.text import Text
        self._console.print(Text.from_ansi(f"          {line}"), soft_wrap=True)

    def ask(self, question: str) -> bool:
        """Ask on the terminal, with the moving line out of the way."""
        if self._status is not None:
            self._status.stop()
        try:
            return bool(typer.confirm(f"          {question}", default=False, err=self._stream is sys.stderr))
        finally:
            if self._status is not None:
                self._status.start()
