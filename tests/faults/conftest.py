"""The shim that is preloaded into programs under test, compiled once. To power_cut, disks and clock."""
from __future__ import annotations

from pathlib import Path

import pytest

from . import powercut


@pytest.fixture(scope="session")
def shim(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return powercut.build(tmp_path_factory.mktemp("shim"))
