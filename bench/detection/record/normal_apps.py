"""Normal operation of the small clients and services that the hour of normal.py does not have."""
from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent / "scenarios"))
import programs as p
from certificates import client
from network import dns
from world import HOME, World, quiet

SECONDS = float(os.environ.get("CORPUS_SECONDS", "3660"))
world = World(os.environ.get("CORPUS_NAME", "normal_apps"), cpu=0.3, memory_mb=1000)
dns(world)
world.disk(HOME / "uploads", 40, "www-data")
for name in ("Importer", "Parcels"):
    subprocess.run(["javac", "-d", str(HOME / "app"), str(HOME / f"app/{name}.java")], check=True)
java = ("java", "-Xmx32m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-cp", str(HOME / "app"))
running = {}


def start(name: str) -> None:
    """Start one of them as its scenario does."""
    argv = {
        "uploads": (p.PYTHON, "uploads.py"),
        "rates": (p.PYTHON, "rates.py", "http://api.partner.example/v1/rates"),
        "quotes": ("node", "quotes.js", "http://api.partner.example/v1/quotes"),
        "parcels": (*java, "Parcels", "http://api.partner.example/v1/parcels"),
        "importer": (*java, "Importer", "calm", "10000000"),
        "render": ("node", "--max-old-space-size=40", "render.js", "10000000"),
    }[name]
    running[name] = client(world, name, *argv)


for each in ("uploads", "rates", "quotes", "parcels", "importer", "render"):
    start(each)
time.sleep(4)
world.ready()
world.measure(10)
began, turn = time.monotonic(), 0
while time.monotonic() - began < SECONDS:
    time.sleep(min(170.0, max(1.0, began + SECONDS - time.monotonic())))
    turn += 1
    # a planned restart of one of them each third minute, and now and then the partner is reloaded
    chosen = ("uploads", "rates", "quotes", "parcels", "importer", "render")[turn % 6]
    running[chosen].terminate()
    running[chosen].wait(20)
    start(chosen)
    if turn % 2:
        quiet("nginx", "-c", str(HOME / "nginx/plain.conf"), "-s", "reload")
time.sleep(5)
files = {f"{name}.log": name for name in running}
world.finish({"name": world.name, "kind": "normal", "story": "normal operation of the small clients and services"}, files)
