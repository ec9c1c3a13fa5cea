"""`sra agent …`: run this host's agent, write and explain its policy. From the shell; to sra_agent."""
from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from . import options, output, quarantine

app = options.group("Run this host's agent; write and explain its policy; see what the server rejected.")
app.add_typer(quarantine.app, name="quarantine")


@app.command()
def run(
    config: Annotated[Path | None, typer.Option(metavar="FILE", help="An sra.toml with [agent].")] = None,
    server: Annotated[str | None, typer.Option(metavar="URL", help="Ship to; else SRA_SERVER.")] = None,
    key: Annotated[str | None, typer.Option(
        metavar="KEY", help="An API key with scope ingest; better in SRA_API_KEY.")] = None,
    file: Annotated[list[str] | None, typer.Option(
        metavar="PATH", help="A log file or glob, or service=PATH; may be repeated.")] = None,
    state_dir: Annotated[Path | None, typer.Option(metavar="DIR", help="Spool and positions.")] = None,
    host: Annotated[str | None, typer.Option(metavar="NAME", help="The name of this host.")] = None,
    from_start: Annotated[bool, typer.Option(
        "--from-start", help="Read files from their beginning when they are first seen.")] = False,
) -> None:
    """Follow logs, measure, ship, and carry approved remedies to the executor.

    \b
    Examples:
      SRA_API_KEY=sra_… sra agent run --server http://127.0.0.1:8000 --file /var/log/syslog
      sra agent run --config /etc/sra/sra.toml
      sra agent run --file shop=/srv/shop/shop.log --file '/var/log/nginx/*.log' --from-start
    """
    from sra_agent.config import AgentConfig

    from .daemon import become
    given = {"server": server, "key": key, "files": tuple(file) if file else None, "host": host,
             "state_dir": str(state_dir) if state_dir else None, "from_start": from_start or None}
    AgentConfig.load(config, **given)  # what is wrong with it is said here, as by every command
    become(str(config) if config else None, given)


policy = options.group("What may be done on this host: write a first policy, check it, explain it.")
app.add_typer(policy, name="policy")
PolicyPath = Annotated[Path | None, typer.Option(
    "--policy", metavar="FILE", help="Default /etc/sra/policy.toml; for other users than root their own.")]


def policy_path(given: Path | None = None) -> str:
    """The policy of this host: the one named, the system's, or that of a user who is not root."""
    from sra_agent.heal.policy_file import DEFAULT_PATH

    from . import credentials
    if given is not None:
        return str(given.absolute())
    if os.geteuid() == 0 or os.path.exists(DEFAULT_PATH):
        return DEFAULT_PATH
    return str(credentials.folder() / "policy.toml")


def policy_findings(given: Path | None = None) -> list[tuple[str, str]]:
    """What is wrong with the policy, as (error or warning, where and what)."""
    from sra_agent.heal.advise import check_policy
    return [(finding.severity, str(finding)) for finding in check_policy(policy_path(given))]


@policy.command()
def init(
    path: PolicyPath = None,
    unit: Annotated[list[str] | None, typer.Option(
        metavar="UNIT", help="A systemd unit to prepare a table for; may be repeated.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace a policy that exists.")] = False,
) -> None:
    """Write a first policy: dry-run, and everything commented out.

    \b
    Examples:
      sra agent policy init
      sra agent policy init --unit nginx.service --unit postgresql.service
    """
    from sra_agent.heal.advise import policy_template, write_policy
    where = policy_path(path)
    write_policy(where, policy_template(unit or (), where), force=force)
    output.show(f"Wrote {where}. It allows nothing yet: uncomment a table in it, then run "
                "`sra agent policy check`.")


@policy.command()
def check(path: PolicyPath = None, json: options.Json = False) -> None:
    """Say what is wrong with the policy, and what would make it better.

    \b
    Examples:
      sra agent policy check
      sra agent policy check --policy ./policy.toml --json
    """
    where, found = policy_path(path), policy_findings(path)
    if json:
        output.emit({"policy": where, "findings": [
            {"severity": severity, "text": text} for severity, text in found]})
    for severity, text in [] if json else found:
        output.show(f"{output.colour(severity)}: {output.plain(text)}")
    if not found and not json:
        output.show(f"{where} is in order")
    if any(severity == "error" for severity, _ in found):
        raise typer.Exit(2)  # what was given is wrong; the command itself did not fail


@policy.command()
def explain(
    path: PolicyPath = None,
    service: Annotated[list[str] | None, typer.Option(help="Ask about this service too.")] = None,
    json: options.Json = False,
) -> None:
    """Say for each action what would be done, and why not.

    \b
    Examples:
      sra agent policy explain
      sra agent policy explain --service checkout
    """
    from dataclasses import asdict

    from sra_agent.heal.advise import explain_policy
    where = policy_path(path)
    lines = explain_policy(where, service or ())
    if json:
        return output.emit({"policy": where, "lines": [asdict(line) for line in lines]})
    output.show(where)
    for line in lines:
        output.show(f"  {output.plain(line.text)}")
