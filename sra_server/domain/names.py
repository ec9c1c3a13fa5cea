"""Names: to which services a signal points, by the place that it names or by name. To lead, correlate."""
from __future__ import annotations

import re

from .called import of_its_host
from .known import Known
from .own import follows
from .place import seen_from
from .signal import Signal

#: Names of services that are words of any text.
TOO_COMMON = frozenset({"app", "api", "server", "service", "error", "errors", "main", "log", "system",
                        "kernel", "web", "http", "worker", "java", "python", "node", "localhost", "the",
                         "and"})


def names(effect: Signal, signals: tuple[Signal, ...], known: Known) -> set[str]:
    """Return the services, other than its own, to which a signal points."""
    found: set[str] = set()
    place = known.at(effect.subject, effect.host) if effect.subject else ""
    if place and effect.detector != "probe":
        found.add(place)
    target = effect.subject.partition(":")[0]
    if target in known.services and effect.detector != "probe":
        # the culprit is often silent: that it is called by its name must suffice
        found.add(target)
    elif (called := of_its_host(effect.subject, known.services)) not in TOO_COMMON \
            and effect.detector != "probe":
        found.add(called)
    text = "\n".join(each.text for each in effect.evidence[:3]).lower()
    needs = known.needs(effect.service) if known.depends_on else {}
    probed = {each.service for each in signals if each.detector == "probe" and effect.subject
              and seen_from(each.subject, each.host) == seen_from(effect.subject, effect.host)}
    for service in {each.service for each in signals if each.service} | set(needs):
        if effect.detector == "probe":
            said = False
        else:
            said = service.lower() == target or service in probed \
                or (effect.cls != "auth_failures" and _speaks(text, service))
        if said or (service in needs and any(
                each.service == service and follows(each, effect) for each in signals)):
            found.add(service)
    found -= {effect.service, ""}
    return found


def _speaks(text: str, service: str) -> bool:
    name = service.lower()
    if len(name) < 3 or name in TOO_COMMON or name not in text:
        return False
    return re.search(rf"(?<![\w-]){re.escape(name)}(?![\w-])", text) is not None
