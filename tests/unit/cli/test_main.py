"""The root command: every command loads and explains itself, and no failure ends in a traceback."""
from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sra_cli import main as root
from sra_sdk.errors import BadInput, IllegalMove, NotFound, NotSignedIn, ServerAnswered, Unavailable


def leaves() -> Iterator[tuple[str, Any]]:
    def walk(path: str, command: Any) -> Iterator[tuple[str, Any]]:
        inner = getattr(command, "commands", None)
        if not inner:
            yield path, command
        for name, sub in (inner or {}).items():
            yield from walk(f"{path} {name}", sub)
    for name in root.COMMANDS:
        yield from walk(name, root.load(name))


LEAVES = dict(leaves())
WANTED = """up; demo; analyze; serve; agent run; agent policy init; agent policy check; agent policy explain;
register; login; logout; whoami; keys create; keys list; keys revoke; keys delete; incidents list;
incidents show; incidents watch; incidents ack; incidents assign; incidents note; incidents resolve;
incidents close; silence add; silence list; silence end; lessons list; lessons forget;
remedies list; remedies show; remedies approve; remedies reject; remedies run; dry-run on; dry-run off;
dry-run status; logs; status; doctor; completion"""


@pytest.mark.parametrize("name", [part.strip() for part in WANTED.split(";")])
def test_each_promised_command_is_there(name: str) -> None:
    assert name in LEAVES


@pytest.mark.parametrize("name", sorted(LEAVES))
def test_the_help_of_each_command_has_an_example(name: str) -> None:
    text = LEAVES[name].help or ""
    # what stands in two places is shown by the shorter one
    short = name.removeprefix("server ") if name.startswith("server signatures") else name
    assert "Example" in text and f"sra {short.split()[0]}" in text


@pytest.mark.parametrize("name", sorted(LEAVES))
def test_no_command_takes_a_password_as_an_argument(name: str) -> None:
    options = {option for parameter in LEAVES[name].params for option in parameter.opts}
    assert "--password" not in options


def test_json_is_offered_wherever_data_is_printed() -> None:
    silent = {"up", "serve", "agent run", "agent policy init", "register", "login", "logout", "completion"}
    for name, command in LEAVES.items():
        options = {option for parameter in command.params for option in parameter.opts}
        assert ("--json" in options) is (name not in silent), name


@pytest.mark.parametrize(("error", "code"), [
    (BadInput("since: no"), 2), (NotFound("no such incident"), 1), (NotSignedIn("who"), 1),
    (IllegalMove("no"), 1),
    (Unavailable("gone"), 1), (ServerAnswered("bad", status=422, problem={}), 2),
    (ServerAnswered("gone", status=404, problem={}), 1), (ServerAnswered("oops", status=500, problem={}), 1),
    (RuntimeError("a fault"), 1),
])
def test_exit_codes_tell_failure_from_wrong_use(error: Exception, code: int) -> None:
    text, found = root.explain(error)
    assert found == code and str(error) in text


def test_a_missing_extra_says_how_to_get_it() -> None:
    text, code = root.explain(ModuleNotFoundError("No module named 'aiohttp'", name="aiohttp"))
    assert code == 1 and "sra-assistant[server,agent]" in text
    assert "fault of SRA" in root.explain(ModuleNotFoundError("no", name="sra_cli.nowhere"))[0]


def test_a_group_of_failures_tells_the_first() -> None:
    text, code = root.explain(ExceptionGroup("many", [ExceptionGroup("inner", [BadInput("key is missing")])]))
    assert (text, code) == ("error: key is missing", 2)


def test_a_terminal_without_our_characters_still_gets_the_help() -> None:
    done = sra("serve", "--help", PYTHONIOENCODING="latin-1")
    assert done.returncode == 0 and "postgresql+asyncpg://?" in done.stdout


def test_an_error_of_the_system_is_no_fault_of_ours() -> None:
    text, code = root.explain(PermissionError(13, "Permission denied", "/data"))
    assert code == 1 and "/data" in text and "fault of SRA" not in text


def test_an_error_names_fields_and_what_to_do() -> None:
    text, _ = root.explain(BadInput("cannot be sent", hint="mend it",
                                    errors=[{"field": "level", "message": "odd"}]))
    assert text.splitlines() == ["error: cannot be sent", "  level: odd", "  what to do: mend it"]


def test_what_the_message_says_of_a_field_is_said_once() -> None:
    text, _ = root.explain(BadInput("at: is odd", errors=[{"field": "at", "message": "is odd"},
                                                          {"field": "why", "message": "it is empty"}]))
    assert text.splitlines() == ["error: at: is odd", "  why: it is empty"]


def sra(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "sra_cli", *arguments], capture_output=True, text=True,
                          env={**os.environ, "XDG_CONFIG_HOME": "/nonexistent", "SRA_SERVER": "http://127.0.0.1:1",
                               **environment})


@pytest.mark.parametrize(("arguments", "code", "words"), [
    (("nosuch",), 2, "No such command"),
    (("serv",), 2, "Did you mean 'serve', 'server'?"),
    (("logs", "--limit", "x"), 2, "--limit"),
    (("status",), 1, "not signed in"),
    (("whoami", "--server", "nonsense"), 2, "is not a URL"),
    (("doctor", "--server", "nonsense"), 2, "not a URL"),
    (("login", "a@b.example"), 2, "no terminal"),
    (("lessons", "forget", "les_1", "--incident", "inc_1"), 2, "name one, or the incident"),
])
def test_failures_are_explained_on_stderr(arguments: tuple[str, ...], code: int, words: str) -> None:
    done = sra(*arguments, SRA_TOKEN="", SRA_API_KEY="")
    assert done.returncode == code and words in done.stderr and done.stdout == ""
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(("content", "code", "words"), [
    ("mode = 'sometimes'\n", 2, "error"), ("not toml", 2, "error"), (None, 2, "error"),
    ("mode = 'dry-run'\n", 0, "")])
def test_a_bad_policy_is_bad_input(tmp_path: Path, content: str | None, code: int, words: str) -> None:
    path = tmp_path / "policy.toml"
    if content is not None:
        path.write_text(content)
        path.chmod(0o600)
    for more in ((), ("--json",)):
        done = sra("agent", "policy", "check", "--policy", str(path), *more)
        assert done.returncode == code and words in done.stdout, done.stdout


def test_a_server_that_is_not_there_is_named() -> None:
    done = sra("incidents", "list", SRA_TOKEN="t")
    assert done.returncode == 1 and "http://127.0.0.1:1" in done.stderr and "sra serve" in done.stderr


def test_debug_shows_the_traceback() -> None:
    assert "Traceback" in sra("status", SRA_TOKEN="t", SRA_DEBUG="1").stderr


def test_a_reader_that_leaves_is_no_failure_to_talk_about() -> None:
    process = subprocess.Popen([sys.executable, "-m", "sra_cli", "--help"], stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE)
    assert process.stdout is not None and process.stderr is not None
    process.stdout.close()
    assert process.stderr.read() == b""
    process.stderr.close()
    process.wait(20)


def test_completion_offers_the_commands() -> None:
    done = sra(_SRA_COMPLETE="complete_bash", COMP_WORDS="sra re", COMP_CWORD="1")
    assert set(done.stdout.split()) == {"remedies", "register"}
    assert "_SRA_COMPLETE=complete_bash" in sra("completion", "bash").stdout
