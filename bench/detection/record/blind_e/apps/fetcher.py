"""Asks the partners of a registry one after the other for their news; each has a name in the house's zone."""

import json
import socket
import time

PARTNERS = [f"p{n}.partners.grid.example" for n in range(1, 9)]


def tell(severity: str, message: str, **more: object) -> None:
    print(json.dumps({"time": time.time_ns() // 1000000, "severity": severity, "message": message, **more}), flush=True)


tell("INFO", "fetcher started", partners=len(PARTNERS))
number = 0
failed = 0
while True:
    number += 1
    name = PARTNERS[number % len(PARTNERS)]
    began = time.monotonic()
    try:
        found = socket.getaddrinfo(name, 443, type=socket.SOCK_STREAM)
        failed = 0
        if number % 12 == 0:
            tell("INFO", "round complete", name=name, address=found[0][4][0], ms=round((time.monotonic() - began) * 1000))
    except OSError as error:
        failed += 1
        tell("ERROR", f"could not resolve {name}: {error}", ms=round((time.monotonic() - began) * 1000), attempt=failed)
    time.sleep(0.9)
