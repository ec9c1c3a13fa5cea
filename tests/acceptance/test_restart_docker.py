"""A really dead container of a real dockerd: planned, restarted and verified by the executor."""

from __future__ import annotations

import io
import shutil
import socket
import subprocess
import tarfile
import tempfile
from collections.abc import Iterator
from pathlib import Path

import docker
import pytest

from tests.acceptance.executor_host import LIMITS, Executor, Host, eventually
from tests.ports import free_port
from tests.services import needs

pytestmark = [needs("dockerd"), pytest.mark.xdist_group("dockerd")]


@pytest.fixture(scope="module")
def dockerd() -> Iterator[str]:
    """A private dockerd, away from every other of this machine."""
    folder = Path(tempfile.mkdtemp(prefix="sra-dockerd-"))
    path = folder / "d.sock"
    with open(folder / "log", "wb") as log:
        process = subprocess.Popen(
            [
                "dockerd",
                "--iptables=false",
                "--bridge=none",
                "--storage-driver=vfs",
                "--data-root",
                folder / "data",
                "--exec-root",
                folder / "exec",
                "-p",
                folder / "pid",
                "-H",
                f"unix://{path}",
            ],
            stdout=log,
            stderr=log,
        )
    try:
        assert eventually(lambda: process.poll() is None and _answers(path), 60), (
            folder / "log"
        ).read_text()[-2000:]
        yield str(path)
    finally:
        process.terminate()
        process.wait(60)
        shutil.rmtree(folder, ignore_errors=True)


def _answers(path: Path) -> bool:
    # by hand: the SDK leaves a socket open when it cannot connect
    try:
        with socket.socket(socket.AF_UNIX) as probe:
            probe.settimeout(5)
            probe.connect(str(path))
            probe.sendall(b"GET /_ping HTTP/1.0\r\n\r\n")
            return b" 200 " in probe.recv(100)
    except OSError:
        return False


@pytest.fixture
def client(dockerd: str) -> Iterator[docker.DockerClient]:
    client = docker.DockerClient(base_url=f"unix://{dockerd}")
    if not client.images.list("busybox-sra"):
        packed = io.BytesIO()
        with tarfile.open(fileobj=packed, mode="w") as archive:
            archive.add(Path("/bin/busybox").resolve(), "bin/busybox")
        client.api.import_image_from_data(packed.getvalue(), repository="busybox-sra", tag="1")
    yield client
    for container in client.containers.list(all=True):
        container.remove(force=True)
    client.close()


@pytest.fixture
def host(tmp_path: Path, dockerd: str) -> Iterator[Host]:
    made = Host(tmp_path, free_port())
    made.policy.write_text(
        f'mode = "live"\n{LIMITS.replace("1500ms", "10s")}'
        '[[allow]]\naction = "restart_service"\nservice = "web"\n'
        f'platform = "docker"\ncontainer = "shop-web"\nsocket = "{dockerd}"\n'
    )
    made.policy.chmod(0o600)
    yield made
    made.close()


def run(client: docker.DockerClient, name: str, *, lives: int = 600) -> docker.models.containers.Container:
    container = client.containers.create(
        "busybox-sra:1", ["/bin/busybox", "sleep", str(lives)], name=name, network_mode="none"
    )
    container.start()
    return container


def test_a_killed_container_is_restarted(host: Host, client: docker.DockerClient):
    container = run(client, "shop-web")
    container.kill("KILL")
    container.wait(timeout=20)
    executor: Executor = host.start()
    plan = executor.ask("plan", task=host.task())["ok"]
    assert plan["platform"] == "docker" and plan["binding"]["resolved"]["container_id"] == container.id
    assert plan["estimates"]["state"] == "exited" and plan["checks"] == ["container shop-web runs"]
    assert container.id in plan["steps"][0]["argv"]
    host.approve(executor)
    body = executor.event("outcome")["body"]
    assert (body["status"], body["checks_recovered"], body["unchanged"]) == ("succeeded", True, True), body
    container.reload()
    assert container.status == "running"


def test_a_container_that_dies_at_once_has_not_recovered(host: Host, client: docker.DockerClient):
    container = run(client, "shop-web", lives=0)
    container.wait(timeout=20)
    host.policy.write_text(host.policy.read_text().replace('settle = "10s"', 'settle = "1s"'))
    executor = host.start()
    host.approve(executor)
    body = executor.event("outcome")["body"]
    assert (body["status"], body["checks_recovered"]) == ("failed", False), body


def test_a_container_made_anew_is_another_target(host: Host, client: docker.DockerClient):
    run(client, "shop-web")
    executor = host.start()
    digest = executor.ask("plan", task=host.task())["ok"]["digest"]
    client.containers.get("shop-web").remove(force=True)
    run(client, "shop-web")
    executor.ask("execute", task=host.task(kind="execute", digest=digest))
    refused = executor.event("refused")["body"]
    assert refused["code"] == "plan_changed" and "resolved" in refused["reason"]


def test_only_the_exact_name_is_a_target(host: Host, client: docker.DockerClient):
    container = run(client, "another")
    executor = host.start()
    error = executor.ask("plan", task=host.task())["error"]
    assert error["code"] == "precondition_failed" and "there is no container shop-web" in error["message"]
    # the beginning of an id is taken by dockerd, and must not be by us
    host.policy.write_text(host.policy.read_text().replace("shop-web", container.id[:12]))
    error = executor.ask("plan", task=host.task())["error"]
    assert error["code"] == "precondition_failed" and "no container named" in error["message"]
