# ruff: noqa: E501 - lines of logs are as long as they are
"""Failures in the words of drivers, shippers and clients are told within 10 s; one of them, or the look-alike, is not."""
from __future__ import annotations

import pytest

from .test_single import _each, _told

SPRING = "2024-03-05T10:00:00.000Z ERROR 1 --- [shop] [nio-8080-exec-3] "
LINK = f"{SPRING}o.h.engine.jdbc.spi.SqlExceptionHelper   : Communications link failure\n\nThe last packet sent successfully to the server was 0 milliseconds ago."
CAUSED = (f"{SPRING}c.e.crm.Sync : sync failed\norg.springframework.dao.DataAccessResourceFailureException: PreparedStatementCallback\n"
          "Caused by: com.mysql.cj.jdbc.exceptions.CommunicationsException: Communications link failure")
JEDIS = f"{SPRING}c.e.Cart : redis.clients.jedis.exceptions.JedisConnectionException: Could not get a resource from the pool"
BACKEND = f"{SPRING}c.e.Cart : org.postgresql.util.PSQLException: An I/O error occurred while sending to the backend."
CLOSED = f"{SPRING}o.h.engine.jdbc.spi.SqlExceptionHelper : This connection has been closed."
MONGO = f"{SPRING}c.e.Cart : com.mongodb.MongoSocketReadException: Prematurely reached end of stream"
GO = '{{"severity": "ERROR", "timestamp": "2024-03-05T10:00:00.123Z", "message": "could not load quote: {}"}}'
FAR = "2024/03/05 10:00:00 ERROR Post \"https://api.partner.example:5432/\": dial tcp 192.0.2.5:5432: i/o timeout"
PLAIN = "2024/03/05 10:00:00 ERROR dial tcp 10.1.0.5:8080: i/o timeout"

TOLD = {
    "MySQL of Hibernate": (_each(LINK, 20, 1), "database_failure critical"),
    "MySQL as the last cause": (_each(CAUSED, 20, 1), "database_failure critical"),
    "Jedis": (_each(JEDIS, 20, 1), "database_failure critical"),
    "PostgreSQL's driver": (_each(BACKEND, 20, 1), "database_failure critical"),
    "a pool of dead connections": (_each(CLOSED, 20, 1), "database_failure critical"),
    "MongoDB's driver": (_each(MONGO, 20, 1), "database_failure critical"),
    "one in many requests": (_each(LINK, 10, 4.5), "database_failure medium"),
    "lib/pq": (_each(GO.format("pq: dial tcp 10.1.0.5:5432: i/o timeout"), 20, 1), "database_failure critical"),
    "a well-known port": (_each(GO.format("dial tcp 10.1.0.5:27017: i/o timeout"), 20, 1), "database_failure critical"),
    "another port": (_each(PLAIN, 20, 1), "external_api_down high"),
    "another scheme": (_each(FAR, 20, 1), "external_api_down high"),
}
QUIET = {
    "one link failure": _each(LINK, 1, 1),
    "one as the last cause": _each(CAUSED, 1, 1),
    "one connection that lay unused": _each(CLOSED, 1, 1),
    "one such in an hour": _each(CLOSED, 3, 300),
    "one failure of Jedis": _each(JEDIS, 1, 1),
    "one timeout of Go": _each(GO.format("pq: dial tcp 10.1.0.5:5432: i/o timeout"), 1, 1),
}


@pytest.mark.parametrize("name", TOLD)
def test_the_real_thing_is_told(name: str) -> None:
    lines, opened = TOLD[name]
    assert _told(lines, within=11) == [opened]


@pytest.mark.parametrize("name", QUIET)
def test_the_look_alike_is_quiet(name: str) -> None:
    assert _told(QUIET[name]) == []
