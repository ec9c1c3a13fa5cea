"""The seven actions, by name and by the original's short names. From domain.remedy; to api and inventory."""
from __future__ import annotations

from collections.abc import Sequence

from sra_sdk.errors import NotFound
from sra_sdk.models import ActionOut

from ..domain.analysis import Offer
from ..domain.remedy import ACTIONS

#: What the original called them, and what people type.
ALIASES: dict[str, str] = {
    "restart": "restart_service", "scale": "scale_replicas", "flush": "flush_cache", "queue": "clear_queue",
    "reroute": "reroute_traffic", "rollback": "rollback_deployment", "disk": "clear_disk",
}


#: The parameters that an action takes. None yet: the host's policy says how it is done.
PARAMETERS: dict[str, frozenset[str]] = {}


def named(name: str) -> str:
    """Return the action of that name or short name, or raise NotFound with the list."""
    plain = name.strip().lower().replace("-", "_")
    action = ALIASES.get(plain, plain)
    if action not in ACTIONS:
        raise NotFound(f"no action is called {name[:64]!r}", code="unknown_action",
                       hint="the actions are " + ", ".join(ACTIONS))
    return action


def listed(offers: Sequence[Offer]) -> list[ActionOut]:
    """Return every action, with the targets for which a host's policy allows it."""
    found = []
    for name, (description, reversible) in ACTIONS.items():
        targets = [{"host": o.host, "service": o.service, "platform": o.platform, "mode": o.mode}
                   for o in offers if o.action == name]
        message = None if targets else ("no target is configured: a host offers this action once its policy "
                                        f"has an [[allow]] entry with action = \"{name}\"")
        found.append(ActionOut.model_validate({
            "name": name, "description": description, "reversible": reversible,
            "configured": bool(targets), "targets": targets, "message": message}))
    return found
