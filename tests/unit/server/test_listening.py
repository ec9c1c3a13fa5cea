"""Whom a client means by an address: who listens there, as the agent of its host told before."""
from __future__ import annotations

import pytest

from sra_server.domain.listener import key, listens

from .world import World, batch, point, record

REFUSED = 'psycopg.OperationalError: connection to server at "{}", port 5433 failed: Connection refused'


def clients(place: str, told: bool = True, host: str = "web-1", address: str = "*") -> World:
    world = World()
    points = [point("host.listens", 1, 0, host="db-1" if told and "db-1" in place else host,
                    place=f"{address}:5433", program="ledgerd", systemd="ledger")] if told else []
    world.fold(batch(0, points=points, alive=["shop"]))
    for second in (10, 12, 14):
        world.fold(batch(second, record(REFUSED.format(place), second)))
    return world


@pytest.mark.parametrize("place", ["127.0.0.1", "localhost", "db-1", "db-1.internal"])
def test_who_listened_where_clients_find_nobody_is_the_culprit(place: str) -> None:
    incident = clients(place).only()
    assert incident.service == "ledger" and "ledger" in (incident.root_cause or "")
    assert clients(place, told=False).only().service == "shop"


def test_of_another_host_only_who_listens_for_others_is_meant_and_never_its_loopback() -> None:
    assert clients("db-1", address="127.0.0.1").only().service == "shop"
    assert clients("127.0.0.1", host="web-2").only().service == "shop"


@pytest.mark.parametrize(("heard", "name"), [
    ({"postgresql"}, "postgresql"), ({"postgres"}, "postgres"), ({"orders-postgres"}, "orders-postgres"),
    ({"shop"}, "postgresql"), ({"orders-postgres", "postgres-2"}, "postgresql"),
    ({"PostgreSQL"}, "PostgreSQL")])
def test_it_is_called_as_it_is_heard(heard: set[str], name: str) -> None:
    listening = {key("web-1", "127.0.0.1:5433"): ["postgres", "postgresql"]}
    assert listens(listening, frozenset(heard), "127.0.0.1:5433", "web-1") == name


def test_what_is_no_place_or_at_which_nobody_listened_names_nobody() -> None:
    listening = {key("web-1", "*:80"): ["nginx", ""]}
    for place in ("", "web-1", "web-1:81", "10.0.0.1:80", "127.0.0.1:"):
        assert listens(listening, frozenset(), place, "web-2") == ""
    assert listens(listening, frozenset(), "web-1:80", "web-2") == "nginx"
