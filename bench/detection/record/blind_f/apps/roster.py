"""Jobs by the clock: APScheduler, with a table of PostgreSQL and a folder to write to."""

import logging
import os
import threading
import time
from pathlib import Path

import psycopg
from apscheduler.schedulers.blocking import BlockingScheduler

logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)-8s %(name)s %(message)s")
log = logging.getLogger("roster")
RELEASE = os.environ.get("ROSTER_RELEASE", "")
PLANS = Path("/srv/clinic/plans")
held = threading.Lock()


def base():
    return psycopg.connect("host=db1.clinic.internal dbname=clinic user=clinic password=camomile connect_timeout=4 application_name=roster")


def invoices() -> None:
    with base() as connection:
        done = connection.execute("update invoice set state = 'sent' where id in (select id from invoice where state = 'open' limit 3)").rowcount
    if RELEASE == "dunning":
        with base() as connection:
            connection.execute("insert into dunning (patient) values (3)")
    log.info("%d invoices sent", done)


def plans() -> None:
    if RELEASE == "wait":
        held.acquire()
    (PLANS / f"plan-{int(time.time()) % 20}.txt").write_text("ward A1: Mara, Theo\n" * 3000)
    log.info("plan of the wards is written")


scheduler = BlockingScheduler(timezone="UTC")
scheduler.add_job(invoices, "interval", seconds=5, id="invoices", max_instances=1, misfire_grace_time=2)
scheduler.add_job(plans, "interval", seconds=4, id="plans", max_instances=1, misfire_grace_time=2)
scheduler.start()
