"""Where a session's token is kept: the system's keyring, else a file that only its owner reads.

From session; to the keyring or the config folder. Keyrings that store plain text are never used.
"""
from __future__ import annotations

import json
import os
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from sra_sdk.errors import SraError

T = TypeVar("T")
SERVICE = "sra"
#: A keyring may wait for a person to unlock it who is not there.
KEYRING_SECONDS = 5.0
_UNSAFE = ("keyrings.alt", "keyring.backends.fail", "keyring.backends.null", "keyring.backends.chainer")


def folder() -> Path:
    """The folder of the CLI's own settings."""
    import platformdirs
    return Path(platformdirs.user_config_dir("sra"))


def load(path: Path) -> dict[str, Any]:
    """The settings file; absent is empty, damaged says which file to remove."""
    try:
        content = json.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise SraError(f"cannot read {path}: {error}", hint="remove it and sign in again") from error
    return content if isinstance(content, dict) else {}


def save(path: Path, content: dict[str, Any]) -> None:
    """Replace the file in one step, never readable by others, not even for a moment."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=".new-")  # mkstemp makes it 0600
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                json.dump(content, file, indent=2)
            os.replace(name, path)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise SraError(f"cannot write {path}: {error}",
                       hint="make the folder writable, or set SRA_TOKEN instead") from error


def _timed(call: Callable[[], T]) -> T | None:
    """Call a keyring; None when it fails or does not answer in time."""
    answer: list[T] = []

    def work() -> None:
        try:
            answer.append(call())
        except Exception:  # noqa: BLE001 - a keyring may raise anything; the file is always there
            return
    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    thread.join(KEYRING_SECONDS)
    return answer[0] if answer else None


def _backend() -> Any:
    """The first keyring that keeps secrets secret, or None."""
    from keyring import get_keyring
    chosen: Any = get_keyring()
    for backend in (*getattr(chosen, "backends", ()), chosen):
        if not type(backend).__module__.startswith(_UNSAFE):
            return backend
    return None


def keep(name: str, secret: str) -> bool:
    """Put a secret into the keyring; False when there is none to trust."""
    def work() -> bool:
        backend = _backend()
        if backend is None:
            return False
        backend.set_password(SERVICE, name, secret)
        return bool(backend.get_password(SERVICE, name) == secret)
    return bool(_timed(work))


def recall(name: str) -> str | None:
    """The secret of that name, or None."""
    def work() -> str | None:
        backend = _backend()
        found = backend.get_password(SERVICE, name) if backend else None
        return str(found) if found is not None else None
    return _timed(work)


def forget(name: str) -> None:
    """Remove a secret, if it is there."""
    def work() -> None:
        backend = _backend()
        if backend is not None:
            backend.delete_password(SERVICE, name)
    _timed(work)
