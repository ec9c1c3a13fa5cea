"""The demo's little service: real processes that fail and come back as a real one would."""
from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from http.client import HTTPException
from pathlib import Path

import pytest

from sra_cli import demo_shop
from sra_cli.demo_world import free_ports


@pytest.fixture
def ports(tmp_path: Path) -> Iterator[tuple[int, int]]:
    yield tuple(free_ports(2))  # type: ignore[misc]
    demo_shop.end(str(tmp_path / "inventory.pid"))


def start(port: int, folder: Path) -> subprocess.CompletedProcess[str]:
    """As the host's policy does: by path, with nothing in the environment."""
    return subprocess.run(
        [sys.executable, demo_shop.__file__, "start", "--port", str(port), "--pidfile",
         str(folder / "inventory.pid"), "--log", str(folder / "inventory.log")],
        capture_output=True, text=True, env={}, cwd="/", timeout=20)


def test_the_shop_logs_real_errors_until_the_inventory_is_started_again(
        ports: tuple[int, int], tmp_path: Path) -> None:
    inventory, shop = ports
    pidfile, log = tmp_path / "inventory.pid", tmp_path / "shop.log"
    assert start(inventory, tmp_path).returncode == 0
    first = int(pidfile.read_text())
    with subprocess.Popen([sys.executable, "-m", "sra_cli.demo_shop", "shop", "--port", str(shop),
                           "--inventory", f"127.0.0.1:{inventory}", "--log", str(log)]) as process:
        try:
            assert order(shop)[0] == 200
            os.kill(first, signal.SIGKILL)
            assert gone(first) and order(shop)[0] == 502
            assert start(inventory, tmp_path).returncode == 0
            assert int(pidfile.read_text()) != first and order(shop)[0] == 200
        finally:
            process.terminate()
    assert process.returncode == 0
    assert "ERROR shop: order 2 failed: cannot reach inventory" in log.read_text()
    assert demo_shop.ask(f"127.0.0.1:{inventory}", "/health")[1]["pid"] == int(pidfile.read_text())


def order(port: int) -> tuple[int, object]:
    end = time.monotonic() + 10
    while True:
        try:
            return demo_shop.ask(f"127.0.0.1:{port}", "/order/tea")
        except (OSError, HTTPException):
            if time.monotonic() > end:
                raise
            time.sleep(0.05)


def gone(pid: int) -> bool:
    end = time.monotonic() + 5
    while time.monotonic() < end:
        try:
            if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] in "ZX":
                return True
        except OSError:
            return True
        time.sleep(0.02)
    return False


def test_starting_a_running_inventory_replaces_it(ports: tuple[int, int], tmp_path: Path) -> None:
    assert start(ports[0], tmp_path).returncode == 0
    first = int((tmp_path / "inventory.pid").read_text())
    assert start(ports[0], tmp_path).returncode == 0
    assert int((tmp_path / "inventory.pid").read_text()) != first and gone(first)


def test_a_number_that_belongs_to_another_process_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "inventory.pid").write_text(f"{os.getpid()}\n")
    assert demo_shop.running(str(tmp_path / "inventory.pid")) is None
    demo_shop.end(str(tmp_path / "inventory.pid"))


def test_a_port_in_use_is_a_failed_start(ports: tuple[int, int], tmp_path: Path) -> None:
    import socket
    with socket.create_server(("127.0.0.1", ports[0])):
        done = start(ports[0], tmp_path)
    assert done.returncode == 1 and done.stderr
