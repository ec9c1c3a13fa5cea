"""The [agent] table of sra.toml as one frozen value. From the file and the caller's words; to app.

Every setting is checked here, once, so that the parts may trust what they are given. An error names
the setting, what was wrong with it and what to do.
"""

from __future__ import annotations

import os
import re
import socket
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import platformdirs
import tomli

from sra_sdk.errors import BadInput
from sra_sdk.settings import check_sections, nearest

LOOPBACK = ("localhost", "127.0.0.1", "::1")
NAME_CHARACTERS = 200
_UNIT = re.compile(r"[A-Za-z0-9:_.@*\\][A-Za-z0-9:_.@*\\-]{0,255}")
_ADDRESS = re.compile(r"(?:[0-9]{1,3}(?:\.[0-9]{1,3}){3}|\[[0-9A-Fa-f:]+\]):[0-9]{1,5}")
MEGABYTE = 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """A health check of a service: exactly one of `http` (an address) and `tcp` ("host:port")."""

    name: str
    service: str
    http: str | None = None
    tcp: str | None = None
    seconds: float = 5.0
    timeout: float = 2.0

    @property
    def target(self) -> str:
        """Return what is asked."""
        return self.http or self.tcp or ""


def default_state_dir() -> str:
    """Return where spool and positions live unless told otherwise."""
    return os.environ.get("SRA_STATE_DIR") or str(Path(platformdirs.user_state_dir("sra")) / "agent")


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentConfig:
    """What the agent watches, where it keeps its state and to whom it reports."""

    server: str = "http://127.0.0.1:8000"
    key: str = field(default="", repr=False)  # an API key with the scope ingest
    host: str = field(default_factory=socket.gethostname)
    files: tuple[str, ...] = ()  # paths or globs; "service=path" pins the service
    journald: bool | tuple[str, ...] = False  # the whole journal, or some units
    docker: bool | str = False  # every container's output; the path of a socket that is not the usual one
    syslog_udp: str = ""  # "host:port" to listen on, or nothing
    syslog_tcp: str = ""
    state_dir: str = field(default_factory=default_state_dir)
    policy: str | None = None  # handed to the executor, which alone reads it
    executor: str = "child"  # "child", "off", or the path of the executor's socket
    metrics_seconds: float = 10.0  # 0 measures nothing
    probes: tuple[Probe, ...] = ()
    poll_seconds: float = 0.25
    spool_bytes: int = 256 * MEGABYTE
    from_start: bool = False  # read files that exist at the first start from their beginning
    insecure: bool = False  # allow plain http to a server that is not this machine
    drain_seconds: float = 5.0  # how long a stop may take to send what is left

    def __post_init__(self) -> None:
        """Refuse what cannot work."""
        check(self)

    @classmethod
    def load(cls, path: str | os.PathLike[str] | None = None, **overrides: Any) -> AgentConfig:
        """Read `[agent]` of `path`; `overrides` win; SRA_SERVER, SRA_API_KEY and SRA_HOST fill gaps."""
        table: Mapping[str, Any] = read_table(path) if path is not None else {}
        given = {
            **from_environment(),
            **from_table(table),
            **{name: value for name, value in overrides.items() if value is not None},
        }
        _known(given, [f.name for f in fields(cls)], "agent")
        for name in ("files", "probes", "journald"):
            if isinstance(given.get(name), list):
                given[name] = tuple(given[name])
        return cls(**given)

    def with_key(self, key: str) -> AgentConfig:
        """Return the same settings with another key."""
        return replace(self, key=key)


def from_environment() -> dict[str, str]:
    """Return the settings that the environment names."""
    names = {"server": "SRA_SERVER", "key": "SRA_API_KEY", "host": "SRA_HOST"}
    return {name: os.environ[variable] for name, variable in names.items() if os.environ.get(variable)}


def read_table(path: str | os.PathLike[str]) -> Mapping[str, Any]:
    """Return the [agent] table of the file; the server's sections are the server's to check."""
    try:
        document = tomli.loads(Path(path).read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise BadInput(
            f"cannot read {path}: {error.strerror}",
            code="config_unreadable",
            hint="Give the path of an sra.toml that this user may read.",
        ) from error
    except (tomli.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BadInput(
            f"{path} is not valid TOML: {error}", code="config_invalid", hint="Mend the line that is named."
        ) from error
    table = document.get("agent", {})
    if not isinstance(table, dict):
        raise _bad("agent", "must be a table", "Write [agent] on a line of its own.")
    check_sections(document, path, "config_unknown")
    return table


def from_table(table: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings of the table, its probes as Probe."""
    given = dict(table)
    probes = given.pop("probes", [])
    if not isinstance(probes, list) or not all(isinstance(p, dict) for p in probes):
        raise _bad("agent.probes", "must be a list of tables", "Write [[agent.probes]] before each probe.")
    if probes:
        given["probes"] = tuple(_probe(n, p) for n, p in enumerate(probes, start=1))
    return given


def _probe(number: int, table: dict[str, Any]) -> Probe:
    where = f"agent.probes[{number}]"
    _known(table, [f.name for f in fields(Probe)], where)
    for name in ("name", "service"):
        if not isinstance(table.get(name), str) or not table[name]:
            raise _bad(f"{where}.{name}", "is missing", f'Add {name} = "..." to this probe.')
    return Probe(**table)


def _known(given: Mapping[str, Any], names: list[str], where: str) -> None:
    for name in given:
        if name not in names:
            near = nearest(name, names)
            hint = f"Did you mean {near}?" if near else f"The settings are: {', '.join(names)}."
            raise BadInput(f"{where}.{name} is not a setting", code="config_unknown", hint=hint)


def check(config: AgentConfig) -> None:
    """Raise BadInput for the first setting that cannot work."""
    for name in ("server", "key", "host", "state_dir", "executor"):
        if not isinstance(getattr(config, name), str):
            raise _bad(name, "must be text", f'Write {name} = "...".')
    _check_server(config)
    if not config.host or len(config.host) > NAME_CHARACTERS or not config.host.isprintable():
        raise _bad(
            "host", f"must be 1 to {NAME_CHARACTERS} printable characters", "Give this machine a name."
        )
    if not isinstance(config.files, tuple) or not all(isinstance(p, str) and p for p in config.files):
        raise _bad("files", "must be a list of paths", 'Write files = ["/var/log/app.log"].')
    _check_sources(config)
    for name, low, high in (
        ("metrics_seconds", 0.0, 3600.0),
        ("poll_seconds", 0.01, 60.0),
        ("drain_seconds", 0.0, 600.0),
    ):
        _check_number(name, getattr(config, name), low, high)
    _check_number("spool_bytes", config.spool_bytes, MEGABYTE, 1 << 50)
    for name in ("from_start", "insecure"):
        if not isinstance(getattr(config, name), bool):
            raise _bad(name, "must be true or false", f"Write {name} = true.")
    if not config.executor or (config.executor not in ("child", "off") and "/" not in config.executor):
        raise _bad(
            "executor", f"is {config.executor!r}", 'Use "child", "off" or the path of the executor\'s socket.'
        )
    for number, probe in enumerate(config.probes, start=1):
        _check_probe(f"probes[{number}]", probe)


def _check_sources(config: AgentConfig) -> None:
    units = config.journald
    if not isinstance(units, bool) and not (
        isinstance(units, tuple) and units and all(isinstance(u, str) and _UNIT.fullmatch(u) for u in units)
    ):
        raise _bad("journald", "is neither true, false nor a list of units", 'Write ["shop.service"].')
    if not isinstance(config.docker, bool) and not (
        isinstance(config.docker, str) and config.docker.startswith("/")
    ):
        raise _bad("docker", "is neither true, false nor a path", 'Write "/var/run/docker.sock".')
    for name in ("syslog_udp", "syslog_tcp"):
        address = getattr(config, name)
        if not isinstance(address, str) or (address and not _ADDRESS.fullmatch(address)):
            raise _bad(name, f"is {address!r}", 'Give address:port such as "127.0.0.1:5514" or "[::]:5514".')


def _check_server(config: AgentConfig) -> None:
    parts = urlsplit(config.server)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise _bad("server", f"is {config.server!r}", "Give an address such as https://sra.example.com.")
    if parts.scheme == "http" and parts.hostname not in LOOPBACK and not config.insecure:
        raise _bad(
            "server",
            "is plain http to another machine, which would show the key to the network",
            "Use https, or set insecure = true for a network that you trust.",
        )


def _check_probe(where: str, probe: Probe) -> None:
    if not isinstance(probe, Probe):
        raise _bad(where, "is not a probe", "Write [[agent.probes]] with name, service and http or tcp.")
    if (probe.http is None) == (probe.tcp is None):
        raise _bad(
            where, "needs exactly one of http and tcp", 'Write http = "http://..." or tcp = "host:port".'
        )
    _check_number(f"{where}.seconds", probe.seconds, 0.5, 60.0)
    _check_number(f"{where}.timeout", probe.timeout, 0.05, 60.0)
    if probe.http is not None:
        parts = urlsplit(probe.http) if isinstance(probe.http, str) else urlsplit("")
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise _bad(
                f"{where}.http", f"is {probe.http!r}", "Give an address such as http://127.0.0.1:8081/health."
            )
    elif (
        not isinstance(probe.tcp, str)
        or not probe.tcp.rpartition(":")[0]
        or not probe.tcp.rpartition(":")[2].isdigit()
    ):
        raise _bad(f"{where}.tcp", f"is {probe.tcp!r}", "Give host:port such as 127.0.0.1:5432.")


def _check_number(name: str, value: object, low: float, high: float) -> None:
    if (
        isinstance(value, bool)
        or not isinstance(value, (int, float))
        or not (value == 0 == low or low <= value <= high)
    ):
        raise _bad(name, f"is {value!r}", f"Give a number from {low:g} to {high:g}.")


def _bad(name: str, what: str, hint: str) -> BadInput:
    return BadInput(f"{name} {what}", code="config_invalid", hint=hint)
