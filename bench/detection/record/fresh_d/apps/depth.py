"""Tells each ten seconds how long the queue of labels is."""

import sys
import time

from loguru import logger
from redis import Redis
from rq import Queue

logger.remove()
logger.add(sys.stderr, colorize=False, backtrace=False, diagnose=False)
queue = Queue("labels", connection=Redis("kv1.freight.internal"))
while True:
    count = len(queue)
    if count > 15:
        logger.warning("queue labels has {} jobs waiting, the limit is 15; workers do not keep up", count)
    else:
        logger.info("queue labels has {} jobs waiting", count)
    time.sleep(10)
