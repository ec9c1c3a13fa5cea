"""The ports that the tests use are each test's own, while what listens there is dead too."""
from __future__ import annotations

import socket
import subprocess
import sys

from tests import ports
from tests.ports import free_port

ASK = "from tests.ports import _reserve; import sys; print(int(_reserve(int(sys.argv[1]))))"


def asked(port: int) -> str:
    return subprocess.run([sys.executable, "-c", ASK, str(port)], capture_output=True, text=True, check=True,
                          cwd=ports.__file__.rsplit("/", 2)[0]).stdout.strip()


def test_a_port_belongs_to_one_process_although_nobody_listens():
    port = free_port()
    with socket.socket() as ours:
        ours.bind(("127.0.0.1", port))
    assert asked(port) == "0"
    assert free_port() != port


def test_a_port_where_somebody_listens_is_not_given():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        assert asked(taken.getsockname()[1]) == "0"
