"""What went wrong in the database, in our own words. From the Store; to whoever reads the error."""
from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

import asyncpg
from sqlalchemy import URL
from sqlalchemy.exc import DBAPIError, IntegrityError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from sra_sdk.errors import BadInput, Unavailable

from . import engine


@contextmanager
def explained() -> Iterator[None]:
    """Turn the database's own troubles into Unavailable; a broken rule of ours stays what it is."""
    try:
        yield
    except IntegrityError:
        raise
    except PoolTimeout as error:
        raise Unavailable("the database is busy", retry_after=1.0) from error
    except DBAPIError as error:
        if engine.was_interrupted(error.orig):
            raise BadInput("the search took too long and was stopped", code="search_too_long",
                           hint="narrow it: a shorter time range, a service or a host") from error
        if isinstance(error, OperationalError | InterfaceError) or _is_resource_trouble(error):
            raise Unavailable(f"the database cannot be used: {error.orig}", retry_after=2.0) from error
        raise
    except (sqlite3.OperationalError, asyncpg.InterfaceError, asyncpg.InternalClientError) as error:
        # the driver's own state is wrong when a connection is ended from outside between two statements
        raise Unavailable(f"the database cannot be used: {error}", retry_after=2.0) from error
    except asyncpg.PostgresError as error:
        if _passing(str(error.sqlstate or "")):
            raise Unavailable(f"the database cannot be used: {error}", retry_after=2.0) from error
        raise
    except OSError as error:  # no connection to PostgreSQL
        raise Unavailable(f"the database cannot be reached: {error}", retry_after=2.0) from error


@contextmanager
def let_in(url: URL) -> Iterator[None]:
    """Say what is wrong with the URL where PostgreSQL answers and refuses us."""
    try:
        yield
    except Exception as error:
        state = str(getattr(getattr(error, "orig", None) or error, "sqlstate", "") or "")
        if state == "3D000":
            raise BadInput(f"database_url: there is no database {url.database!r} on {url.host}",
                           code="no_database", hint=f"make it first: createdb {url.database}") from error
        if state[:2] == "28":
            raise BadInput(f"database_url: {url.host} does not let {url.username or 'this user'} in",
                           code="database_login", hint="check user and password in database_url") from error
        raise


def _is_resource_trouble(error: DBAPIError) -> bool:
    """Tell whether PostgreSQL lacks connections, disk, memory, or is starting or stopping."""
    if error.connection_invalidated:
        return True
    return _passing(str(getattr(error.orig, "sqlstate", "") or ""))


def _passing(state: str) -> bool:
    return state[:2] in ("08", "53", "57", "58")
