"""/openapi.json and /docs: the API described, and a page to read and try it. Needs no network.

The page is Swagger UI, vendored in `static`; nothing of it is loaded from elsewhere, and its
Content-Security-Policy would not let it.
"""
from __future__ import annotations

import functools
import json
from importlib import resources

from aiohttp import web

import sra_server
from sra_sdk.errors import NotFound

from .openapi import document
from .route import Call, Route

_FILES = {
    "swagger-ui-bundle.js": "text/javascript", "swagger-ui.css": "text/css", "page.js": "text/javascript",
    "LICENSE": "text/plain", "NOTICE": "text/plain", "swagger-ui-bundle.js.LICENSE.txt": "text/plain",
}
#: Swagger UI writes style attributes itself, and its icons are data URLs; scripts are only our files.
_POLICY = ("default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
           "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>SRA API</title>
<link rel="stylesheet" href="/docs/swagger-ui.css">
</head>
<body>
<div id="swagger-ui"></div>
<noscript>This page needs JavaScript; <a href="/openapi.json">/openapi.json</a> tells the same.</noscript>
<script src="/docs/swagger-ui-bundle.js"></script>
<script src="/docs/page.js"></script>
</body>
</html>
"""


async def openapi(_call: Call) -> web.Response:
    """Describe every route as OpenAPI 3.1."""
    return web.Response(body=_described(), content_type="application/json")


async def page(_call: Call) -> web.Response:
    """Show the description as a page."""
    return web.Response(text=_PAGE, content_type="text/html", headers={"Content-Security-Policy": _POLICY})


async def file(call: Call) -> web.Response:
    """Give a file of the page."""
    name = call.path["name"]
    if name not in _FILES:
        raise NotFound(f"there is no file {name} here")
    return web.Response(body=_content(name), content_type=_FILES[name], charset="utf-8",
                        headers={"Cache-Control": "public, max-age=86400"})


@functools.cache
def _described() -> bytes:
    from . import ROUTES  # the table holds this module's routes, too

    return json.dumps(document(ROUTES, sra_server.__version__), ensure_ascii=False).encode()


@functools.cache
def _content(name: str) -> bytes:
    return (resources.files("sra_server.api") / "static" / name).read_bytes()


_TAG = "Documentation"

ROUTES = (
    Route(method="GET", path="/openapi.json", handler=openapi, summary="The API as OpenAPI 3.1", tag=_TAG,
          auth="none"),
    Route(method="GET", path="/docs", handler=page, summary="The API as a page", tag=_TAG, auth="none",
          media_type="text/html"),
    Route(method="GET", path="/docs/{name}", handler=file, summary="A file of the page", tag=_TAG,
          auth="none", hidden=True),
)
