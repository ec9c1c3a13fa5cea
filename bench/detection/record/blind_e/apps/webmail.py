"""Reads mailboxes over IMAP with TLS as a web mail does: one login, a look, a logout for each page."""

import imaplib
import json
import os
import ssl
import time

WORDS = json.loads(os.environ.get("WORDS", '{"liv": "blue-kite", "noah": "tall-ship", "mira": "old-clock"}'))
CONTEXT = ssl.create_default_context(cafile="/srv/shop/tls/ca.pem")


def tell(level: str, message: str, **more: object) -> None:
    stamp = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime()) + f".{time.time_ns() // 1000000 % 1000:03d}"
    print(f"{stamp} [{level}] webmail - {message}" + "".join(f" {key}={value}" for key, value in more.items()), flush=True)


def page(who: str, word: str) -> None:
    began = time.monotonic()
    step = "connect"
    try:
        with imaplib.IMAP4_SSL("imap.grid.example", 993, ssl_context=CONTEXT, timeout=8) as box:
            step = "login"
            box.login(who, word)
            step = "select"
            state, count = box.select("INBOX")
            if state != "OK":
                raise RuntimeError(str(count[0]))
            seen = int(count[0])
            if seen > 30:
                step = "expunge"
                box.store(f"1:{seen - 20}", "+FLAGS", r"\Deleted")
                box.expunge()
            if seen:
                step = "fetch"
                box.fetch("*", "(FLAGS BODY[HEADER.FIELDS (SUBJECT)])")
        tell("INFO", "page shown", user=who, messages=seen, ms=round((time.monotonic() - began) * 1000))
    except Exception as error:  # noqa: BLE001  # whatever it is, the next round is tried
        tell("ERROR", f"page failed at {step}: {type(error).__name__}: {error}", user=who, ms=round((time.monotonic() - began) * 1000))


tell("INFO", "webmail starts", users=len(WORDS))
while True:
    for who, word in WORDS.items():
        page(who, word)
        time.sleep(0.9)
