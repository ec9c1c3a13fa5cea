"""Reminders to patients: jobs of arq, which ask the insurer."""

import logging
import os

import aiohttp
from arq import cron
from arq.connections import RedisSettings

log = logging.getLogger("arq.reminders")
RELEASE = os.environ.get("REMINDERS_RELEASE", "")


async def startup(ctx):
    ctx["http"] = aiohttp.ClientSession(base_url="http://api.insurer.example:8443", timeout=aiohttp.ClientTimeout(total=4),
                                        headers={"Authorization": "Bearer clinic-117"})


async def shutdown(ctx):
    await ctx["http"].close()


async def remind(ctx, patient: int) -> str:
    async with ctx["http"].get(f"/cover/{patient}") as answer:
        if answer.status == 429:
            log.warning("insurer answers 429 Too Many Requests, retry after %s s", answer.headers.get("Retry-After"))
        answer.raise_for_status()
        cover = await answer.json()
    return f"patient {patient} is covered by {cover['plan']}"


async def plan(ctx) -> None:
    number = ctx["job_try"] + int(ctx["enqueue_time"].timestamp()) % 700
    for each in range(2):
        await ctx["redis"].enqueue_job("remind", number + each)
    waiting = await ctx["redis"].zcard("arq:queue")
    log.info("reminders waiting: %d", waiting)


class WorkerSettings:
    functions = (remind,)
    cron_jobs = (cron(plan, second=set(range(0, 60, 3))),)
    redis_settings = RedisSettings(host="kv1.clinic.internal", conn_retries=3)
    on_startup, on_shutdown = startup, shutdown
    job_timeout, max_tries, keep_result, health_check_interval = 8, 2, 5, 30
