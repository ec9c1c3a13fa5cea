# ruff: noqa: E501 - lines of logs are as long as they are
"""Troubles that were told under another class, or not at all, and what has the same words and is none."""
from __future__ import annotations

import pytest

from .test_single import APP, Lines, _each, _told

UNWRITABLE = ('{"level":"ERROR","time":"2024-03-05T10:00:00.123Z","error":{"message":"Resource requested is unwritable, '
              'please reduce your request rate (cmd.InsufficientWriteQuorum)"}}')
DYNAMO = (f"{APP}operation error DynamoDB: UpdateItem, exceeded maximum number of attempts, 3, ProvisionedThroughputExceededException: "
          "The level of configured provisioned throughput for the table was exceeded.")
QUOTA = f"""{APP}<HttpError 403 "Calendar usage limits exceeded.". Details: "[{{'domain': 'usageLimits', 'reason': 'quotaExceeded'}}]">"""
STORAGE = f"""{APP}<HttpError 403 "storage is full". Details: "[{{'reason': 'storageQuotaExceeded'}}]">"""
ORACLE = f"{APP}java.sql.SQLException: ORA-28001: the password has expired"
DIRECTORY = (f"{APP}could not search directory: javax.naming.AuthenticationException: [LDAP: error code 49 - 80090308: LdapErr: "
             "DSID-0C090447, comment: AcceptSecurityContext error, data {}, v3839]")
COUCHBASE = f'{APP}com.couchbase.client.core.error.UnambiguousTimeoutException: GetRequest, Reason: TIMEOUT {{"timeoutMs":2500}}'
SETTING = f'{APP}Config validation error: "JWT_ISSUER" is required'

TOLD: dict[str, tuple[Lines, str]] = {
    "MinIO without its quorum": (_each(UNWRITABLE, 8, 12), "database_failure critical"),
    "DynamoDB": (_each(DYNAMO, 20, 2), "rate_limited medium"),
    "Google's quota": (_each(QUOTA, 20, 2), "rate_limited medium"),
    "Oracle's expired password": (_each(ORACLE, 8, 5), "auth_failures medium"),
    "a directory's expired password": (_each(DIRECTORY.format(532), 20, 8), "auth_failures medium"),
    "Couchbase": (_each(COUCHBASE, 20, 2), "database_failure high"),
    "a setting that is missing at each start": (_each(SETTING, 6, 20), "service_crash high"),
}
QUIET: dict[str, Lines] = {
    "MinIO while a node is restarted": _each(UNWRITABLE, 2, 3),
    "one request that DynamoDB refused": _each(DYNAMO, 1, 1),
    "somebody's own storage is full": _each(STORAGE, 2, 30),
    "a person with an expired password": _each(ORACLE, 2, 5),
    "persons with expired passwords": _each(DIRECTORY.format(532), 4, 100),
    "one request of Couchbase": _each(COUCHBASE, 1, 1),
    "a start that failed once": _each(SETTING, 1, 1),
}


@pytest.mark.parametrize("name", TOLD)
def test_it_is_told_as_what_it_is(name: str) -> None:
    lines, opened = TOLD[name]
    assert _told(lines)[0] == opened


@pytest.mark.parametrize("name", QUIET)
def test_the_same_words_of_something_else_are_quiet(name: str) -> None:
    assert _told(QUIET[name]) == []
