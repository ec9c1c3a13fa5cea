"""What to do, in the words of the shell: routes that a server's hint names, as commands. From main; pure."""
from __future__ import annotations

import re

_ROUTE = re.compile(r"\b(GET|POST|PUT|PATCH|DELETE) (/[\w/.{}-]*[\w}])")
#: A route, or one up to its last part, and the command that does the same.
COMMANDS: dict[str, str] = {
    "GET /incidents": "sra incidents list",
    "GET /silences": "sra silence list",
    "DELETE /silences/": "sra silence end",
    "GET /lessons": "sra lessons list",
    "GET /remedies": "sra remedies list",
    "GET /remedies/": "sra remedies show",
    "GET /hosts": "sra hosts",
    "GET /api-keys": "sra keys list",
    "POST /api-keys": "sra keys create",
    "DELETE /api-keys/": "sra keys revoke",
    "POST /auth/login": "sra login",
}


def for_shell(hint: str) -> str:
    """Return the hint with commands in place of the routes that have one."""
    return _ROUTE.sub(_command, hint)


def _command(found: re.Match[str]) -> str:
    method, path = found.groups()
    if whole := COMMANDS.get(f"{method} {path}"):
        return f"`{whole}`"
    start, slash, last = path.rpartition("/")
    command = COMMANDS.get(f"{method} {start}{slash}")
    if command is None:
        return found.group()
    return f"`{command} {last.strip('{}').upper() if last.startswith('{') else last}`"
