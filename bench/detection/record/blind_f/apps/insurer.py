"""The insurer, somebody else's: answers as the file of its mode says."""

import asyncio
from pathlib import Path

from aiohttp import web

MODE = Path("/srv/clinic/insurer.mode")


async def cover(request):
    mode = MODE.read_text().strip()
    if mode == "slow":
        await asyncio.sleep(30)
    if mode.isdigit():
        return web.Response(status=int(mode), text="no\n", headers={"Retry-After": "30"} if mode == "429" else {})
    if mode == "html":
        return web.Response(text="<html><body>We are moving house. Please come back on Monday.</body></html>", content_type="text/html")
    return web.json_response({"plan": "basic", "patient": int(request.match_info["patient"])})


app = web.Application()
app.add_routes([web.get("/cover/{patient}", cover)])
web.run_app(app, host="127.0.0.70", port=8443, print=None, access_log=None)
