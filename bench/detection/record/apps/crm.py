"""The CRM: keeps customers in MariaDB in step; logs JSON lines."""

import logging
import os
import random
import sys
import time

import pymysql
from pythonjsonlogger.json import JsonFormatter

handler = logging.FileHandler("/srv/shop/log/crm.log")
handler.setFormatter(
    JsonFormatter(
        "%(asctime)s %(levelname)s %(name)s %(message)s",
        rename_fields={"asctime": "timestamp", "levelname": "level", "name": "logger"},
    )
)
logging.basicConfig(level=logging.INFO, handlers=[handler])
log = logging.getLogger("crm.sync")
PERIOD = float(os.environ.get("CRM_PERIOD", "1.5"))
HOST = os.environ.get("CRM_HOST", "crm-db.shop.internal")


def connect():
    return pymysql.connect(
        host=HOST,
        port=3306,
        user="crm",
        password=os.environ.get("CRM_PASSWORD", "secret"),
        database="crm",
        connect_timeout=3,
        read_timeout=5,
        write_timeout=5,
        autocommit=False,
    )


def sync(connection, n: int) -> None:
    with connection.cursor() as cursor:
        one, other = random.sample(range(1, 1 + int(os.environ.get("CRM_CUSTOMERS", "19"))), 2)
        cursor.execute("update customers set points = points + 1 where id = %s", (one,))
        if os.environ.get("CRM_PAUSE"):
            time.sleep(float(os.environ["CRM_PAUSE"]))
        cursor.execute("update customers set points = points - 1 where id = %s", (other,))
        cursor.execute(
            "insert into visits (customer, note) values (%s, %s)",
            (one, "x" * int(os.environ.get("CRM_NOTE", "200"))),
        )
        if n % 60 == 59:
            cursor.execute("select sleep(1.2), count(*) from visits")
    connection.commit()


connection, n = None, 0
while True:
    n += 1
    try:
        if connection is None:
            connection = connect()
            log.info("connected to %s", HOST)
        sync(connection, n)
        log.info("customer synchronised", extra={"run": n})
        if n % 50 == 0:
            log.warning("customer %d has a telephone number that cannot be read, kept as it is", n)
    except pymysql.MySQLError:
        log.exception("customer could not be synchronised", extra={"run": n})
        try:
            if connection is not None:
                connection.rollback()
        except pymysql.MySQLError:
            connection = None
    except KeyboardInterrupt:
        sys.exit(0)
    time.sleep(PERIOD)
