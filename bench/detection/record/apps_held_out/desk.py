"""The help desk keeps tickets in SQLite; logs with a format of its own."""

import logging
import os
import sqlite3
import sys
import time

logging.basicConfig(
    level=logging.INFO, stream=sys.stdout, format="%(levelname)s:%(asctime)s:%(name)s:%(message)s"
)
log = logging.getLogger("desk")
path = os.environ.get("DESK_DB", "/srv/shop/desk/desk.db")
n = 0
while True:
    n += 1
    try:
        connection = sqlite3.connect(path, timeout=1)
        connection.execute("create table if not exists tickets (id integer primary key, body text)")
        connection.execute("insert into tickets (body) values (?)", ("help " * 400,))
        connection.commit()
        connection.close()
        log.info("ticket %d opened", n)
        if n % 60 == 59:
            log.warning("ticket %d has an attachment of no known kind", n)
    except sqlite3.Error:
        log.exception("ticket %d could not be opened", n)
    time.sleep(0.7)
