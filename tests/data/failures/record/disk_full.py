"""PostgreSQL's file system fills up. Needs a small tmpfs. Software: PostgreSQL's own log."""
import contextlib
import subprocess
import time

import psycopg
from stage import Stage, postgres

URL = "postgresql://postgres@127.0.0.1:5435/postgres"
stage = Stage("disk_full", "disk_full", "PostgreSQL")
disk = stage.home / "disk"
disk.mkdir()
subprocess.run(["mount", "-t", "tmpfs", "-o", "size=90m", "tmpfs", str(disk)], check=True)
try:
    def start() -> subprocess.Popen[bytes]:
        return postgres(stage, 5435, disk / "data", "max_wal_size=32MB", "min_wal_size=32MB",
                        "checkpoint_timeout=30s", "log_checkpoints=on")

    server = start()
    connection = psycopg.connect(URL, autocommit=True)
    connection.execute("create table events (id bigserial, body text)")
    ballast = disk / "old-backup.tar"
    ballast.write_bytes(b"0" * 15_000_000)

    def event(n: int) -> None:
        connection.execute("insert into events (body) values (%s)", ("x" * 500,))
        if n % 30 == 0:
            with contextlib.suppress(psycopg.Error):
                connection.execute("select nothing from events")

    stage.run(40, event)
    stage.fails_now()
    connection.execute("alter table events set unlogged")

    def flood(n: int) -> None:
        with contextlib.suppress(psycopg.Error):
            connection.execute("insert into events (body) select repeat(md5(i::text), 300) "
                               "from generate_series(1, 20000) i")

    stage.run(25, flood, pause=1)
    ballast.unlink()
    time.sleep(3)
    if server.poll() is not None:
        server = start()
    connection = psycopg.connect(URL, autocommit=True)
    connection.execute("truncate events")
    stage.run(30, event)
    connection.close()
    server.terminate()
    server.wait()
finally:
    server.kill()
    subprocess.run(["umount", "-l", str(disk)], check=False)
stage.finish()
