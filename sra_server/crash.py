"""Named places at which a test may have the process die as if the power went. From tests; to nobody else.

`SRA_CRASH_AT=ingest.commit` kills at that place, `SRA_CRASH_AT=ingest.commit:3` at the third passing.
A place that tests/faults does not kill at fails its test.
"""
from __future__ import annotations

import os
import signal

_name, _, _count = os.environ.get("SRA_CRASH_AT", "").partition(":")
_left = int(_count) if _count.isdigit() else 1


def crashpoint(name: str) -> None:
    """Die here, with nothing flushed and nobody told, if this is the place that was named."""
    global _left
    if name == _name:
        _left -= 1
        if _left <= 0:
            os.kill(os.getpid(), signal.SIGKILL)
