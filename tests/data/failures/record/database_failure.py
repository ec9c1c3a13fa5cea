"""PostgreSQL is killed under a client that logs through psycopg; it is started again. Software: psycopg."""
import signal
import time

import psycopg
from stage import Stage, postgres

stage = Stage("database_failure", "database_failure", "Python, psycopg, PostgreSQL")
log = stage.logger("orders")
quiet = Stage("database_failure_server", "database_failure", "PostgreSQL")
server = postgres(quiet, 5433, quiet.home / "data")
URL = "postgresql://postgres@127.0.0.1:5433/postgres"
with psycopg.connect(URL) as first:
    first.execute("create table orders (id int, total int)")


def order(n: int) -> None:
    try:
        with psycopg.connect(URL, connect_timeout=3) as connection:
            connection.execute("insert into orders values (%s, %s)", (n, n * 7 % 90))
        log.info("order %d stored, total %d EUR", n, n * 7 % 90)
        if n % 25 == 0:
            log.warning("order %d: customer has no e-mail address, no confirmation sent", n)
    except psycopg.Error:
        log.exception("order %d could not be stored", n)


stage.run(40, order)
stage.fails_now()
server.send_signal(signal.SIGKILL)
stage.run(25, order)
time.sleep(1)
(quiet.home / "data" / "postmaster.pid").unlink(missing_ok=True)
server = postgres(quiet, 5433, quiet.home / "data")
stage.run(40, order)
server.terminate()
stage.finish()
