"""`sra server retention`: says what would go beside a running server, and deletes it without one."""
from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from sra_server.store import Store, accounts, batches
from sra_server.store.batches import NewRecord

DAY = 86_400_000_000


def sra(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "sra_cli", "server", "retention", *arguments],
                          capture_output=True, text=True, timeout=60)


async def test_dry_run_looks_and_the_other_deletes(tmp_path: Path) -> None:
    folder = ("--data-dir", str(tmp_path))
    store = await Store.open(f"sqlite:///{tmp_path}/sra.db")
    async with store.writing() as conn:
        await accounts.ensure_account(conn, "a", name="a", at=1)
    await batches.append(store, "a", received_at=20_000 * DAY,
                         records=[NewRecord(at=1, level=20, message="old")] * 3)
    looked = sra("--dry-run", "--json", *folder)
    assert looked.returncode == 0, looked.stderr
    assert json.loads(looked.stdout)["records_to_go"] == 3
    refused = sra(*folder)
    assert refused.returncode != 0 and "another SRA server" in refused.stderr
    await store.close()
    done = sra(*folder)
    assert done.returncode == 0 and "records deleted        3" in done.stdout, done.stdout + done.stderr
    assert json.loads(sra("--dry-run", "--json", *folder).stdout)["records_to_go"] == 0


async def test_dry_run_says_that_the_size_takes_more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SRA_RETENTION_BYTES", "100000")
    store = await Store.open(f"sqlite:///{tmp_path}/sra.db")
    await store.close()
    said = sra("--dry-run", "--data-dir", str(tmp_path))
    assert "bytes over limit" in said.stdout and "oldest days go, too" in said.stdout, said.stderr
    assert json.loads(sra("--dry-run", "--json", "--data-dir", str(tmp_path)).stdout)["bytes_over_limit"] > 0


def test_no_database_is_said(tmp_path: Path) -> None:
    done = sra("--dry-run", "--data-dir", str(tmp_path / "none"))
    assert done.returncode == 2 and "no database" in done.stderr
