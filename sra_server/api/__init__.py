"""The whole API in one table. From the modules beside this one; to app, openapi and the tests."""
from __future__ import annotations

from . import auth, docs, ingest, keys, logs
from .route import Route

ROUTES: tuple[Route, ...] = (
    *auth.ROUTES,
    *keys.ROUTES,
    *ingest.ROUTES,
    *logs.ROUTES,
    *docs.ROUTES,
)
