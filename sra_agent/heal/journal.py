"""Intent before act, outcome after, durable both times. From conduct; to recover, decide and the relay.

One SQLite file, every commit on disk before the call returns. An act's phases: accepted, intent
(the act may have begun), acted (the steps ended, and how), done. Answers wait here until acknowledged.
"""

from __future__ import annotations

import json
import os
import sqlite3
from dataclasses import dataclass
from typing import Any

from .decide import Past
from .task import Task

_SCHEMA = """
CREATE TABLE IF NOT EXISTS plans (
  remedy_id TEXT, digest TEXT, boot_id TEXT, planned REAL, expires REAL, binding TEXT, used INTEGER DEFAULT 0,
  PRIMARY KEY (remedy_id, digest)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS acts (
  act INTEGER PRIMARY KEY, token TEXT UNIQUE, task_id TEXT, remedy_id TEXT, action TEXT, service TEXT,
  phase TEXT, live INTEGER DEFAULT 0, target TEXT, boot_id TEXT, started REAL, ended REAL, status TEXT,
  pid INTEGER, pid_began INTEGER, detail TEXT);
CREATE TABLE IF NOT EXISTS answers (
  task_id TEXT, token TEXT, kind TEXT, body TEXT, PRIMARY KEY (task_id, token, kind));
CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value TEXT) WITHOUT ROWID;
"""
_KEPT_ACTS = 5000
_KEPT_PLANS = 1000
_KEPT_ANSWERS = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """An act that was found open."""

    act: int
    token: str
    task_id: str
    remedy_id: str
    action: str
    service: str
    phase: str
    boot_id: str
    pid: int
    pid_began: int
    detail: dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptPlan:
    """A plan as it was answered."""

    boot_id: str
    expires: float
    used: bool
    binding: dict[str, Any]


class Journal:
    """The executor's memory. One process, one thread."""

    def __init__(self, path: str) -> None:
        os.close(os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600))
        self._db = sqlite3.connect(path, isolation_level=None, timeout=10.0)
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=FULL")
        self._db.execute("PRAGMA cache_size=-512")
        self._db.executescript(_SCHEMA)

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    def keep_plan(
        self, task: Task, digest: str, boot_id: str, now: float, lifetime: float, binding: dict[str, Any]
    ) -> None:
        """Remember a plan until it expires."""
        with self._db:
            self._db.execute("BEGIN IMMEDIATE")
            # planned again, it lives longer; but a remedy that was carried out stays used
            self._db.execute(
                "INSERT INTO plans VALUES (?,?,?,?,?,?,0) ON CONFLICT (remedy_id, digest) DO UPDATE "
                "SET boot_id=excluded.boot_id, planned=excluded.planned, expires=excluded.expires",
                (task.remedy_id, digest, boot_id, now, now + lifetime, json.dumps(binding)),
            )
            self._db.execute(
                "DELETE FROM plans WHERE (remedy_id, digest) IN (SELECT remedy_id, digest FROM plans "
                "ORDER BY boot_id = ? DESC, planned DESC LIMIT -1 OFFSET ?)",
                (boot_id, _KEPT_PLANS),
            )

    def plan(self, remedy_id: str, digest: str) -> KeptPlan | None:
        """Return the plan of a remedy by its digest."""
        row = self._db.execute(
            "SELECT boot_id, expires, used, binding FROM plans WHERE remedy_id=? AND digest=?",
            (remedy_id, digest),
        ).fetchone()
        return row and KeptPlan(boot_id=row[0], expires=row[1], used=bool(row[2]), binding=json.loads(row[3]))

    def accept(self, task: Task, boot_id: str, now: float) -> int | None:
        """Record that a task was taken over; None if its token was taken before."""
        with self._db:
            self._db.execute("BEGIN IMMEDIATE")
            added = self._db.execute(
                "INSERT OR IGNORE INTO acts (token, task_id, remedy_id, action, service, phase, boot_id, "
                "started) VALUES (?,?,?,?,?,'accepted',?,?)",
                (task.token, task.id, task.remedy_id, task.action, task.service, boot_id, now),
            )
            if added.rowcount != 1:
                return None
            self._db.execute(
                "DELETE FROM acts WHERE phase='done' AND act <= (SELECT max(act) FROM acts) - ?",
                (_KEPT_ACTS,),
            )
            return int(added.lastrowid or 0)

    def intend(self, act: int, task: Task, *, target: str, now: float, detail: dict[str, Any]) -> None:
        """Record that the act is about to begin, and use its plan up. Nothing may run before this returns."""
        with self._db:
            self._db.execute("BEGIN IMMEDIATE")
            self._db.execute(
                "UPDATE plans SET used=1 WHERE remedy_id=? AND digest=?", (task.remedy_id, task.digest)
            )
            self._db.execute(
                "UPDATE acts SET phase='intent', live=1, target=?, started=?, detail=? WHERE act=?",
                (target, now, json.dumps(detail), act),
            )

    def spawned(self, act: int, pid: int, began: int) -> None:
        """Record which process carries out the step."""
        self._db.execute("UPDATE acts SET pid=?, pid_began=? WHERE act=?", (pid, began, act))

    def acted(self, act: int, steps: list[dict[str, Any]]) -> None:
        """Record how the steps ended; from here on a restart may judge the act."""
        self._db.execute(
            "UPDATE acts SET phase='acted', detail=json_set(detail, '$.steps', json(?)) WHERE act=?",
            (json.dumps(steps), act),
        )

    def finish(
        self, act: int, *, kind: str, status: str, body: dict[str, Any], now: float, began: bool = True
    ) -> None:
        """Record end and answer of an act in one transaction. `began` False: nothing ran after all."""
        with self._db:
            self._db.execute("BEGIN IMMEDIATE")
            self._db.execute(
                "UPDATE acts SET phase='done', status=?, ended=?, live=live*? WHERE act=?",
                (status, now, int(began), act),
            )
            self._db.execute(
                "INSERT OR REPLACE INTO answers SELECT task_id, token, ?, ? FROM acts WHERE act=?",
                (kind, json.dumps(body), act),
            )
            lost = self._db.execute(
                "DELETE FROM answers WHERE rowid <= (SELECT max(rowid) FROM answers) - ?", (_KEPT_ANSWERS,)
            ).rowcount
            if lost:
                self.remember("answers_lost", str(int(self.meta("answers_lost") or 0) + lost))

    def open_acts(self) -> list[Act]:
        """Return the acts whose end is not recorded, oldest first."""
        rows = self._db.execute(
            "SELECT act, token, task_id, remedy_id, action, service, phase, boot_id, "
            "coalesce(pid,0), coalesce(pid_began,0), coalesce(detail,'{}') FROM acts "
            "WHERE phase<>'done' ORDER BY act"
        ).fetchall()
        return [
            Act(
                act=r[0],
                token=r[1],
                task_id=r[2],
                remedy_id=r[3],
                action=r[4],
                service=r[5],
                phase=r[6],
                boot_id=r[7],
                pid=r[8],
                pid_began=r[9],
                detail=json.loads(r[10]),
            )
            for r in rows
        ]

    def history(self) -> tuple[Past, ...]:
        """Return the acts that really began, oldest first; the latest that limits could ask about."""
        rows = self._db.execute(
            "SELECT target, boot_id, started, ended, status FROM acts WHERE live=1 "
            "ORDER BY act DESC LIMIT 2000"
        ).fetchall()
        return tuple(
            Past(target=r[0], boot_id=r[1], started=r[2], ended=r[3], status=r[4]) for r in reversed(rows)
        )

    def answers(self, token: str | None = None) -> list[dict[str, Any]]:
        """Return what has not been acknowledged, oldest first."""
        rows = self._db.execute(
            "SELECT task_id, token, kind, body FROM answers WHERE ? IS NULL OR token=? ORDER BY rowid",
            (token, token),
        ).fetchall()
        return [{"task_id": r[0], "token": r[1], "kind": r[2], "body": json.loads(r[3])} for r in rows]

    def acknowledge(self, task_id: str, kind: str, token: str | None = None) -> int:
        """Forget answers that the server has; return how many."""
        done = self._db.execute(
            "DELETE FROM answers WHERE task_id=? AND kind=? AND (? IS NULL OR token=?)",
            (task_id, kind, token, token),
        )
        return done.rowcount

    def meta(self, name: str) -> str | None:
        """Return a remembered value."""
        row = self._db.execute("SELECT value FROM meta WHERE name=?", (name,)).fetchone()
        return None if row is None else str(row[0])

    def remember(self, name: str, value: str) -> None:
        """Remember a value."""
        self._db.execute("INSERT OR REPLACE INTO meta VALUES (?,?)", (name, value))
