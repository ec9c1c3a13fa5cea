"""Bookings: nginx, an embedded Tomcat with HikariCP, PostgreSQL."""

from __future__ import annotations

import subprocess
from pathlib import Path

from common import FRONT, HOME, World, get, nginx, postgres, proxied, run, sql, until

FILES = {**FRONT, "booking.log": "booking", "postgresql.log": "postgresql"}
PROBES = ({"name": "booking", "service": "booking", "http": "http://127.0.0.34:8080/health"},
          {"name": "postgresql", "service": "postgresql", "tcp": "127.0.0.11:5432"})
JAVA = "/usr/lib/jvm/java-17-openjdk-amd64/bin/"
JARS = ":".join(str(each) for each in sorted(Path("/usr/share/java").glob("tomcat9-*.jar"))
                if not any(mark in each.name for mark in ("9.0.70", "-ant", "-ha", "i18n"))) + "".join(
    f":/usr/share/java/{name}.jar" for name in ("HikariCP", "postgresql", "slf4j-api", "slf4j-jdk14"))


def booking(w: World, *options: str, again: bool = True):
    return run(w, "booking.log", JAVA + "java", "-Xmx64m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-XX:-CreateCoredumpOnCrash",
               "-Djava.util.logging.SimpleFormatter.format=%1$tF %1$tT.%1$tL %4$s [%3$s] %5$s%6$s%n", *options,
               "-cp", f"{HOME}/app/booking:{JARS}", "Booking", again=again, cwd=HOME / "tomcat")


def start(w: World) -> dict:
    subprocess.run(["cp", "-r", "/opt/tickets/booking/.", str(HOME / "app/booking/")], check=True)
    (HOME / "tomcat").mkdir()
    (HOME / "tomcat").chmod(0o777)
    (HOME / "www").mkdir(exist_ok=True)
    up = {"postgresql": postgres(w)}
    sql("create table bookings (id serial primary key, room int, at timestamptz default now())", "grant all on bookings to office",
        "grant all on sequence bookings_id_seq to office")
    up["booking"] = booking(w)
    until("127.0.0.34:8080/health")
    up["nginx"] = nginx(w, proxied("/", "127.0.0.34:8080"))
    w.sleep(3)
    w.ready()
    w.measure(10, PROBES)
    w.every(0.7, lambda n: get(f"127.0.0.20/rooms/{n * 7 % 120 + 1}"))
    w.every(1.1, lambda n: get(f"127.0.0.20/rooms/{n * 11 % 120 + 1}"), first=0.4)
    w.every(26, lambda n: get("127.0.0.20/favicon.ico"), first=9)
    w.every(90, lambda n: get("127.0.0.20/rooms/abc"), first=25)
    return up
