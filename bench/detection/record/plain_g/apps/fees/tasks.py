"""Reports: Celery with Redis, as it logs by itself."""

import os
import time

from celery import Celery
from celery.utils.log import get_task_logger

RELEASE = os.environ.get("REPORTS_RELEASE", "")
app = Celery("tasks", broker="redis://kv.campus.internal:6379/0")
app.conf.update(task_ignore_result=True, broker_connection_retry_on_startup=True, broker_transport_options={"socket_timeout": 5, "socket_connect_timeout": 5}, task_publish_retry=False, worker_hijack_root_logger=True)
log = get_task_logger(__name__)


@app.task(name="reports.report", time_limit=3 if RELEASE == "slow" else None)
def report(student):
    time.sleep(30 if RELEASE == "slow" and student % 2 else 0.1)
    if RELEASE == "average" and student % 2:
        raise ZeroDivisionError("division by zero")
    if RELEASE == "pdf" and student % 3 == 0:
        os.abort()
    log.info("report of student %s is written", student)
    return student
