"""Writes what came in to the archive's disk, and lets a child compress it."""

import subprocess
import time
from pathlib import Path

folder, n = Path("/mnt/archive"), 0
print("archive is ready", flush=True)
while True:
    n += 1
    (folder / f"part-{n % 50}").write_bytes(b"d" * 20_000)
    subprocess.run(["/bin/sh", "-c", f"gzip -kf /mnt/archive/part-{n % 50}; :"], check=True)
    print(f"part {n} archived", flush=True)
    time.sleep(2)
