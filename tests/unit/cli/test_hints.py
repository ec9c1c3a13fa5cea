"""A server speaks of routes, the shell of commands; every route in a server's hint has one."""
from __future__ import annotations

import re
from pathlib import Path

import pytest

from sra_cli import main as root
from sra_cli.hints import COMMANDS, for_shell
from sra_sdk.errors import ServerAnswered

SERVER = Path(__file__).resolve().parents[3] / "sra_server"


@pytest.mark.parametrize(("said", "shown"), [
    ("GET /silences lists them", "`sra silence list` lists them"),
    ("end one first: DELETE /silences/{id}", "end one first: `sra silence end ID`"),
    ("GET /remedies/rem_4f2a shows it", "`sra remedies show rem_4f2a` shows it"),
    ("check X-API-Key; GET /api-keys lists yours", "check X-API-Key; `sra keys list` lists yours"),
    ("POST /auth/login gives a token, POST /api-keys a key",
     "`sra login` gives a token, `sra keys create` a key"),
    ("GET /openapi.json lists all routes", "GET /openapi.json lists all routes"),
    ("GET it again", "GET it again"),
])
def test_routes_become_commands(said: str, shown: str) -> None:
    assert for_shell(said) == shown


def test_every_route_in_a_hint_of_the_server_has_a_command() -> None:
    hints = [hint for path in SERVER.rglob("*.py") for hint in re.findall(
        r'hint=f?"((?:[^"\\]|\\.)*(?:GET|POST|PUT|PATCH|DELETE) /[^"]*)"', path.read_text("utf-8"))]
    assert len(hints) > 10
    left = [hint for hint in hints if re.search(r"(GET|POST|PUT|PATCH|DELETE) /", for_shell(hint))]
    assert left == ["GET /openapi.json lists all routes"]


@pytest.mark.parametrize("command", sorted(set(COMMANDS.values())))
def test_the_commands_exist(command: str) -> None:
    _, name, *sub = command.split()
    found = root.load(name)
    assert all(part in found.commands for part in sub)


def test_only_what_a_server_said_is_put_into_commands() -> None:
    problem = {"code": "silence_not_found", "hint": "GET /silences lists them"}
    text, code = root.explain(ServerAnswered("no silence", status=404, problem=problem))
    assert (text.splitlines()[1], code) == ("  what to do: `sra silence list` lists them", 1)
