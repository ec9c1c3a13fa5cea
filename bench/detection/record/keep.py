"""Store what a world recorded: logs as written, points as JSON lines, and case.toml. From world; to the corpus."""

from __future__ import annotations

import gzip
import json
import re
import shutil
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from arrivals import Arrivals, save

if TYPE_CHECKING:
    from world import World

_ROOT = Path(__file__).resolve().parents[3]
LOG = Path("/srv/shop/log")
_KERNEL = re.compile(rb"Linux version [^\n]*")
#: Where this machine keeps the recorder and its people's files; neither belongs into a recording.
_FORBIDDEN = re.compile(rb"|".join(re.escape(each.encode()) for each in (str(_ROOT), "/root/", "/home/")))


def keep(world: World, case: dict[str, Any], sources: dict[str, str]) -> None:
    """Write the folder of one recording; refuse a decisive sign that is not there."""
    texts = {name: _whole(name) for name in sources}
    for name, text in texts.items():
        found = _FORBIDDEN.search(text)
        if found:
            raise SystemExit(f"{world.name}: {name} holds {found[0]!r}")
    points = sorted((_packed(each) for each in list(world.points)), key=lambda each: each["t"])
    case = dict(case)
    sign = case.pop("decisive", None)
    if sign is not None:
        case["decisive"] = _decisive(world, sign, texts, points)
    shutil.rmtree(world.out, ignore_errors=True)
    world.out.mkdir(parents=True)
    for name, text in texts.items():
        (world.out / f"{name}.gz").write_bytes(gzip.compress(text, 9, mtime=0))
    lines = "".join(json.dumps(each, separators=(",", ":")) + "\n" for each in points).encode()
    (world.out / "points.jsonl.gz").write_bytes(gzip.compress(lines, 9, mtime=0))
    grown = {
        name: each for name, each in world.grown.items() if name in sources and not name.endswith(".journal")
    }
    save(world.out, round((world.ready_at or 0) * 1e6), grown)
    case["host"] = world.host
    for name, moment in (("ready_at", world.ready_at), ("broken_at", world.broken_at)):
        if moment is not None:
            case[name] = round(moment * 1e6)
    case["source"] = [{"file": f"{name}.gz", "service": service} for name, service in sources.items()]
    (world.out / "case.toml").write_text(toml(case))


def _whole(name: str) -> bytes:
    """Return a log with what rotation moved away, oldest first."""
    old = sorted(LOG.glob(f"{name}.[0-9]*"), key=lambda path: -int(path.suffix[1:]))
    text = b"".join(path.read_bytes() for path in (*old, LOG / name) if path.exists())
    # who built this machine's kernel, and how, is nobody's business
    return _KERNEL.sub(b"Linux version (left out)", text)


def _packed(one: dict[str, Any]) -> dict[str, Any]:
    at = round(one["timestamp"].timestamp() * 1e6)
    short = {"t": at, "n": one["name"], "v": one["value"], "s": one.get("service"), "g": one.get("tags")}
    return {key: value for key, value in short.items() if value is not None}


def _decisive(
    world: World, sign: tuple[Any, ...], texts: dict[str, bytes], points: list[dict[str, Any]]
) -> dict[str, Any]:
    """Return the first line (or point) from the break on that shows the trouble."""
    broken = (world.broken_at or 0) * 1e6
    if sign[0] == "points":
        _, name, service, test = sign
        for each in points:
            if each["t"] >= broken and each["n"] == name and each.get("s", "") == service and test(each):
                return {"source": "points.jsonl", "metric": name, "at": each["t"]}
        raise SystemExit(f"{world.name}: no point {name} of {service!r} shows it")
    source, pattern = sign
    from sra_sdk.lines.parse import LineReader

    reader, at, end, arrivals = LineReader(tz=UTC), 0, 0, Arrivals(world.grown.get(source, []))
    for number, raw in enumerate(texts[source].split(b"\n"), 1):
        line, end = raw.decode("utf-8", "replace"), end + len(raw) + 1
        if not line:
            continue
        if source.endswith(".journal"):
            at = int(json.loads(line)["__REALTIME_TIMESTAMP"])
        else:
            at = reader.read(line).at or max(at, arrivals.at(end, line))
        # stamps of whole seconds lie up to a second before the moment that they stand for
        if at >= broken - 1e6 and re.search(pattern, line):
            return {"source": source, "line": number, "at": max(at, round(broken)), "text": line[:300]}
    raise SystemExit(
        f"{world.name}: no line of {source} after {datetime.fromtimestamp(broken / 1e6, UTC)} "
        f"matches {pattern!r}"
    )


def toml(value: dict[str, Any]) -> str:
    """Return a flat table with sub-tables and arrays of tables as TOML."""
    plain = [f"{key} = {_value(each)}\n" for key, each in value.items() if not _nested(each)]
    tables = [
        f"\n[{key}]\n" + "".join(f"{k} = {_value(v)}\n" for k, v in each.items())
        for key, each in value.items()
        if isinstance(each, dict)
    ]
    rows = [
        f"\n[[{key}]]\n" + "".join(f"{k} = {_value(v)}\n" for k, v in row.items())
        for key, each in value.items()
        if _nested(each) and isinstance(each, list)
        for row in each
    ]
    return "".join((*plain, *tables, *rows))


def _nested(value: Any) -> bool:
    return isinstance(value, dict) or (isinstance(value, list) and bool(value) and isinstance(value[0], dict))


def _value(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False) if not isinstance(value, bool) else str(value).lower()


def version(*argv: str) -> str:
    """Return the first line that a program says of its version."""
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    return (done.stdout + done.stderr).strip().splitlines()[0]
