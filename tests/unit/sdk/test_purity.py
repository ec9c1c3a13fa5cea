"""What the SDK may need: Python 3.9 and its standard library, nothing more."""
from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import sra_sdk

HOME = Path(sra_sdk.__file__).parent
MODULES = sorted(HOME.rglob("*.py"))


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(HOME)))
def test_the_syntax_is_that_of_python_3_9(path: Path) -> None:
    tree = ast.parse(path.read_text("utf-8"), feature_version=(3, 9))
    used = {node.func.id for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func,
                                                                                                 ast.Name)}
    keywords = {keyword.arg for node in ast.walk(tree) if isinstance(node,
                                                                     ast.Call) for keyword in node.keywords}
    assert not any(isinstance(node, ast.Match) for node in ast.walk(tree))
    assert not used & {"aiter", "anext"}
    if path.parent.name != "models" and not path.name.startswith("api"):
        assert "slots" not in keywords, "dataclasses have no slots in 3.9"
        assert "strict" not in keywords, "zip has no strict in 3.9"


def test_the_five_names_and_the_readers_need_only_the_standard_library() -> None:
    code = """
import sys
before = set(sys.modules)
from sra_sdk import MetricsCollector, SRAClient, SRAHandler, SRALogger, capture_exceptions
import sra_sdk.errors
from sra_sdk.lines import infer, multiline, parse, redact
loaded = {name.partition(".")[0] for name in set(sys.modules) - before}
print(*sorted(loaded - set(sys.stdlib_module_names) - {"sra_sdk"}))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=30,
                          check=True)
    assert done.stdout.strip() == ""


def test_reading_lines_does_not_load_the_sender() -> None:
    code = ("import sys, sra_sdk.lines.parse; "
            "print([name for name in ('http.client', 'logging', 'ssl') if name in sys.modules])")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=30,
                          check=True)
    assert done.stdout.strip() == "[]"
