"""Heading: an incident's row beside its case: the title of it, and the case from it. From correlate; pure."""
from __future__ import annotations

from ..domain.case import Case
from ..domain.incident import Incident
from ..domain.lead import Lead
from ..domain.signal import CLASSES


def title(found: Lead) -> str:
    """Return a title that names the class, the place and what was seen."""
    where = found.service or found.host
    words = CLASSES[found.cls]
    seen = found.signal.title
    if found.service and found.signal.service and found.service != found.signal.service:
        seen = f"{found.signal.service} reports: {seen}"
    return f"{words}: {where}: {seen}" if where else f"{words}: {seen}"


def restored(incident: Incident) -> Case:
    """Return what can be known of an incident whose case was lost: its row."""
    fired = {each: incident.last_signal_at for each in incident.firing}
    return Case(signals=(), fired=fired, cleared={}, last_at=incident.last_signal_at,
                told_at=incident.updated_at, count=incident.signals)
