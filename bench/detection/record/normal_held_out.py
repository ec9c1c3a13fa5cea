"""The quiet time of the held-out set's programs, all together. CORPUS_SECONDS sets how long."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent / "scenarios_held_out"))
import estate as e
import programs as p
from world import World, quiet

SECONDS = float(os.environ.get("CORPUS_SECONDS", "3660"))
world = World(os.environ.get("CORPUS_NAME", "held_out_normal"), cpu=0.5, memory_mb=2000)
e.estate(world)
world.ready()
world.measure(10, e.probes("stock", "apache", "pgbouncer", "dovecot", "mosquitto", "redis", "postgresql"))
e.asked(world)
world.every(20, lambda n: e.imap("anna", "right-one"))
world.every(600, lambda n: e.imap("anna", "rihgt-one"), first=200)
world.every(9, lambda n: e.publish())
world.every(700, lambda n: e.publish("oops"), first=300)
world.every(600, lambda n: e.control("restart", "feeder"), first=400)
world.every(800, lambda n: quiet("apache2", "-f", "/srv/shop/apache.conf", "-k", "graceful"), first=500)
world.every(900, lambda n: quiet("redis-cli", "-h", "127.0.0.12", "bgsave"), first=250)
world.every(3, lambda n: quiet("redis-cli", "-h", "127.0.0.12", "set", f"shelf:{n % 50}", str(n)))
world.every(1000, lambda n: p.sql("select * from no_such_table"), first=350)
time.sleep(SECONDS)
world.finish(
    {"name": world.name, "kind": "normal", "story": "quiet time of the held-out programs together"},
    e.FILES,
)
