"""Known: what is declared or learned of the surroundings of a trouble. From pipeline; to correlate, lead."""
from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from .listener import listens
from .place import seen_from


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What is declared or learned of the surroundings.

    Place, as `seen_from` a host → service that is probed there, service → what it depends on, every service
    ever heard of, who listens where (listener), and service → the hosts on which it was heard.
    """

    places: Mapping[str, str] = field(default_factory=dict)
    depends_on: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    services: frozenset[str] = frozenset()
    listening: Mapping[str, Sequence[str]] = field(default_factory=dict)
    homes: Mapping[str, frozenset[str]] = field(default_factory=dict)

    def at(self, place: str, host: str) -> str:
        """Return whom a client on a host means by a place, as a probe or an agent tells, or ""."""
        return self.probed(place, host) or listens(self.listening, self.services, place, host)

    def probed(self, place: str, host: str) -> str:
        """Return the service whose health check looks at a place, as a client on a host means it, or ""."""
        return self.places.get(seen_from(place, host), "")

    def needs(self, service: str) -> dict[str, str]:
        """Return what a service depends on as declared, also through others, each with the way in words."""
        found: dict[str, str] = {}
        ways = [(service, "")]
        for name, way in ways:
            for need in self.depends_on.get(name, ()):
                if need not in found and need != service:
                    found[need] = f"{way}, which depends on {need}" if way else f"{service} depends on {need}"
                    ways.append((need, found[need]))
        return found
