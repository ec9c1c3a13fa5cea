"""A CRM on MariaDB: customers, sessions, visits; reports from the replica."""
import logging
import sys

import pymysql
from flask import Flask, jsonify, request

logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="[%(asctime)s] %(levelname)s in %(module)s: %(message)s")
log = logging.getLogger("crm")
app = Flask("crm")


def ask(text, values=(), host="crmdb1.lan"):
    conn = pymysql.connect(host=host, user="crm", password="secret", database="crm", connect_timeout=4, read_timeout=8, autocommit=True)
    try:
        with conn.cursor() as cursor:
            cursor.execute(text, values)
            return cursor.fetchall()
    finally:
        conn.close()


@app.post("/visits")
def visit():
    body = request.get_json()
    ask("insert into visits (customer, note) values (%s, %s)", (body["customer"], body["note"]))
    ask("replace into sessions (id, data) values (%s, %s)", (body["customer"], body["note"]))
    return jsonify(ok=True), 201


@app.get("/customers/<int:n>")
def customer(n):
    found = ask("select id, name from customers where id = %s", (n + 1,))
    return (jsonify(found), 200) if found else (jsonify(error="unknown"), 404)


@app.get("/session/<int:n>")
def session(n):
    return jsonify(ask("select data from sessions where id = %s", (n,)))


@app.get("/report")
def report():
    return jsonify(ask("select customer, count(*), group_concat(distinct note order by note separator ', ') from visits group by customer order by 2 desc limit 5", host="crmdb2.lan"))


@app.errorhandler(pymysql.MySQLError)
def failed(error):
    log.exception("Exception on %s [%s]", request.path, request.method)
    return jsonify(error="internal"), 500
