"""The control room's board: asks InfluxDB and Prometheus for what it shows; one page a request."""

import json
import sys
import time
import traceback
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import requests

INFLUX = "http://influx.grid.example:8086/query"
PROMETHEUS = "http://prom.grid.example:9090/api/v1/query"


def tell(level: str, event: str, **more: object) -> None:
    stamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime()) + f".{time.time_ns() // 1000000 % 1000:03d}Z"
    print(json.dumps({"ts": stamp, "level": level, "logger": "board", "event": event, **more}), flush=True)


def series() -> object:
    answer = requests.get(INFLUX, params={"db": "grid", "u": "board", "p": "read-only-eyes",
                                         "q": "SELECT mean(watts) FROM load WHERE time > now() - 2m GROUP BY time(10s), street"}, timeout=4)
    answer.raise_for_status()
    body = answer.json()
    if "error" in body["results"][0]:
        raise RuntimeError("influx: " + body["results"][0]["error"])
    return body


def targets() -> list[str]:
    answer = requests.get(PROMETHEUS, params={"query": "up == 0"}, timeout=4)
    answer.raise_for_status()
    return [f"{each['metric']['job']} {each['metric']['instance']}" for each in answer.json()["data"]["result"]]


class Page(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        began = time.monotonic()
        try:
            if self.path == "/health":
                body: object = "ok"
            elif self.path.startswith("/load"):
                body = series()
            elif self.path.startswith("/targets"):
                down = targets()
                for each in down:
                    tell("warning", f"scrape target is down: {each}")
                body = down
            else:
                self.answer(404, "no such page", began)
                return
            self.answer(200, body, began)
        except Exception as error:  # noqa: BLE001  # whatever it is, the visitor gets an answer
            tell("error", f"page {self.path} failed: {error}", error=type(error).__name__, stack=traceback.format_exc(limit=-2))
            self.answer(502, "not available", began)

    def answer(self, code: int, body: object, began: float) -> None:
        text = json.dumps(body).encode()
        self.send_response(code)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)
        tell("info", "request", method="GET", path=self.path, status=code, ms=round((time.monotonic() - began) * 1000))

    def log_message(self, *_: object) -> None:
        pass


tell("info", "board listens", port=8000, python=sys.version.split()[0])
ThreadingHTTPServer(("127.0.3.16", 8000), Page).serve_forever()
