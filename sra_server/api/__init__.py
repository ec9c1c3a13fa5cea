"""The whole API in one table. From the modules beside this one; to app, openapi and the tests."""
from __future__ import annotations

from . import agent, auth, docs, hosts, incidents, ingest, keys, lessons, logs, monitoring, remedies, silences
from .route import Route

ROUTES: tuple[Route, ...] = (
    *auth.ROUTES,
    *keys.ROUTES,
    *ingest.ROUTES,
    *logs.ROUTES,
    *incidents.ROUTES,
    *silences.ROUTES,
    *lessons.ROUTES,
    *remedies.ROUTES,
    *hosts.ROUTES,
    *agent.ROUTES,
    *monitoring.ROUTES,
    *docs.ROUTES,
)
