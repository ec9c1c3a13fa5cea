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

from .extent import by_form, figure
from .numbered import judge

ROOT = Path(__file__).resolve().parents[2]
ROTATIONS = 200
LINES = by_form(100, 500, 1_000, whole=True)  # of each file
#: Asked is 50,000 lines/s. It is judged in the long form, which runs alone.
PACE = by_form(5_000, 20_000, 50_000, whole=True)
LATE = 20  # deleted files whose writer goes on an hour later
NOISE = by_form(5_000, 20_000, 1_000_000)

WRITER = """\
import os, sys, time
from tests.faults.numbered import line
path, kind, rotations, lines, late = sys.argv[1], sys.argv[2], *map(int, sys.argv[3:])
n, began, waited, held = 0, time.monotonic(), 0.0, []
def write(file, some):
    global n
    for _ in range(some // 10):
        file.write("".join(line("app", n + i) + "\\n" for i in range(10)).encode())
        n += 10
for r in range(rotations):
    file = open(path, "ab", buffering=0)
    write(file, lines // 2)
    if kind == "rename":
        os.rename(path, f"{path}.{r + 1}")
    else:
        # the reader must hold it: it is told to look before the name goes
        asked = time.monotonic()
        open(path + ".ask", "w").close()
        while os.path.exists(path + ".ask"):
            time.sleep(0.0005)
        waited += time.monotonic() - asked
        os.unlink(path)
    write(file, lines // 2)
    held.append(file)
    if len(held) > late:
        held.pop(0).close()
print(n / (time.monotonic() - began - waited), flush=True)
sys.stdin.readline()
for file in held:
    write(file, 10)
print(n)
"""


class Reader:
    """Follows a path; its clock can be put forward."""

    def __init__(self, path: Path) -> None:
        self.ahead = 0.0
        self.came: list[str] = []
        self.dropped: list[str] = []
        self.files = Files((str(path),), {}, from_start=True, clock=lambda: time.monotonic() + self.ahead,
                           drop=lambda reason, n: self.dropped.append(f"{n} {reason}"))
        self.files.look()

    def follow(self) -> None:
        """Look, and read until there is nothing more."""
        self.files.look_for_new()
        self.files.look()
        for _ in range(10_000):
            for piece in self.files.pieces():
                self.came += piece.lines
                self.files.passed(piece.stream, piece.end)
            if not self.files.behind():
                return


@pytest.mark.parametrize("kind", ["rename", "delete"])
def test_a_storm_of_rotations_with_a_paused_reader(tmp_path: Path, kind: str) -> None:
    """200 rotations at speed, the reader paused meanwhile: 0 lost while the descriptor is held.

    Each file is written to after it was renamed or deleted, too, the last ones an hour later.
    """
    path, dice, pauses = tmp_path / "app.log", random.Random(3), [0.0]
    path.touch()
    reader = Reader(path)
    writer = subprocess.Popen(
        [sys.executable, "-c", WRITER, str(path), kind, str(ROTATIONS), str(LINES), str(LATE)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT)
    assert writer.stdout is not None
    os.set_blocking(writer.stdout.fileno(), False)
    ask, until, told = Path(f"{path}.ask"), 0.0, ""
    while not told and writer.poll() is None:
        if ask.exists():
            reader.files.look_for_new()
            reader.files.look()  # it is held from here on, and not yet read
            ask.unlink()
        if time.monotonic() >= until:
            reader.follow()
            pauses.append(dice.uniform(0.05, 0.5))
            until = time.monotonic() + pauses[-1]
        time.sleep(0.0005)
        told = writer.stdout.readline()
    os.set_blocking(writer.stdout.fileno(), True)
    for _ in range(3):
        reader.follow()
        reader.ahead += 1_800
    out, _ = writer.communicate("go on\n")
    for _ in range(3):
        reader.follow()
    held = len(reader.files.watches())
    reader.files.close()
    rate, verdict = float(told), judge({"app": int(out)}, reader.came)
    figure(f"{ROTATIONS} rotations by {kind}, reader paused, the last {LATE} files written to an hour later",
           "0 lost while the descriptor is held; 50,000 lines/s",
           f"{verdict}; written at {rate:,.0f} lines/s, pauses of up to {max(pauses):.2f} s; "
           f"counted as dropped: {reader.dropped or 'nothing'}")
    assert verdict.clean and not reader.dropped
    if kind == "delete":
        assert not held, "a deleted file is held although nobody can write to it any more"
    assert rate >= PACE, "the writer was too slow to prove anything"


def test_packed_siblings_are_not_read(tmp_path: Path) -> None:
    """app.log.1.gz and the like match the pattern, and none of their bytes is told."""
    (tmp_path / "app.log").write_text("plain\n")
    for name in ("app.log.1.gz", "app.log.2.xz", "app.log.3.zst", "app.log-20260101.bz2"):
        (tmp_path / name).write_bytes(b"\x1f\x8b packed\n" * 10)
    reader = Reader(tmp_path / "app.log*")
    reader.follow()
    os.rename(tmp_path / "app.log", tmp_path / "app.log.1")
    subprocess.run(["gzip", "-f", str(tmp_path / "app.log.1")], check=True)
    (tmp_path / "app.log").write_text("after\n")
    reader.follow()
    reader.files.close()
    assert reader.came == ["plain", "after"]


@pytest.mark.timeout(900)
def test_noise_of_every_kind_becomes_records_that_can_be_stored(tmp_path: Path) -> None:
    """Binary, NUL, bad UTF-8, ANSI and bidi: no crash, and every record is valid JSON without a NUL."""
    dice, count = random.Random(11), NOISE
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
    batches, harmful = 0, 0
    while (sealed := spool.batch()) is not None:
        harmful += b"\\u0000" in sealed.body or b"\x00" in sealed.body
        sealed.body.decode()
        spool.acknowledge(sealed)
        batches += 1
    said = spool.counters()
    figure(f"binary, NUL, bad UTF-8, ANSI and bidi: {count:,} lines of noise",
           "0 crashes; each record can be stored",
           f"{intake.lines:,} lines became {said['stored']:,} records in {batches} batches, "
           f"{harmful} with a NUL or not UTF-8")
    assert batches and not harmful and said["written"] == said["stored"] > count // 2
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
    figure("a line of 1 GB", "cut at 256 KiB with its size recorded; RSS +<= 20 MB",
           f"{len(text):,} bytes sent; RSS +{float(grown):.1f} MB")
    assert f'"cut_from_bytes":{size}' in text and '"message":"next"' in text
    assert len(text) < 3 * LINE_BYTES
    assert float(grown) <= 20.0, f"resident memory grew by {grown} MB"
