"""Notes in a file of SQLite."""
import logging
import sqlite3
import sys

from flask import Flask, jsonify, request

logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(levelname)s:%(asctime)s:%(name)s:%(message)s")
log = logging.getLogger("notes")
app = Flask("notes")
PATH = "/srv/shop/notes/notes.db"


def ask(text, values=()):
    conn = sqlite3.connect(PATH, timeout=2)
    try:
        with conn:
            return conn.execute(text, values).fetchall()
    finally:
        conn.close()


ask("create table if not exists notes (id integer primary key, customer int, note text)")
ask("create index if not exists notes_customer on notes (customer)")


@app.post("/notes")
def add():
    body = request.get_json()
    ask("insert into notes (customer, note) values (?, ?)", (body["customer"], body["note"] * 60))
    return jsonify(ok=True), 201


@app.get("/notes/<int:n>")
def show(n):
    return jsonify(ask("select id, substr(note, 1, 20) from notes where customer = ? or id = ? limit 5", (n, n)))


@app.get("/count")
def count():
    return jsonify(ask("select count(*), max(length(note)) from notes"))
