"""Which server, and as whom: the session that `sra login` keeps. From the commands; to sra_sdk.api.

A token belongs to the server that gave it and is never sent to another. The environment comes first:
SRA_SERVER, SRA_TOKEN, SRA_API_KEY. SRA_INSECURE=1 allows plain http to another machine.
"""
from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from sra_sdk.errors import BadInput, NotSignedIn

from . import credentials

if TYPE_CHECKING:
    from sra_sdk.api import Client

DEFAULT = "http://127.0.0.1:8000"
LOOPBACK = ("localhost", "127.0.0.1", "::1")


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """A server and what signs in to it. `source` says where that was found."""

    server: str
    token: str | None = None
    api_key: str | None = None
    email: str | None = None
    source: str = "none"


def _file() -> Any:
    return credentials.folder() / "session.json"


def find(server: str | None = None) -> Session:
    """The session for the named server, or for the present one; its credentials may be missing."""
    kept = credentials.load(_file())
    url = (server or os.environ.get("SRA_SERVER") or kept.get("server") or DEFAULT).rstrip("/")
    if token := os.environ.get("SRA_TOKEN"):
        return Session(server=url, token=token, source="SRA_TOKEN")
    if key := os.environ.get("SRA_API_KEY"):
        return Session(server=url, api_key=key, source="SRA_API_KEY")
    entry = kept.get("sessions", {}).get(url)
    if not entry:
        return Session(server=url)
    token = entry.get("token") or (credentials.recall(url) if entry.get("where") == "keyring" else None)
    return Session(server=url, token=token, email=entry.get("email"), source=entry.get("where", "file"))


def refuse_in_the_open(url: str) -> None:
    """Refuse to show a key or password to the network: plain http only to this machine, or on request."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise BadInput(f"server: {url!r} is not a URL",
                       hint="write it as https://sra.example.com or http://127.0.0.1:8000")
    if parts.scheme == "http" and parts.hostname not in LOOPBACK and os.environ.get("SRA_INSECURE") != "1":
        raise BadInput(f"server: {url} is plain http to another machine, which would show your key or "
                       "password to the network",
                       hint="use https, or set SRA_INSECURE=1 for a network that you trust")


def connect(server: str | None = None, *, signed_in: bool = True) -> Client:
    """A client for the session; without credentials only where `signed_in` is not asked for."""
    from sra_sdk.api import Client
    session = find(server)
    refuse_in_the_open(session.server)
    if signed_in and not (session.token or session.api_key):
        raise NotSignedIn(f"not signed in to {session.server}",
                          hint="run `sra login`, `sra register` or `sra up`, or set SRA_TOKEN or SRA_API_KEY")
    return Client(session.server, token=session.token, api_key=session.api_key)


def remember(server: str, email: str, token: str, *, insecure: bool = False, current: bool = True) -> str:
    """Keep a session; gives `keyring` or the path of the file that now holds the token."""
    path, url = _file(), server.rstrip("/")
    in_keyring = not insecure and credentials.keep(url, token)
    kept = credentials.load(path)
    entry = {"email": email, "where": "keyring" if in_keyring else "file"}
    if not in_keyring:
        entry["token"] = token
    kept.setdefault("sessions", {})[url] = entry
    if current or not kept.get("server"):
        kept["server"] = url
    credentials.save(path, kept)
    return "keyring" if in_keyring else str(path)


def drop(server: str) -> bool:
    """Forget a session; False when there was none."""
    path, url = _file(), server.rstrip("/")
    kept = credentials.load(path)
    entry = kept.get("sessions", {}).pop(url, None)
    if entry is None:
        return False
    if entry.get("where") == "keyring":
        credentials.forget(url)
    if kept.get("server") == url:
        kept.pop("server")
    credentials.save(path, kept)
    return True
