"""/hosts: the machines with an agent, what they watch and what their policies offer. From store.hosts."""
from __future__ import annotations

from sra_sdk.models import HostOut

from .. import present
from ..store import hosts
from .route import Call, Route


async def every(call: Call) -> list[HostOut]:
    """List the account's hosts by name."""
    account_id = call.principal.account_id
    async with call.store.reading() as conn:
        offers = await hosts.offers(conn, account_id)
        return [present.host_out(host, offers, call.now()) for host in await hosts.every(conn, account_id)]


async def one(call: Call) -> HostOut:
    """Show a host."""
    account_id, name = call.principal.account_id, call.path["host"]
    async with call.store.reading() as conn:
        host = await hosts.get(conn, account_id, name)
        return present.host_out(host, await hosts.offers(conn, account_id, host=name), call.now())


ROUTES: tuple[Route, ...] = (
    Route(method="GET", path="/hosts", handler=every, tag="Hosts", scope="read", summary="List hosts",
          answer=list[HostOut]),
    Route(method="GET", path="/hosts/{host}", handler=one, tag="Hosts", scope="read", summary="Get a host",
          answer=HostOut, errors=(404,)),
)
