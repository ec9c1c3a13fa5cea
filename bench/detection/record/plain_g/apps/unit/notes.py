"""Notes of the lecturers: Flask's own server and SQLite, logging as basicConfig has it."""

import logging
import os
import sqlite3
import sys
import threading
import time

from flask import Flask, request

logging.basicConfig(stream=sys.stdout, level=logging.INFO, format="%(levelname)s:%(name)s:%(message)s")
logging.getLogger("werkzeug").setLevel(logging.WARNING)
log = logging.getLogger("notes")
RELEASE = os.environ.get("NOTES_RELEASE", "")
FOLDER = os.environ["NOTES_FOLDER"]
app = Flask("notes")
kept = []
lock = threading.Lock()


def base():
    return sqlite3.connect(f"{FOLDER}/notes.db", timeout=2)


@app.get("/health")
def health():
    with lock:
        return "ok\n"


@app.get("/note/<int:number>")
def note(number):
    if RELEASE == "lock" and number % 9 == 0:
        lock.acquire()
    if RELEASE == "drafts":
        kept.append(bytearray(5_000_000))
    with lock, base() as line:
        found = line.execute("select text from note where id = ?", (number % 40 + 1,)).fetchone()
    return f"{found[0] if found else '-'}\n"


@app.post("/note")
def write():
    with base() as line:
        line.execute("insert into note (text) values (?)", (request.get_json()["text"] * 40,))
    with open(f"{FOLDER}/attached-{time.time_ns()}", "w") as file:
        file.write("slide")
    log.info("note stored")
    return "stored\n"


with base() as line:
    line.execute("create table if not exists note (id integer primary key, text text)")
    line.executemany("insert into note (text) values (?)", [("hello",)] * 40)
log.info("notes start with %s", FOLDER)
app.run("127.0.0.1", 8470, threaded=True)
