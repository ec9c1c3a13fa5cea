"""A real `sra serve` process for acceptance tests: started, asked for its address, stopped."""
from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Served:
    """A server at work: its address, its database file, its process."""

    url: str
    file: Path
    process: subprocess.Popen[str]

    def count(self, table: str) -> int:
        """Return how many rows a table has."""
        with closing(sqlite3.connect(f"file:{self.file}?mode=ro", uri=True)) as conn:
            return int(conn.execute(f"SELECT count(*) FROM {table}").fetchone()[0])


@contextmanager
def served(folder: Path, *, port: int = 0, environment: dict[str, str] | None = None) -> Iterator[Served]:
    """Run `sra serve` with its data in `folder` while the block runs; it must stop cleanly on SIGTERM."""
    with (folder / "stderr").open("w") as errors:
        process = subprocess.Popen(
            [sys.executable, "-m", "sra_cli", "serve", "--port", str(port), "--data-dir", folder / "data"],
            cwd=folder, env={**os.environ, **(environment or {})}, text=True, stdout=subprocess.PIPE,
            stderr=errors)
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line.startswith("SRA listens on http://"), (folder / "stderr").read_text()
        yield Served(line.split()[-1], folder / "data" / "sra.db", process)
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
            assert process.wait(timeout=15) == 0, (folder / "stderr").read_text()
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
        if process.stdout is not None:
            process.stdout.close()
