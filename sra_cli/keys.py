"""`sra keys …`: the API keys of programs. From the shell; to /api-keys."""
from __future__ import annotations

from typing import Annotated, cast

import typer

from sra_sdk.errors import BadInput

from . import options, output, session

app = options.group("API keys of programs: create, list, revoke, delete. At most three are active.")
Prefix = Annotated[str, typer.Argument(help="The beginning of the key, as `sra keys list` shows it.")]
SCOPES = ("ingest", "read", "operate", "admin")


@app.command()
def create(
    name: Annotated[str, typer.Argument(help="What the key is for.")],
    scope: Annotated[list[str] | None, typer.Option(
        help=f"What it may do: {', '.join(SCOPES)}; may be repeated. Default: the server's.")] = None,
    server: options.Server = None, json: options.Json = False,
) -> None:
    """Create a key. It is shown once and cannot be shown again.

    \b
    Examples:
      sra keys create my-production-app
      sra keys create web-1-agent --scope ingest
      export SRA_API_KEY=$(sra keys create ci --scope read --json | jq -r .key)
    """
    if wrong := [given for given in scope or () if given not in SCOPES]:
        raise BadInput(f"scope: {wrong[0]!r} is unknown", hint=f"use {', '.join(SCOPES)}")
    from sra_sdk.models import Scope
    with session.connect(server) as client:
        made = client.create_key(name, cast("list[Scope] | None", scope))
    if json:
        return output.emit(made)
    output.show(made.key)
    output.tell(f"notice: this is the only time that the key is shown; it may {', '.join(made.scopes)}")


@app.command("list")
def list_(server: options.Server = None, json: options.Json = False) -> None:
    """List the keys.

    \b
    Examples:
      sra keys list
      sra keys list --json
    """
    with session.connect(server) as client:
        found = client.keys()
    if json:
        return output.emit(found)
    output.table(
        ("PREFIX", "STATE", "SCOPES", "CREATED", "LAST USED", "NAME"),
        [(key.prefix, "active" if key.is_active else "revoked", ",".join(key.scopes),
          output.age(key.created_at), output.age(key.last_used) if key.last_used else "never", key.name)
         for key in found],
        empty="no keys; make one with `sra keys create NAME`")


@app.command()
def revoke(prefix: Prefix, server: options.Server = None, json: options.Json = False) -> None:
    """Make a key useless at once; it stays in the list.

    \b
    Example:
      sra keys revoke sra_a1b2c3
    """
    with session.connect(server) as client:
        done = client.revoke_key(prefix)
    if json:
        return output.emit(done)
    output.show(f"Revoked {output.plain(done.name)} ({done.prefix}).")


@app.command()
def delete(prefix: Prefix, yes: options.Yes = False, server: options.Server = None,
           json: options.Json = False) -> None:
    """Remove a key for good.

    \b
    Examples:
      sra keys delete sra_a1b2c3
      sra keys delete sra_a1b2c3 --yes
    """
    options.confirm(f"Delete the key {prefix}?", yes)
    with session.connect(server) as client:
        done = client.delete_key(prefix)
    if json:
        return output.emit(done)
    output.show(f"Deleted {output.plain(done.name)} ({done.prefix}).")
