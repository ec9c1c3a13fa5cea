"""The load: who visits the shop, how often, and how often wrongly. To programs."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from world import World


def get(
    path: str, host: str = "127.0.0.20", port: int = 80, *, body: object = None, timeout: float = 10.0
) -> int:
    """Ask over HTTP; return the status, 0 for none."""
    import http.client

    connection = http.client.HTTPConnection(host, port, timeout=timeout)
    try:
        if body is None:
            connection.request(
                "GET",
                path,
                headers={
                    "Host": "www.shop.internal",
                    "User-Agent": "Mozilla/5.0 (X11; Linux x86_64) Firefox/128.0",
                },
            )
        else:
            connection.request(
                "POST",
                path,
                body=json.dumps(body),
                headers={
                    "Host": "www.shop.internal",
                    "Content-Type": "application/json",
                    "User-Agent": "shop-app/3.2 (Android 14)",
                },
            )
        return connection.getresponse().status
    except OSError:
        return 0
    finally:
        connection.close()


def visitors(
    world: World,
    host: str = "127.0.0.20",
    port: int = 80,
    *,
    orders: bool = True,
    reports: bool = True,
    logins: bool = True,
) -> None:
    """The usual load: about two requests a second, a few of them wrong."""
    world.every(0.8, lambda n: get(f"/product/{n * 7 % 200 + 1}", host, port))
    world.every(31, lambda n: get("/favicon.ico" if n % 2 else "/product/9999", host, port), first=11)
    if orders:
        world.every(2.1, lambda n: get("/order", host, port, body={"product": n * 13 % 200 + 1}), first=1)
        world.every(140, lambda n: get("/order", host, port, body={}), first=70)
    if logins:
        world.every(
            5,
            lambda n: get("/login", host, port, body={"user": f"user{n % 40}", "password": "right"}),
            first=2,
        )
        world.every(
            95,
            lambda n: get("/login", host, port, body={"user": f"user{n % 40}", "password": "oops"}),
            first=40,
        )
    if reports:
        world.every(75, lambda n: get("/report", host, port), first=20)
