"""The command `sra`: its table of commands and what people see when one fails. From the shell; to one module.

Only the module of the command that is called gets imported, and this one imports typer alone, so that
`sra --help` and completion stay fast.
"""
from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from importlib import import_module
from io import TextIOWrapper
from typing import Any

import typer
from typer.core import TyperGroup

#: Section → command → (module:attribute, one line). The attribute is a function or a typer app.
SECTIONS: dict[str, dict[str, tuple[str, str]]] = {
    "Start here": {
        "up": ("up:command", "Watch this host: server, agent and executor at once, nothing to configure"),
        "demo": ("demo:command", "Break a little service and watch SRA find out why and repair it"),
        "analyze": ("analyze:command", "Find the incidents in log files; needs no server"),
        "doctor": ("doctor:command", "Check server, sign-in, agent and policy, and say what to do"),
    },
    "See": {
        "status": ("status:command", "How things stand now"),
        "incidents": ("incidents:app", "Troubles: list, show, watch, ack, assign, note, resolve, close"),
        "silence": ("silence:app", "Tell nobody of some troubles for a while: add, list, end"),
        "lessons": ("lessons:app", "What false alarms have taught: list, forget"),
        "signatures": ("signatures:app", "What texts mean: list, show, and try own ones"),
        "logs": ("logs:command", "Search and follow the stored logs"),
        "hosts": ("hosts:app", "The hosts with an agent, and what each offers"),
    },
    "Repair": {
        "remedies": ("remedies:app", "Actions on a host: list, show, approve, reject, run"),
        "dry-run": ("dry_run:app", "The server's switch between simulating and acting"),
    },
    "Account": {
        "register": ("account:register", "Create an account and sign in"),
        "login": ("account:login", "Sign in"),
        "logout": ("account:logout", "Sign out and forget the session"),
        "whoami": ("account:whoami", "Who is signed in, and where"),
        "keys": ("keys:app", "API keys of programs: create, list, revoke, delete"),
    },
    "Run": {
        "serve": ("server:command", "Run the server"),
        "server": ("server:app", "Look after the server: retention, distribute, signatures"),
        "agent": ("agent:app", "Run this host's agent, write and explain its policy, see what was rejected"),
        "completion": ("completion:command", "Print the shell completion script"),
    },
}
COMMANDS = {name: entry for section in SECTIONS.values() for name, entry in section.items()}
CONTEXT = {"help_option_names": ["-h", "--help"]}


def load(name: str) -> Any:
    """Import the module of a command and give the command itself."""
    module, _, attribute = COMMANDS[name][0].partition(":")
    found = getattr(import_module(f"sra_cli.{module}"), attribute)
    if not isinstance(found, typer.Typer):
        single = typer.Typer(add_completion=False, rich_markup_mode=None)
        single.command(name, context_settings=CONTEXT)(found)
        found = single
    command = typer.main.get_command(found)
    command.name = name
    return command


class LazyGroup(TyperGroup):
    """A group that knows the names and lines of its commands without importing them."""

    def __init__(self, **attributes: Any) -> None:
        super().__init__(**attributes)
        names: Any = dict.fromkeys(COMMANDS)
        self.commands = names  # for the "did you mean" of a mistyped name; never called

    def list_commands(self, ctx: Any) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        return load(cmd_name) if cmd_name in COMMANDS else None

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        for title, commands in SECTIONS.items():
            with formatter.section(title):
                formatter.write_dl([(name.ljust(10), line) for name, (_, line) in commands.items()])


app = typer.Typer(cls=LazyGroup, no_args_is_help=True, rich_markup_mode=None, pretty_exceptions_enable=False,
                  context_settings=CONTEXT)


def _version(asked: bool) -> None:
    if asked:
        from importlib.metadata import version
        typer.echo(f"sra {version('sra-assistant')}")
        raise typer.Exit


@app.callback(epilog="Each command has its own help with examples: sra incidents --help. "
                     "SRA_SERVER names the server; SRA_TOKEN or SRA_API_KEY sign in without a session.")
def root(version: bool = typer.Option(False, "--version", callback=_version, is_eager=True,
                                      help="Print the version and leave.")) -> None:
    """SRA watches hosts and services, says with evidence why something broke, and repairs it on approval."""


def explain(error: Exception) -> tuple[str, int]:
    """What people read of a failure, and the exit code: 1 it failed, 2 it was asked wrongly."""
    from sra_sdk.errors import BadInput, NotFound, ServerAnswered, SraError

    from .hints import for_shell
    while isinstance(error, ExceptionGroup):  # what a task group wraps; the first says enough
        error = error.exceptions[0]
    if isinstance(error, ModuleNotFoundError) and not (error.name or "sra_").startswith("sra_"):
        return (f"error: this command needs {error.name}, which is not installed\n"
                "  what to do: pip install 'sra-assistant[server,agent]'", 1)
    if isinstance(error, OSError):
        return f"error: {error}\n  what to do: see whether it is there, and whether this user may do that", 1
    if not isinstance(error, SraError):
        return (f"error: {type(error).__name__}: {error}\n  what to do: this is a fault of SRA; "
                "SRA_DEBUG=1 shows where; please report it", 1)
    lines = [f"error: {error.message}"]
    problems = [f"{problem.get('field', '?')}: {problem.get('message', '')}" for problem in error.errors]
    # the first is often the message itself
    lines += [f"  {problem}" for problem in problems if problem != error.message]
    if error.hint:
        hint = for_shell(error.hint) if isinstance(error, ServerAnswered) else error.hint
        lines.append(f"  what to do: {hint}")
    wrong_use = isinstance(error, BadInput) and not isinstance(error, NotFound)
    return "\n".join(lines), 2 if wrong_use or error.http_status in (400, 422) else 1


def report(error: Exception) -> int:
    """Print what people read of a failure; return the exit code."""
    text, code = explain(error)
    # an answer may quote what strangers wrote: nothing in it may drive the terminal
    typer.echo("".join(c if c.isprintable() or c == "\n" else "\ufffd" for c in text), err=True)
    return code


def main(arguments: Sequence[str] | None = None) -> None:
    """Run a command and leave the process with its exit code."""
    code: int = 0
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace")  # a terminal that lacks a character still gets the line
    try:
        typer.main.get_command(app).main(arguments, prog_name="sra")
    except SystemExit as leave:
        code = leave.code if isinstance(leave.code, int) else 1 if leave.code else 0
    except KeyboardInterrupt:
        code = 130
    except BrokenPipeError:
        code = 1
    except Exception as error:
        if os.environ.get("SRA_DEBUG") == "1":
            raise
        code = report(error)
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        # whoever read us has left: nothing more to say, and nothing for the interpreter to flush at exit
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    sys.exit(code)
