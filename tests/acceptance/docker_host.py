"""A private dockerd that can be killed and started again, and its containers. From the docker tests."""

from __future__ import annotations

import io
import shutil
import socket
import subprocess
import tarfile
import tempfile
from pathlib import Path

import docker

from tests.acceptance.executor_host import eventually

IMAGE = "busybox-sra:1"


class Daemon:
    """dockerd with its own folders and socket, away from every other of this machine."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="sra-dockerd-"))
        self.socket = self.folder / "d.sock"
        self._process: subprocess.Popen[bytes] | None = None
        self.start()
        self.client = docker.DockerClient(base_url=f"unix://{self.socket}")
        packed = io.BytesIO()
        with tarfile.open(fileobj=packed, mode="w") as archive:
            archive.add(Path("/bin/busybox").resolve(), "bin/busybox")
        self.client.api.import_image_from_data(packed.getvalue(), repository="busybox-sra", tag="1")

    def start(self) -> None:
        with open(self.folder / "log", "ab") as log:
            self._process = subprocess.Popen(
                [
                    "dockerd",
                    "--iptables=false",
                    "--bridge=none",
                    "--storage-driver=vfs",
                    "--data-root",
                    self.folder / "data",
                    "--exec-root",
                    self.folder / "exec",
                    "-p",
                    self.folder / "pid",
                    "-H",
                    f"unix://{self.socket}",
                ],
                stdout=log,
                stderr=log,
            )
        assert eventually(self._answers, 60), (self.folder / "log").read_text()[-2000:]

    def stop(self) -> None:
        assert self._process is not None
        self._process.terminate()
        self._process.wait(60)

    def _answers(self) -> bool:
        # by hand: the SDK leaves a socket open when it cannot connect
        try:
            with socket.socket(socket.AF_UNIX) as probe:
                probe.settimeout(5)
                probe.connect(str(self.socket))
                probe.sendall(b"GET /_ping HTTP/1.0\r\n\r\n")
                return b" 200 " in probe.recv(100)
        except OSError:
            return False

    def run(self, name: str, script: str, **more: object) -> docker.models.containers.Container:
        container = self.client.containers.create(
            IMAGE, ["/bin/busybox", "sh", "-c", script], name=name, network_mode="none", **more
        )
        container.start()
        return container

    def close(self) -> None:
        try:
            for container in self.client.containers.list(all=True):
                container.remove(force=True)
            self.client.close()
        finally:
            self.stop()
            shutil.rmtree(self.folder, ignore_errors=True)
