"""The controller of doors: asks RADIUS whether a badge may pass, and opens or does not."""

import logging
import os
import subprocess
import sys
import time

logging.basicConfig(format="%(asctime)s.%(msecs)03d doors[%(process)d] %(levelname)s %(message)s", datefmt="%Y-%m-%d %H:%M:%S", level=logging.INFO, stream=sys.stdout)
log = logging.getLogger("doors")
BADGES = (("liv", "4711"), ("noah", "0815"), ("mira", "2468"))
number = 0
log.info("controller of 6 doors is ready")
while True:
    number += 1
    who, pin = BADGES[number % 3]
    if number % 40 == 7:
        pin = "1111"
    began = time.monotonic()
    done = subprocess.run(["radclient", "-t", "2", "-r", "2", "127.0.3.42:1812", "auth", os.environ.get("RADIUS_SECRET", "hinge-and-lock")],
                          input=f"User-Name={who},User-Password={pin},NAS-Port={number % 6},Message-Authenticator=0x00", capture_output=True, text=True, check=False)
    said = done.stdout + done.stderr
    took = (time.monotonic() - began) * 1000
    if "Access-Accept" in said:
        log.info("door %d opened for %s in %d ms", number % 6, who, took)
    elif "Access-Reject" in said:
        log.warning("door %d stays shut, %s is not let in", number % 6, who)
    else:
        log.error("door %d stays shut, no answer about %s: %s", number % 6, who, next((each for each in said.splitlines() if "reply" in each.lower() or "secret" in each), "nothing"))
    time.sleep(1.2)
