"""Clients that never hang up use all connections of PostgreSQL. Software: PostgreSQL's own log."""
import contextlib

import psycopg
from stage import Stage, postgres

stage = Stage("database_failure_connections", "database_failure", "PostgreSQL")
server = postgres(stage, 5434, stage.home / "data", "max_connections=12", "log_connections=on",
                  "log_disconnections=on", "log_checkpoints=on")
URL = "postgresql://{}@127.0.0.1:5434/postgres"
with psycopg.connect(URL.format("postgres"), autocommit=True) as first:
    first.execute("create role shop login")
held: list[psycopg.Connection] = []


def visit(n: int) -> None:
    with contextlib.suppress(psycopg.Error), psycopg.connect(URL.format("shop")) as connection:
        connection.execute("select 1")
        if n % 40 == 0:
            connection.execute("select * from no_such_table")


def leak(n: int) -> None:
    with contextlib.suppress(psycopg.Error):
        held.append(psycopg.connect(URL.format("shop")))
    visit(n)


stage.run(40, visit)
stage.fails_now()
stage.run(25, leak)
for each in held:
    each.close()
stage.run(30, visit)
server.terminate()
server.wait()
stage.finish()
