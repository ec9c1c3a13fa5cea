"""A Python service with SQLite on a full file system. Needs a small tmpfs. Software: Python, sqlite3."""
import sqlite3
import subprocess

from stage import Stage

stage = Stage("disk_full_sqlite", "disk_full", "Python, SQLite")
disk = stage.home / "disk"
disk.mkdir()
subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(disk)], check=True)
log = stage.logger("carts")
filler = disk / "upload.tmp"
try:
    database = sqlite3.connect(disk / "carts.db", isolation_level=None)
    database.execute("create table carts (id integer primary key, body text)")

    def cart(n: int) -> None:
        try:
            database.execute("insert into carts (body) values (?)", ("item " * 200,))
            log.info("cart saved, %d items", n % 7)
        except sqlite3.Error:
            log.exception("cart could not be saved")

    stage.run(35, cart)
    stage.fails_now()
    try:
        with filler.open("wb") as file:
            for _ in range(64):
                file.write(b"x" * 65536)
                file.flush()
    except OSError as problem:
        log.error("upload failed: %s", problem)
    stage.run(25, cart)
    filler.unlink()
    stage.run(30, cart)
    database.close()
finally:
    subprocess.run(["umount", "-l", str(disk)], check=False)
stage.finish()
