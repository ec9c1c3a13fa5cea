"""The whole API in one table. From the modules beside this one; to app, openapi and the tests."""
from __future__ import annotations

from .route import Route

ROUTES: tuple[Route, ...] = ()
