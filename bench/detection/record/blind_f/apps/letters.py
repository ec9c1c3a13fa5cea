"""Letters to patients: an actor of Dramatiq."""

import os
import time

import dramatiq
from dramatiq.brokers.redis import RedisBroker

dramatiq.set_broker(RedisBroker(host="kv1.clinic.internal", socket_timeout=5))
RELEASE = os.environ.get("LETTERS_RELEASE", "")
KEPT = []


@dramatiq.actor(max_retries=2, min_backoff=2000, max_backoff=4000, time_limit=6000, queue_name="letters")
def write(patient: int) -> None:
    if RELEASE == "template" and patient % 2:
        raise LookupError(f"no template for patient {patient}")
    if RELEASE == "typeset":
        while True:
            time.sleep(0.1)
    if RELEASE == "render":
        os.abort()
    time.sleep(0.1)
    write.logger.info("letter to patient %d is written", patient)
