"""The figures of docs/scale.md are those that bench/scale.py computes from docs/scale-costs.json."""
from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def found() -> dict:
    done = subprocess.run([sys.executable, ROOT / "bench/scale.py", "--costs", ROOT / "docs/scale-costs.json",
                           "--simulate", "--json"], check=True, capture_output=True, text=True, timeout=60)
    return json.loads(done.stdout)


def row(text: str, name: str) -> list[str]:
    line = next(line for line in text.splitlines() if line.startswith(f"| {name}"))
    return [cell.strip() for cell in line.split("|")[2:-1]]


def test_the_table_is_what_the_command_prints(found: dict) -> None:
    text = (ROOT / "docs/scale.md").read_text()
    for name, field in (("records and points", "records_per_second"), ("api servers", "api_servers"),
                        ("batches a second", "batches_per_second"), ("workers", "workers"),
                        ("long polls", "polls_open"), ("USD a month", "usd_month")):
        assert row(text, name) == [f"{need[field]:,.0f}" for need in found["needs"]]
    assert row(text, "api")[0] == f"{found['costs']['api']['seconds_per_million_records']:.1f}"
    assert f"At about {found['one_postgresql_ends_at_hosts']:,} hosts" in text
    assert found["because_of"] == "its disk" and "**its disk**" in text
    for need, cell in zip(found["needs"], row(text, "database "), strict=True):
        assert cell.startswith("one" if need["database_nodes"] == 1 else str(need["database_nodes"]))


def test_what_a_simulated_day_sends_is_stored(found: dict) -> None:
    for day in found["days"]:
        assert day["lost"] == 0
        assert day["stored"] == pytest.approx(day["sent"], rel=1e-3)
        assert 0 < day["drained_minutes"] <= 60
