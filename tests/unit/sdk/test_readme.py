"""The example of sdk/README.md runs as it stands."""
from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from .receiver import Receiver

README = Path(__file__).parents[3] / "sdk" / "README.md"


def test_the_example_runs() -> None:
    found = re.search(r"```python\n(.*?)```", README.read_text("utf-8"), re.S)
    assert found is not None
    with Receiver() as receiver:
        code = found[1].replace("http://localhost:8000", receiver.url)
        assert code != found[1]
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=30,
                              check=False)
        assert done.returncode == 0, done.stderr
        assert "'accepted': 1" in done.stdout
        assert sorted(receiver.messages()) == ["Database connection failed", "Payment failed"]
        points = {p["name"] for p in receiver.stored if "name" in p}
        assert points == {"active_users", "requests_total", "job_ms"}
