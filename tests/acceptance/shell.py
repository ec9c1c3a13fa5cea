"""The command line as somebody at a shell uses it, called in this process to spare the start of Python."""
from __future__ import annotations

import contextlib
import io
import json
import os
import sys
from dataclasses import dataclass
from typing import Any
from unittest.mock import patch

from sra_cli.main import main


@dataclass(frozen=True, kw_only=True)
class Done:
    """What a command left: its exit code and what it wrote."""

    code: int
    stdout: str
    stderr: str


@dataclass(frozen=True, kw_only=True)
class Shell:
    """Runs `sra` with this environment and nothing else of SRA's; output goes to no terminal."""

    environment: dict[str, str]
    url: str

    def all(self, *arguments: str, stdin: str = "") -> Done:
        out, errors = io.StringIO(), io.StringIO()
        with patch.dict(os.environ, self.environment, clear=True), \
                patch.object(sys, "stdin", io.StringIO(stdin)), \
                contextlib.redirect_stdout(out), contextlib.redirect_stderr(errors):
            try:
                main(list(arguments))
            except SystemExit as left:
                code = left.code if isinstance(left.code, int) else 1
        return Done(code=code, stdout=out.getvalue(), stderr=errors.getvalue())

    def __call__(self, *arguments: str, code: int = 0, stdin: str = "") -> str:
        """Run it, expect this exit code, and give what was said: the data, or why it failed."""
        done = self.all(*arguments, stdin=stdin)
        assert done.code == code, f"{arguments}: {done.stdout}{done.stderr}"
        return done.stdout if code == 0 else done.stdout + done.stderr

    def json(self, *arguments: str) -> Any:
        return json.loads(self(*arguments, "--json"))
