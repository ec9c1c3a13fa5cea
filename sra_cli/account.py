"""`sra register login logout whoami`: who uses this command line. From the shell; to /auth and session."""
from __future__ import annotations

import sys
from typing import Annotated

import typer

from sra_sdk.errors import BadInput, ServerAnswered

from . import options, output, session

Email = Annotated[str | None, typer.Argument(metavar="[EMAIL]", help="Your address; asked for if absent.")]
FromStdin = Annotated[bool, typer.Option("--password-stdin", help="Read the password from standard input.")]
Insecure = Annotated[bool, typer.Option(
    "--insecure-storage", help="Keep the token in a file that only you can read, not in the keyring.")]


def _ask(email: str | None, from_stdin: bool, *, confirm: bool) -> tuple[str, str]:
    """E-mail and password, never from the command line, where other users could read it."""
    if from_stdin:
        if email is None:
            raise BadInput("email: missing", hint="name it before --password-stdin")
        password = sys.stdin.readline().rstrip("\r\n")
        if not password:
            raise BadInput("password: standard input was empty", hint="pipe it in, one line")
        return email, password
    if not sys.stdin.isatty():
        raise BadInput("password: there is no terminal to ask on",
                       hint="use --password-stdin, or set SRA_TOKEN")
    email = email or str(typer.prompt("E-mail"))
    return email, str(typer.prompt("Password", hide_input=True, confirmation_prompt=confirm))


def _keep(server: str, email: str, token: str, insecure: bool) -> None:
    where = session.remember(server, email, token, insecure=insecure)
    output.show(f"Signed in to {server} as {output.plain(email)}.")
    if where != "keyring":
        output.tell(f"notice: the token is in {where} (readable by you alone), not in a keyring")


def register(email: Email = None, name: Annotated[str | None, typer.Option(help="Your name.")] = None,
             password_stdin: FromStdin = False, server: options.Server = None,
             insecure_storage: Insecure = False) -> None:
    """Create an account and sign in.

    \b
    Examples:
      sra register you@example.com
      sra register you@example.com --server https://sra.example.com
      pass show sra | sra register you@example.com --password-stdin
    """
    who, password = _ask(email, password_stdin, confirm=True)
    with session.connect(server, signed_in=False) as client:
        made = client.register(who, password, name)
        _keep(client.url, made.user.email, made.access_token, insecure_storage)


def login(email: Email = None, password_stdin: FromStdin = False, server: options.Server = None,
          insecure_storage: Insecure = False) -> None:
    """Sign in; the session is kept for the commands that follow.

    \b
    Examples:
      sra login you@example.com
      sra login you@example.com --server https://sra.example.com
      pass show sra | sra login you@example.com --password-stdin --insecure-storage
    """
    who, password = _ask(email, password_stdin, confirm=False)
    with session.connect(server, signed_in=False) as client:
        made = client.login(who, password)
        _keep(client.url, made.user.email, made.access_token, insecure_storage)


def logout(server: options.Server = None) -> None:
    """Sign out: the server ends the session, and this machine forgets it.

    \b
    Example:
      sra logout
    """
    found = session.find(server)
    if found.token:
        with session.connect(server) as client:
            try:
                client.logout()
            except ServerAnswered as error:
                if error.status != 401:  # an ended session is what was wanted
                    raise
    session.drop(found.server)
    output.show(f"Signed out of {found.server}.")
    if found.source in ("SRA_TOKEN", "SRA_API_KEY"):
        output.tell(f"notice: {found.source} is still set in the environment")


def whoami(server: options.Server = None, json: options.Json = False) -> None:
    """Say who is signed in, and where.

    \b
    Examples:
      sra whoami
      sra whoami --json
    """
    found = session.find(server)
    with session.connect(server) as client:
        if found.api_key:
            status = client.status()
            data = {"server": client.url, "credential": "API key", "status": status.status}
            return output.emit(data) if json else output.show(f"An API key (SRA_API_KEY) at {client.url}.")
        user = client.me()
    if json:
        return output.emit({**user.model_dump(mode="json"), "server": found.server, "source": found.source})
    named = f" ({output.plain(user.name)})" if user.name else ""
    output.show(f"{output.plain(user.email)}{named} at {found.server}")
    output.show(f"  account {user.account_id}, may {', '.join(user.scopes)}; credential from {found.source}")
