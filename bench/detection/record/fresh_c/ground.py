"""The ground for failures of a harbour, a parish, a mill and a ferry: hosts, cases, everyday chores. To the families.

Worlds, processes and load come from ../world.py and from the stage of ../outside_a; hosts, applications and cases are others.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "outside_a"), str(HERE.parent)]

from stage import Case, Family, aside, get, hang_up, kill, load, mask, scanner, sh, stop, touch  # noqa: E402
from world import HOME, LOG, World, port_open  # noqa: E402

FAMILIES: dict[str, Family] = {}
CASES: dict[str, Case] = {}
HOSTS = """127.0.0.1 localhost
127.0.1.1 {host}
127.0.1.11 pgmain.harbor.lan
127.0.1.12 pgreport.harbor.lan
127.0.1.13 berths.harbor.lan
127.0.1.14 gate.harbor.lan
127.0.1.21 mdb.parish.lan
127.0.1.22 mdb-ro.parish.lan
127.0.1.23 mc.parish.lan
127.0.1.24 www.parish.lan
127.0.1.31 rmq.mill.lan
127.0.1.32 nats.mill.lan
127.0.1.41 www.ferry.lan
127.0.1.42 fares1.ferry.lan
127.0.1.43 fares2.ferry.lan
127.0.1.44 tokens.ferry.lan
127.0.1.45 redis.ferry.lan
"""
HOST = {"harbor": "quay-3", "parish": "nave-1", "mill": "mill-5", "ferry": "pier-2"}


def family(name: str, sources: dict[str, str]) -> Callable[[Any], Any]:
    def keep(start: Any) -> Any:
        FAMILIES[name] = Family(start=start, sources=sources)
        return start

    return keep


def chore(name: str) -> Callable[[Any], Any]:
    def keep(act: Any) -> Any:
        FAMILIES[name].chores.append(act)
        return act

    return keep


def case(name: str, cls: str, culprit: str, decisive: tuple[str, str], **more: Any) -> Callable[[Any], Any]:
    """Register a case; its docstring is the story, culprits by blanks."""

    def keep(act: Any) -> Any:
        more.setdefault("after", 65)
        CASES["c_" + act.__name__] = Case(
            family=name, act=act, cls=cls, culprit=tuple(culprit.split()), decisive=decisive,
            story=" ".join((act.__doc__ or "").split()), **more,
        )
        return act

    return keep


def prepare(world: World) -> None:
    """Names and applications of this world; programs' libraries where they lie on a host."""
    Path("/etc/hosts").write_text(HOSTS.replace("{host}", world.host))
    os.environ.pop("PYTHONPATH", None)
    shutil.rmtree(HOME / "app", ignore_errors=True)
    shutil.copytree(HERE / "apps", HOME / "app")
    if Path("/opt/fresh/node/node_modules").exists():
        (HOME / "app" / "node_modules").mkdir()
        subprocess.run(["mount", "--bind", "/opt/fresh/node/node_modules", str(HOME / "app" / "node_modules")], check=True)
    for path in (HOME, LOG):
        path.chmod(0o777)


def home(name: str, at: str, user: str, world: World, megabytes: int = 0) -> Path:
    """A folder of a service's data where its package has it, on a disk of its own if `megabytes`."""
    path = Path(at)
    path.mkdir(parents=True, exist_ok=True)
    own = HOME / name
    if megabytes:
        world.disk(own, megabytes)
    own.mkdir(exist_ok=True)
    subprocess.run(["mount", "--bind", str(own), str(path)], check=True)
    shutil.chown(path, user, user)
    path.chmod(0o750)
    return path


def certificate(folder: Path, name: str, seconds: float, alternative: str = "") -> None:
    """A certificate of the house's own authority for a name, which ends after some seconds (or ended, below zero)."""
    import datetime as dt

    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    folder.mkdir(exist_ok=True)
    now = dt.datetime.now(dt.UTC)
    pem, der = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    authority = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "Lan Authority R1")])
    if not (folder / "ca.key").exists():
        key = ec.generate_private_key(ec.SECP256R1())
        root = (
            x509.CertificateBuilder().subject_name(authority).issuer_name(authority).public_key(key.public_key())
            .serial_number(x509.random_serial_number()).not_valid_before(now - dt.timedelta(days=400))
            .not_valid_after(now + dt.timedelta(days=3000)).add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .sign(key, hashes.SHA256())
        )
        (folder / "ca.key").write_bytes(key.private_bytes(pem, der, serialization.NoEncryption()))
        (folder / "ca.pem").write_bytes(root.public_bytes(pem))
    signer = serialization.load_pem_private_key((folder / "ca.key").read_bytes(), None)
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, alternative or name)])
    made = (
        x509.CertificateBuilder().subject_name(subject).issuer_name(authority).public_key(key.public_key())
        .serial_number(x509.random_serial_number()).not_valid_before(now - dt.timedelta(days=90))
        .not_valid_after(now + dt.timedelta(seconds=seconds))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(alternative or name)]), critical=False)
        .sign(signer, hashes.SHA256())  # type: ignore[arg-type]
    )
    (folder / f"{name}.pem").write_bytes(made.public_bytes(pem))
    (folder / f"{name}.key").write_bytes(key.private_bytes(pem, der, serialization.NoEncryption()))
    for each in folder.iterdir():
        each.chmod(0o644)


__all__ = [
    "CASES", "FAMILIES", "HERE", "HOME", "HOST", "LOG", "Any", "Path", "World", "aside", "case", "certificate", "chore", "family",
    "get", "hang_up", "home", "kill", "load", "mask", "port_open", "prepare", "scanner", "sh", "shutil", "stop", "touch",
]
