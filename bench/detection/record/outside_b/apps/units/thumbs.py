"""Makes thumbnails."""

import ctypes
import os
import subprocess
import time

release, kept, n = os.environ.get("THUMBS_RELEASE", ""), [], 0
print("thumbs is ready", flush=True)
while True:
    n += 1
    if release == "memory":
        kept.append(bytearray(os.urandom(1 << 20) * 12))
    if release == "native" and n % 6 == 0:
        ctypes.string_at(0)
    if release == "files":
        try:
            kept.extend(open("/etc/hostname") for _ in range(5))
        except OSError as error:
            print(f"<3>thumbnail {n} failed: {error}", flush=True)
            time.sleep(1)
            continue
    if release == "fork":
        try:
            kept.extend(subprocess.Popen(["sleep", "500"]) for _ in range(8))
        except OSError as error:
            print(f"<3>thumbnail {n} failed, cannot fork: {error}", flush=True)
            time.sleep(1)
            continue
    print(f"thumbnail {n} made in {30 + n % 7} ms", flush=True)
    if n % 40 == 0:
        print(f"<4>picture {n} has no colour profile", flush=True)
    time.sleep(1)
