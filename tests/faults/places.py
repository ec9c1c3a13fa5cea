"""What the source says of crash points: where they are, and which functions write or send without one.

From the syntax of the programs, so that a new place is seen without being run. To test_places.
"""
from __future__ import annotations

import ast
from collections.abc import Iterator

from .site import ROOT

#: Functions of `os` that change what is on the disk.
_OS = frozenset(("rename", "replace", "unlink", "remove", "link", "fsync", "fdatasync", "ftruncate",
                 "truncate", "write", "pwrite", "posix_fallocate"))
#: Methods that do, or that end a transaction, or that send.
_METHODS = frozenset(("unlink", "rename", "write_text", "write_bytes", "truncate", "commit", "begin",
                      "transaction", "request", "post", "send"))
Function = ast.FunctionDef | ast.AsyncFunctionDef


def functions(part: str) -> Iterator[tuple[str, str, Function]]:
    """Give module, name and syntax of every outermost function of a program."""
    for path in sorted((ROOT / part).rglob("*.py")):
        module = str(path.relative_to(ROOT))
        todo: list[tuple[str, ast.AST]] = [("", ast.parse(path.read_text(encoding="utf-8")))]
        while todo:
            prefix, node = todo.pop()
            for child in ast.iter_child_nodes(node):
                if isinstance(child, Function):
                    yield module, prefix + child.name, child
                elif isinstance(child, ast.ClassDef):
                    todo.append((f"{prefix}{child.name}.", child))
                else:
                    todo.append((prefix, child))


def points(function: Function) -> list[str]:
    """Return the names that a function gives to crashpoint()."""
    found = []
    for node in ast.walk(function):
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "crashpoint":
            assert isinstance(node.args[0], ast.Constant), f"{function.name}: the name must be a literal"
            found.append(str(node.args[0].value))
    return found


def of(part: str) -> dict[str, set[str]]:
    """Return the crash points of each module; in a module each stands once."""
    found: dict[str, set[str]] = {}
    for module, _, function in functions(part):
        for name in points(function):
            assert name not in found.setdefault(module, set()), f"{name} stands twice in {module}"
            found[module].add(name)
    return found


def writes(function: Function) -> set[str]:
    """Return what a function does that a kill could come before or after."""
    found = {what for node in ast.walk(function) if isinstance(node, ast.Call) and (what := _call(node))}
    for node in ast.walk(function):
        if isinstance(node, ast.With):
            for item in node.items:
                if isinstance(item.context_expr, ast.Attribute) and item.context_expr.attr == "_db":
                    found.add("with _db")
    return found


def _call(node: ast.Call) -> str | None:
    if isinstance(node.func, ast.Name):
        return "writing" if node.func.id == "writing" else None
    if not isinstance(node.func, ast.Attribute):
        return None
    name, of_os = node.func.attr, isinstance(node.func.value, ast.Name) and node.func.value.id == "os"
    if of_os:
        return f"os.{name}" if name in _OS else None
    if name == "replace":  # a path's has one argument, a text's two, a time's are named
        return name if len(node.args) == 1 and not node.keywords else None
    if name in ("execute", "executescript"):
        said = "".join(str(part.value) for part in ast.walk(node) if isinstance(part, ast.Constant))
        return "COMMIT" if "COMMIT" in said else None
    return name if name in _METHODS else None


def bare(part: str) -> dict[tuple[str, str], set[str]]:
    """Return the functions that write or send and pass no crash point, with what they do."""
    return {(module, name): done for module, name, function in functions(part)
            if not points(function) and (done := writes(function))}
