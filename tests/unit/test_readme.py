"""What the README tells people to run exists: make targets, commands with their options, and linked files."""
from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
import typer

from sra_cli.main import COMMANDS, load

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```bash\n(.*?)```", README, flags=re.DOTALL)
CALLS = sorted({line.split("#")[0].strip().rstrip("&").strip() for block in BLOCKS
                for line in block.splitlines() if line.startswith("sra ")})


def test_make_targets_exist() -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), flags=re.MULTILINE))
    assert {"demo", "test"} == set(re.findall(r"^ {4}make ([a-z]+)", README, flags=re.MULTILINE)) & targets


@pytest.mark.parametrize("call", CALLS)
def test_each_command_and_its_options_exist(call: str) -> None:
    _, name, *rest = shlex.split(call)
    assert name in COMMANDS, f"README names `sra {name}`"
    command = load(name)
    words = [word for word in rest if not word.startswith("-")]
    while isinstance(command, typer.core.TyperGroup) and words and words[0] in command.commands:
        command = command.commands[words.pop(0)]
    known = {option for parameter in command.params for option in parameter.opts}
    assert {word for word in rest if word.startswith("--")} <= known


@pytest.mark.parametrize("link", re.findall(r"\]\(([^)#:]+)\)", README))
def test_links_lead_to_files(link: str) -> None:
    assert (ROOT / link).exists()
