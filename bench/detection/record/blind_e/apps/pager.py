"""Takes alerts from Alertmanager and hands them to the people on call."""

import logging
import os
from pathlib import Path

from flask import Flask, request

logging.basicConfig(format="[%(asctime)s] %(levelname)s in %(module)s: %(message)s", level=logging.INFO)
logging.getLogger("werkzeug").setLevel(logging.WARNING)
app = Flask("pager")
ROTA = Path(os.environ.get("ROTA", "/srv/shop/rota.txt"))


@app.post("/alert")
def alert() -> str:
    names = ROTA.read_text().split()
    for each in request.get_json()["alerts"]:
        app.logger.info("alert %s is %s, told %s", each["labels"]["alertname"], each["status"], names[0])
    return "told"


app.run("127.0.3.14", 8060)
