"""A report that opens a connection for each of its pages and returns none."""
import logging
import sys
import time

logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(asctime)s %(levelname)s [report] %(message)s")
kept = []
kind, host = sys.argv[1:3]
logging.info("monthly report begins")
while True:
    try:
        if kind == "pg":
            import psycopg

            kept.append(psycopg.connect(f"host={host} dbname=orders user=report password=report connect_timeout=5"))
            kept[-1].execute("select count(*) from customers")
        elif kind == "maria":
            import pymysql

            kept.append(pymysql.connect(host=host, user="report", password="report", database="crm"))
        else:
            import redis

            kept.append(redis.Redis(host=host, single_connection_client=True))
            kept[-1].ping()
    except Exception as error:  # noqa: BLE001
        logging.error("page %d: %s", len(kept), error)
        time.sleep(3)
    time.sleep(0.15)
