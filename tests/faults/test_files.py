"""Files under stress: rotation and deletion at speed with a paused reader, noise, and a line of a gigabyte.

The rows of the delivery table that concern files; each test names its pass figure.
"""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
from pathlib import Path

import pytest

from sra_agent.intake import Intake
from sra_agent.sources.files import Files
from sra_agent.sources.tail import LINE_BYTES
from sra_agent.spool import Spool

ROOT = Path(__file__).resolve().parents[2]

WRITER = """\
import os, sys, time
path, rotations, lines, kind = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
n, began = 0, time.monotonic()
for r in range(rotations):
    with open(path, "ab", buffering=0) as file:
        for _ in range(lines // 10):
            file.write(b"".join(b"seq=%d\\n" % (n + i) for i in range(10)))
            n += 10
    if kind == "rename":
        os.rename(path, f"{path}.{r + 1}")
    elif kind == "delete":
        # the reader must hold it: it is told to look before the name goes
        open(path + ".ask", "w").close()
        while os.path.exists(path + ".ask"):
            time.sleep(0.001)
        os.unlink(path)
print(n, time.monotonic() - began)
"""


def follow(files: Files, came: list[str]) -> None:
    files.look()
    for _ in range(1000):
        for piece in files.pieces():
            came += piece.lines
            files.passed(piece.stream, piece.end)
        if not files.behind():
            return


@pytest.mark.parametrize("kind", ["rename", "delete"])
def test_a_storm_of_rotations_with_a_paused_reader(tmp_path: Path, kind: str) -> None:
    """200 rotations as fast as they go, the reader paused meanwhile: 0 lost while the descriptor is held."""
    path, rotations, lines = tmp_path / "app.log", 200, 500
    path.touch()
    files = Files((str(path),), {}, from_start=True)
    files.look()
    writer = subprocess.Popen(
        [sys.executable, "-c", WRITER, str(path), str(rotations), str(lines), kind], stdout=subprocess.PIPE
    )
    came: list[str] = []
    dice, ask = random.Random(3), Path(f"{path}.ask")
    while writer.poll() is None:
        if ask.exists():
            files.look_for_new()
            files.look()  # it is held from here on, and not yet read
            ask.unlink()
        elif dice.random() < 0.02:
            follow(files, came)
        time.sleep(0.001)
    out, _ = writer.communicate()
    n, seconds = out.split()
    for _ in range(3):
        files.look_for_new()
        follow(files, came)
    files.close()
    expected = [f"seq={i}" for i in range(int(n))]
    assert sorted(came, key=lambda text: int(text[4:])) == expected
    if kind == "rename":
        assert int(n) / float(seconds) > 20_000, "the writer was too slow to prove anything"


def test_packed_siblings_are_not_read(tmp_path: Path) -> None:
    """app.log.1.gz and the like match the pattern, and none of their bytes is told."""
    (tmp_path / "app.log").write_text("plain\n")
    for name in ("app.log.1.gz", "app.log.2.xz", "app.log.3.zst", "app.log-20260101.bz2"):
        (tmp_path / name).write_bytes(b"\x1f\x8b packed\n" * 10)
    files, came = Files((str(tmp_path / "app.log*"),), {}, from_start=True), list[str]()
    follow(files, came)
    os.rename(tmp_path / "app.log", tmp_path / "app.log.1")
    subprocess.run(["gzip", "-f", str(tmp_path / "app.log.1")], check=True)
    (tmp_path / "app.log").write_text("after\n")
    files.look_for_new()
    follow(files, came)
    files.close()
    assert came == ["plain", "after"]


def test_noise_of_every_kind_becomes_records_that_can_be_stored(tmp_path: Path) -> None:
    """Binary, NUL, bad UTF-8, ANSI and bidi: no crash, and every record is valid JSON without a NUL."""
    dice, count = random.Random(11), 20_000
    parts = [
        b"\x00",
        b"\xff\xfe",
        b"\x1b[31mred\x1b[0m",
        "\u202eabc\u202c".encode(),
        b"\xed\xa0\x80",
        b"\r",
        b"{",
        b'{"msg":"\\ud800"}',
        b"ERROR ",
        b"<13>",
        b"2026-11-18T10:00:00Z ",
        b"\xf0\x9f",
        b"x" * 50,
    ]
    with (tmp_path / "app.log").open("wb") as file:
        for n in range(count):
            file.write(b"".join(dice.choices(parts, k=dice.randrange(1, 6))) + b" %d\n" % n)
    spool = Spool.open(tmp_path, host="web-1", cap=10**9)
    files = Files((str(tmp_path / "app.log"),), {}, from_start=True)
    intake = Intake(files, spool, host="web-1", now=lambda: 1_795_000_000_000_000)
    while intake.round() and files.behind():
        pass
    assert intake.lines == count
    batches = 0
    while (sealed := spool.batch()) is not None:
        assert b"\\u0000" not in sealed.body and b"\x00" not in sealed.body
        sealed.body.decode()
        spool.acknowledge(sealed)
        batches += 1
    said = spool.counters()
    assert batches and said["written"] == said["stored"] > count // 2
    files.close()
    spool.close()


READER = """\
import resource, sys
from pathlib import Path
from sra_agent.intake import Intake
from sra_agent.sources.files import Files
from sra_agent.spool import Spool

folder = Path(sys.argv[1])
spool = Spool.open(folder, host="h", cap=10**8)
files = Files((str(folder / "small.log"), str(folder / "big.log")), {}, from_start=True)
intake = Intake(files, spool, host="h", now=lambda: 1_795_000_000_000_000)
intake.round()  # the small one and the beginning of the big one: all code has run once
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
while intake.lines < 4:
    intake.round()
after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
import time
time.sleep(0.6)
intake.round()
while (sealed := spool.batch()) is not None:
    sys.stdout.buffer.write(sealed.body + b"\\n")
    spool.acknowledge(sealed)
print((after - before) / 1024)
"""


def test_a_line_of_a_gigabyte(tmp_path: Path) -> None:
    """Cut at 256 KiB with its size told, the next line whole, resident memory up by 20 MB at most."""
    size = 1024**3
    (tmp_path / "small.log").write_text("small\n" + "y" * (2 * LINE_BYTES) + "\n")
    with (tmp_path / "big.log").open("wb") as file:
        file.write(b"x" * (1024 * 1024))
        file.truncate(size)  # a hole, which reads as zeros
        file.seek(0, os.SEEK_END)
        file.write(b"\nnext\n")
    done = subprocess.run(
        [sys.executable, "-c", READER, str(tmp_path)], capture_output=True, text=True, cwd=ROOT, timeout=110
    )
    assert done.returncode == 0, done.stderr
    *bodies, grown = done.stdout.splitlines()
    text = "".join(bodies)
    assert f'"cut_from_bytes":{size}' in text and '"message":"next"' in text
    assert len(text) < 3 * LINE_BYTES
    assert float(grown) <= 20.0, f"resident memory grew by {grown} MB"
