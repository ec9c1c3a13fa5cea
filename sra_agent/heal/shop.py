"""What acts are carried out with: policy, journal, audit log, runner, clock. From executor; to conduct."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from .audit import Audit
from .clock import Clock, rfc3339
from .decide import Circumstances
from .journal import Journal
from .policy_file import Loaded, load_policy, stopped
from .run import Runner


@dataclass(slots=True, kw_only=True)
class Shop:
    """What acts are carried out with. `running` names the act in hand."""

    policy_path: str
    journal: Journal
    audit: Audit
    runner: Runner
    clock: Clock
    host: str
    running: str | None = None

    def load(self) -> Loaded:
        """Read the policy anew."""
        return load_policy(self.policy_path)

    def circumstances(self, *, busy: str | None) -> Circumstances:
        """Return what the decision depends on, as of now."""
        return Circumstances(
            boot_id=self.clock.boot_id,
            now=self.clock.now(),
            acts=self.journal.history(),
            running=busy,
            stopped=stopped(self.policy_path),
        )

    def record(self, what: str, **facts: Any) -> None:
        """Write a line of the audit log and remember its hash."""
        self.journal.remember("audit_head", self.audit.append(rfc3339(self.clock.wall()), what, **facts))
