"""sra.toml.example holds every setting with its default and a reason, and nothing else."""
from __future__ import annotations

import dataclasses
import re
from pathlib import Path

import pytest
import tomli

from sra_agent.config import AgentConfig, Probe
from sra_server.config import ServerConfig

EXAMPLE = Path(__file__).resolve().parents[2] / "sra.toml.example"
SETTING = re.compile(r"^# (?P<name>[a-z_]+) = (?P<value>.+?) {2,}# (?P<why>.{5,})$")


def section(name: str) -> dict[str, re.Match[str]]:
    """Return the commented settings between a table's head and the next one's."""
    text = EXAMPLE.read_text(encoding="utf-8")
    body = text.split(f"[{name}]", 1)[1]
    body = re.split(r"^(?:# )?\[\[?[a-z]", body, maxsplit=1, flags=re.MULTILINE)[0]
    return {match["name"]: match for line in body.splitlines() if (match := SETTING.match(line))}


def test_every_server_setting_is_listed() -> None:
    assert set(section("server")) == set(ServerConfig.model_fields) - {"services"}


def test_every_agent_setting_is_listed() -> None:
    assert set(section("agent")) == {field.name for field in dataclasses.fields(AgentConfig)} - {"probes"}


def test_every_probe_setting_is_listed() -> None:
    assert set(section("[agent.probes]")) | {"tcp"} == {field.name for field in dataclasses.fields(Probe)}


@pytest.mark.parametrize("name", ["host", "port", "quiet_seconds", "reopen_seconds", "smtp_port"])
def test_server_defaults_are_those_of_the_code(name: str) -> None:
    default = ServerConfig.model_fields[name].default
    assert tomli.loads(f"x = {section('server')[name]['value']}")["x"] == default


@pytest.mark.parametrize("name", ["server", "executor", "metrics_seconds", "poll_seconds", "spool_bytes",
                                  "from_start", "insecure", "drain_seconds"])
def test_agent_defaults_are_those_of_the_code(name: str) -> None:
    default = {field.name: field.default for field in dataclasses.fields(AgentConfig)}[name]
    assert tomli.loads(f"x = {section('agent')[name]['value']}")["x"] == default


def test_the_example_is_read_as_it_stands(tmp_path: Path) -> None:
    assert ServerConfig.load(EXAMPLE, environment={}).port == 8000
    assert AgentConfig.load(EXAMPLE, key="k", state_dir=str(tmp_path)).executor == "child"
