"""A PostgreSQL of our own for tests and benchmarks. From conftest and the tests with many processes."""
from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.ports import free_port
from tests.services import postgresql_bin

#: For tests that kill no database: nothing need survive a power cut.
QUICK = ("fsync=off", "autovacuum=off", "shared_buffers=32MB")


@contextmanager
def cluster(*settings: str, data: Path | None = None) -> Iterator[str]:
    """Run one on a free port, as user postgres where we are root; give its URL without a name.

    With `data`, an empty folder, its tables are there, and its log of changes is not.
    """
    folder = Path(tempfile.mkdtemp(prefix="sra-pg-"))
    user = "postgres" if os.geteuid() == 0 else pwd.getpwuid(os.geteuid()).pw_name
    as_user = {"user": user, "extra_groups": [], "cwd": folder} if os.geteuid() == 0 else {"cwd": folder}
    if os.geteuid() == 0:
        for each in (folder, *([data] if data else [])):
            shutil.chown(each, user)
    folder.chmod(0o700)
    programs = postgresql_bin()
    assert programs is not None
    port = free_port()
    apart = ["--waldir", folder / "wal"] if data else []
    data = data or folder / "data"
    subprocess.run([programs / "initdb", "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8",
                    "--no-sync", *apart], check=True, capture_output=True, timeout=60, **as_user)
    options = f"-p {port} -h 127.0.0.1 -k {folder}" + "".join(f" -c {one}" for one in settings or QUICK)
    # no pipes: the server would inherit and hold them
    subprocess.run([programs / "pg_ctl", "-D", data, "-o", options, "-l", folder / "log", "-w",
                    "start"], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=60,
                   **as_user)
    try:
        yield f"postgresql://postgres@127.0.0.1:{port}"
    finally:
        subprocess.run([programs / "pg_ctl", "-D", data, "-m", "immediate", "stop"], check=True,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=60, **as_user)
        shutil.rmtree(folder)
