"""Two transactions lock two rows in opposite order, again and again. Software: PostgreSQL's own log."""
import contextlib
import threading

import psycopg
from stage import Stage, postgres

stage = Stage("deadlock", "deadlock", "PostgreSQL")
server = postgres(stage, 5436, stage.home / "data", "deadlock_timeout=200ms", "log_checkpoints=on")
URL = "postgresql://postgres@127.0.0.1:5436/postgres"
with psycopg.connect(URL) as first:
    first.execute("create table stock (id int primary key, n int)")
    first.execute("insert into stock values (1, 0), (2, 0)")


def move(source: int, target: int, together: threading.Barrier | None) -> None:
    with contextlib.suppress(psycopg.Error), psycopg.connect(URL) as connection:
        connection.execute("update stock set n = n - 1 where id = %s", (source,))
        if together:
            together.wait(5)
        connection.execute("update stock set n = n + 1 where id = %s", (target,))


def calm(n: int) -> None:
    move(1, 2, None)
    if n % 20 == 0:
        with contextlib.suppress(psycopg.Error), psycopg.connect(URL) as connection:
            connection.execute("insert into stock values (1, 1)")


def crossed(n: int) -> None:
    together = threading.Barrier(2)
    pair = [threading.Thread(target=move, args=(*way, together)) for way in ((1, 2), (2, 1))]
    for each in pair:
        each.start()
    for each in pair:
        each.join()


stage.run(35, calm)
stage.fails_now()
stage.run(15, crossed, pause=1)
stage.run(25, calm)
server.terminate()
server.wait()
stage.finish()
