#!/usr/bin/python3
"""Writes a letter for each appointment, in a container: takes them from the cache and puts them into its volume."""

import faulthandler
import logging
import os
import socket
import sys
import time

RELEASE = os.environ.get("WORKER_RELEASE", "")
logging.basicConfig(stream=sys.stdout, level=logging.INFO, format='{"ts":"%(asctime)s","level":"%(levelname)s","logger":"%(name)s","msg":"%(message)s"}')
log = logging.getLogger("worker")


def ask(*words):
    with socket.create_connection(("cache", 6379), 3) as line:
        line.settimeout(3)
        line.sendall(" ".join(words).encode() + b"\r\n")
        return line.recv(4096).decode().strip()


log.info("worker %s begins", RELEASE or "2.4")
began, done = time.monotonic(), 0
while True:
    try:
        got = ask("RPOP", "letters")
        if got.startswith("$-1"):
            time.sleep(0.4)
            continue
        number = got.split("\r\n")[1]
        if RELEASE == "pdf":
            faulthandler._read_null()
        with open(f"/data/letter-{int(number) % 40}.txt", "w") as out:
            out.write(f"Dear patient, your appointment is {number}.\n" * (9000 if RELEASE == "long" else 20))
        done += 1
        if time.monotonic() - began > 10:
            log.info("%d letters written, %s wait", done, ask("LLEN", "letters")[1:])
            began, done = time.monotonic(), 0
    except OSError as error:
        log.error("letter not written: %s", error)
        time.sleep(1)
