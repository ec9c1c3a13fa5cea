"""`sra completion`: the script that completes commands in a shell. From the shell; to typer's own."""
from __future__ import annotations

import os
from pathlib import PurePath
from typing import Annotated

import typer

from sra_sdk.errors import BadInput

SHELLS = ("bash", "zsh", "fish")


def command(
    shell: Annotated[str | None, typer.Argument(help="bash, zsh or fish; default: the one of SHELL.")] = None,
) -> None:
    """Print the completion script; `sra --install-completion` installs it.

    \b
    Examples:
      sra completion bash > ~/.local/share/bash-completion/completions/sra
      eval "$(sra completion)"
    """
    from typer.completion import get_completion_script  # type: ignore[attr-defined]
    name = shell or PurePath(os.environ.get("SHELL", "")).name
    if name not in SHELLS:
        raise BadInput(f"shell: {name!r} is unknown", hint=f"name one of {', '.join(SHELLS)}")
    typer.echo(get_completion_script(prog_name="sra", complete_var="_SRA_COMPLETE", shell=name))
