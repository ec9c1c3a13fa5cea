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
NOMAD = ('2024-03-05T10:00:00.123Z [INFO]  client.alloc_runner.task_runner: Task event: alloc_id=4f1c7c2e task=matcher type=Terminated '
         'msg="Exit Code: {}" failed=false')
PINGS = ("2024-03-05T10:00:00.123Z ERROR - Container app_0_1f2e didn't respond to HTTP pings on port: 8080, failing site start. "
         "See container logs for debugging.")
HORSE = "10:00:00 Work-horse terminated unexpectedly; waitpid returned 9 (signal 9); "
WINDOWS = ('{{"@timestamp":"2024-03-05T10:00:00.123Z","host":{{"name":"dc1"}},"event":{{"code":"4625"}},"log":{{"level":"information"}},'
           '"source":{{"ip":"{}"}},"message":"An account failed to log on."}}')
CEF = ("Mar  5 10:00:00 fw1 CEF:0|Fortinet|Fortigate|v7.2.5|39426|event:vpn ssl-login-fail|7|duser=bob src={} "
       "reason=sslvpn_login_permission_denied msg=SSL user failed to logged in")
LICENCE = '10:00:00 (ugslmd) {}: "solid_modeling" bob@ws34 ({})'
ABEND = "10:00:00.123 JOB57299  IEF450I PAYRCALC STEP020 - ABEND={} U0000 REASON=00000000"
METER = "2024-03-05 10:00:00 meter {n} not read: concentrator 10.0.4.9 is not reachable"

TOLD: dict[str, tuple[Lines, str]] = {
    "MinIO without its quorum": (_each(UNWRITABLE, 8, 12), "database_failure critical"),
    "DynamoDB": (_each(DYNAMO, 20, 2), "rate_limited medium"),
    "Google's quota": (_each(QUOTA, 20, 2), "rate_limited medium"),
    "Oracle's expired password": (_each(ORACLE, 8, 5), "auth_failures medium"),
    "a directory's expired password": (_each(DIRECTORY.format(532), 20, 8), "auth_failures medium"),
    "Couchbase": (_each(COUCHBASE, 20, 2), "database_failure high"),
    "a setting that is missing at each start": (_each(SETTING, 6, 20), "service_crash high"),
    "Nomad's killed task": (_each(NOMAD.format('137, Exit Message: \\"OOM Killed\\"'), 1, 1), "memory_exhaustion critical"),
    "a site that does not start": (_each(PINGS, 3, 150), "service_crash high"),
    "killed jobs of RQ": (_each(HORSE, 4, 40), "service_crash high"),
    "Windows, from one place": (_each(WINDOWS.format("203.0.113.9"), 40, 1), "auth_failures high"),
    "Fortinet, from one place": (_each(CEF.format("203.0.113.9"), 40, 1), "auth_failures high"),
    "Fortinet, from everywhere": (_each(CEF.format("203.0.113.{n}"), 200, 1), "auth_failures high"),
    "a licence": (_each(LICENCE.format("EXPIRED", "Feature has expired. (-10,32)"), 6, 10), "error_burst medium"),
    "a batch job": (_each(ABEND.format("S0C7"), 4, 60), "error_burst medium"),
    "a concentrator": (_each(METER, 20, 3), "external_api_down high"),
}
QUIET: dict[str, Lines] = {
    "MinIO while a node is restarted": _each(UNWRITABLE, 2, 3),
    "one request that DynamoDB refused": _each(DYNAMO, 1, 1),
    "somebody's own storage is full": _each(STORAGE, 2, 30),
    "a person with an expired password": _each(ORACLE, 2, 5),
    "persons with expired passwords": _each(DIRECTORY.format(532), 4, 100),
    "one request of Couchbase": _each(COUCHBASE, 1, 1),
    "a start that failed once": _each(SETTING, 1, 1),
    "Nomad's task that ended": _each(NOMAD.format("0"), 3, 5),
    "a site that needs a second start": _each(PINGS, 1, 1),
    "a job of RQ that is stopped": _each(HORSE, 2, 4),
    "persons who mistype at Windows": _each(WINDOWS.format("10.0.0.{n}"), 6, 30),
    "persons who mistype at a VPN": _each(CEF.format("10.0.0.{n}"), 6, 30),
    "a licence whose seats are taken": _each(LICENCE.format("DENIED", "Licensed number of users already reached. (-4,342)"), 6, 10),
    "a batch job that an operator ends": _each(ABEND.format("S222"), 4, 60),
    "one batch job": _each(ABEND.format("S0C7"), 1, 1),
    "one meter": _each(METER, 1, 1),
}


@pytest.mark.parametrize("name", TOLD)
def test_it_is_told_as_what_it_is(name: str) -> None:
    lines, opened = TOLD[name]
    assert _told(lines)[0] == opened


@pytest.mark.parametrize("name", QUIET)
def test_the_same_words_of_something_else_are_quiet(name: str) -> None:
    assert _told(QUIET[name]) == []
