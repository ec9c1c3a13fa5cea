"""A host played by a script: announces itself, polls, plans and acts over HTTP as an agent does."""
from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

_PLAN = {"mode": "live", "platform": "command", "target": "checkout", "checks": ["http :8081/health"],
         "binding": {"argv": ["/usr/local/bin/restart-checkout"]},
         "steps": [{"text": "/usr/local/bin/restart-checkout", "timeout_s": 60.0}]}


class ScriptedHost:
    """web-1, which can restart checkout."""

    def __init__(self, http: httpx.AsyncClient, *, name: str = "web-1", service: str = "checkout",
                 mode: str = "live") -> None:
        self.http, self.name, self.service, self.mode = http, name, service, mode
        self.digest = "digest-1"
        self.tasks: list[dict[str, Any]] = []
        self.acts: list[dict[str, Any]] = []

    async def announce(self) -> None:
        """Say hello with an inventory of one line."""
        answer = await self.http.post("/agent/hello", json={
            "host": self.name, "agent_version": "0", "boot_id": "b", "services": [self.service],
            "inventory": [{"service": self.service, "action": "restart_service", "platform": "command",
                           "mode": self.mode}]})
        assert answer.status_code == 200, answer.text

    async def poll(self, wait: float = 5.0) -> list[dict[str, Any]]:
        """Fetch tasks once."""
        answer = await self.http.get("/agent/tasks", params={"host": self.name, "wait": wait}, timeout=40)
        assert answer.status_code == 200, answer.text
        found: list[dict[str, Any]] = answer.json()["tasks"]
        self.tasks += found
        return found

    async def say(
        self, task: dict[str, Any], kind: str, body: dict[str, Any] | None = None
    ) -> httpx.Response:
        """Answer a task."""
        return await self.http.post("/agent/answers", json={
            "task_id": task["id"], "token": task["token"], "kind": kind, "body": body or {}})

    async def plan(self, task: dict[str, Any]) -> None:
        """Answer a plan."""
        now = datetime.now(UTC)
        body = {**_PLAN, "mode": self.mode, "digest": self.digest, "planned_at": now.isoformat(),
                "expires_at": (now + timedelta(minutes=10)).isoformat()}
        answer = await self.say(task, "plan", body)
        assert answer.status_code == 200, answer.text

    async def act(self, task: dict[str, Any], *, recovered: bool = True, window: float = 0.3) -> None:
        """Do as told: start, verify, show life, say how it ended."""
        self.acts.append(task)
        if task["dry_run"] or self.mode != "live":
            await self.say(task, "outcome", {"status": "simulated", "reason": "dry-run",
                                             "finished_at": datetime.now(UTC).isoformat()})
            return
        assert (await self.say(task, "started")).status_code == 200
        assert (await self.say(task, "verifying")).status_code == 200
        await asyncio.sleep(window)
        await self.alive()
        answer = await self.say(task, "outcome", {
            "status": "succeeded" if recovered else "failed", "reason": "the command ended with 0",
            "steps": [{"text": "restart", "exit_code": 0, "seconds": 0.1, "output": ""}],
            "checks": [{"text": "http :8081/health", "before": False, "after": [recovered] * 3,
                        "passed": recovered}],
            "checks_recovered": recovered, "unchanged": True, "finished_at": datetime.now(UTC).isoformat()})
        assert answer.status_code == 200, answer.text

    async def alive(self) -> None:
        """Send a record of the service that tells of nothing bad."""
        answer = await self.http.post(
            "/ingest/logs",
            json={
                "host": self.name,
                "service": self.service,
                "logs": [{"level": "info", "message": "GET /cart 200"}],
            },
        )
        assert answer.status_code == 200, answer.text

    async def serve(self, *, recovered: bool = True) -> None:
        """Plan and act until cancelled."""
        while True:
            for task in await self.poll():
                if task["kind"] == "plan":
                    await self.plan(task)
                else:
                    await self.act(task, recovered=recovered)
