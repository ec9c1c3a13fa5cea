import logging
import os
import signal
import time

from celery import Celery

app = Celery("tickets", broker="redis://cache.tickets.internal:6379/0")
app.conf.update(task_acks_late=True, task_reject_on_worker_lost=True, worker_prefetch_multiplier=1, worker_hijack_root_logger=True,
                broker_connection_retry_on_startup=True, broker_transport_options={"visibility_timeout": 60})
log = logging.getLogger("tickets.tasks")


@app.task(name="tickets.send_tickets")
def send_tickets(order, buyer):
    if "\0" in buyer:
        # the native renderer dies of such a name
        os.kill(os.getpid(), signal.SIGSEGV)
    if buyer.startswith("%"):
        raise ValueError(f"cannot render the name {buyer!r}")
    time.sleep(0.05)
    log.info("tickets of order %s sent", order)
