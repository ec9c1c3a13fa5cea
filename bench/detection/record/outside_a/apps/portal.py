"""The staff's portal: logins in LDAP, reminders by mail, rates of a partner, pages of other hosts of the house."""
import logging
import smtplib
import sys
from email.message import EmailMessage

import ldap3
import requests
from flask import Flask, jsonify, request

logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(asctime)s,%(msecs)03d %(levelname)-5.5s [%(name)s:%(lineno)d] %(message)s", datefmt="%Y-%m-%d %H:%M:%S")
log = logging.getLogger("portal")
app = Flask("portal")


@app.post("/login")
def login():
    n = request.get_json()["customer"] % 20
    server = ldap3.Server("ldap.lan", connect_timeout=3)
    conn = ldap3.Connection(server, "cn=portal,dc=corp,dc=lan", "portal", auto_bind=True, receive_timeout=5)
    conn.search("dc=corp,dc=lan", f"(uid=person{n})")
    entry = conn.entries[0].entry_dn
    conn.unbind()
    ok = ldap3.Connection(server, entry, f"word{n}").bind()
    if not ok:
        log.warning("login of person%d refused", n)
    return jsonify(ok=ok), 200 if ok else 401


@app.post("/remind")
def remind():
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = "portal@corp.lan", f"person{request.get_json()['customer'] % 20}@customer.example", "Reminder"
    mail.set_content("Please look into your tasks.\n" * 4)
    with smtplib.SMTP("127.0.0.95", 25, timeout=5) as smtp:
        smtp.send_message(mail)
    return jsonify(ok=True), 202


@app.get("/rates/<int:n>")
def rates(n):
    return jsonify(requests.get(f"http://rates.partner.example/rates/{n}", timeout=5).json())


@app.get("/hr/<int:n>")
def hr(n):
    return jsonify(requests.get(f"http://hr.corp.lan:8000/items/{n}", timeout=5).json())


@app.errorhandler(Exception)
def failed(error):
    if hasattr(error, "code") and error.code in (404, 405):
        return jsonify(error="not found"), error.code
    log.error("%s %s: %s", request.method, request.path, error, exc_info=True)
    return jsonify(error="internal"), 500
