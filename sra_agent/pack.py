"""Pack the body of a batch as gzip, in a fifth of zlib's time where ISA-L is. From ship; to the wire."""

from __future__ import annotations

import gzip
from importlib import import_module
from typing import Any

GZIP_WINDOW = 31
LEVEL = 1


def _fast() -> Any:
    try:
        return import_module("isal.isal_zlib")
    except ImportError:  # no wheel for this machine
        return None


_isal = _fast()


def packed(body: bytes) -> bytes:
    """Return the body as gzip; the same bytes need not come out each time, the digest is of the body."""
    if _isal is None:
        return gzip.compress(body, LEVEL, mtime=0)
    return bytes(_isal.compress(body, LEVEL, GZIP_WINDOW))
