"""The policy document: what is taken, what is refused, and that the message says where and what to do."""

from __future__ import annotations

import tomllib

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sra_agent.heal.policy import Policy
from sra_agent.heal.policy_read import Finding, read_policy

GOOD = """
mode = "live"
[limits]
cooldown = "5m"
[verify]
window = "2s"
[[allow]]
action = "restart_service"
service = "inventory"
platform = "command"
argv = ["/usr/local/bin/restart-inventory", "--now"]
check = { http = "http://127.0.0.1:8081/health" }
[[allow]]
action = "restart_service"
service = "db"
platform = "systemd"
unit = "postgresql@15-main.service"
check = { tcp = "[::1]:5432" }
[[allow]]
action = "restart_service"
service = "web"
platform = "docker"
container = "web-1"
"""


def read(text: str) -> tuple[Policy | None, tuple[Finding, ...]]:
    return read_policy(tomllib.loads(text))


def test_a_whole_policy_is_read():
    policy, findings = read(GOOD)
    assert findings == ()
    assert policy is not None and policy.mode == "live"
    assert policy.limits.cooldown == 300.0 and policy.limits.per_hour == 6 and policy.limits.failures == 2
    assert policy.verify.window == 2.0 and policy.verify.settle == 2.0
    inventory, db, web = policy.rules
    assert inventory.argv == ("/usr/local/bin/restart-inventory", "--now")
    assert inventory.check is not None and inventory.check.url == "http://127.0.0.1:8081/health"
    assert db.unit == "postgresql@15-main.service" and db.check is not None
    assert (db.check.host, db.check.port) == ("::1", 5432)
    assert web.container == "web-1" and web.socket == "/var/run/docker.sock"


def test_the_empty_policy_allows_nothing():
    policy, findings = read("")
    assert policy == Policy() and findings == ()
    assert policy.mode == "dry-run" and policy.rules == ()


def test_the_hash_is_of_the_meaning():
    policy, _ = read(GOOD)
    respelt, _ = read("# a comment\n" + GOOD.replace('"5m"', '"300s"'))
    other, _ = read(GOOD.replace("--now", "--later"))
    assert policy and respelt and other
    assert policy.hash == respelt.hash
    assert policy.hash != other.hash


def rule(**changes: str | None) -> str:
    keys = {
        "action": '"restart_service"',
        "service": '"web"',
        "platform": '"systemd"',
        "unit": '"web.service"',
    }
    keys.update(changes)
    return "[[allow]]\n" + "".join(f"{key} = {value}\n" for key, value in keys.items() if value is not None)


COMMAND = {"platform": '"command"', "unit": None}

BAD: dict[str, tuple[str, str]] = {
    "mode": ('mode = "on"', 'top of the file: mode must be "dry-run" or "live"'),
    "unknown table": ("[limit]\nper_hour = 1", "'limit' is not a key of this table"),
    "unknown limit": ("[limits]\nper_minute = 1", "[limits]: 'per_minute' is not a key"),
    "duration": ('[limits]\ncooldown = "soon"', "[limits]: cooldown must be a time from 0s to 86400s"),
    "duration number": ("[limits]\ncooldown = 10", "cooldown must be a time"),
    "number": ("[limits]\nper_hour = -1", "per_hour must be a whole number from 0 to 1000"),
    "number bool": ("[limits]\nfailures = true", "failures must be a whole number"),
    "window": ('[verify]\nwindow = "0s"', "[verify]: window must be a time"),
    "not tables": ("allow = 3", "allow must be at most 1000 tables"),
    "not a table": ("allow = [3]", "allow number 1 must be a table"),
    "action": (rule(action='"reboot"'), "[[allow]] number 1: action must be one of restart_service"),
    "no action": (rule(action=None), "action must be one of"),
    "platform": (rule(platform='"upstart"'), "platform must be one of systemd, docker, command"),
    "unit missing": (rule(unit=None), "[[allow]] number 1: unit must be an exact unit name"),
    "foreign key": (rule(container='"x"'), "'container' is not a key of this table"),
    "container": (
        rule(platform='"docker"', unit=None, container='"a b"'),
        "container must be an exact container",
    ),
    "argv text": (rule(**COMMAND, argv='"ls -l"'), "argv must be a list of 1 to 64 strings"),
    "argv empty": (rule(**COMMAND, argv="[]"), "argv must be a list"),
    "argv relative": (rule(**COMMAND, argv='["restart.sh"]'), "argv[0] must be the absolute path"),
    "argv dots": (rule(**COMMAND, argv='["/opt/../bin/sh"]'), "argv[0] must be the absolute path"),
    "argv newline": (rule(**COMMAND, argv='["/bin/x", "a\\nb"]'), "without control characters"),
    "pidfile": (rule(**COMMAND, argv='["/bin/x"]', pidfile='"x.pid"'), "pidfile must be an absolute path"),
    "timeout": (rule(timeout='"2h"'), "timeout must be a time from 0.1s to 3600s"),
    "check kind": (rule(check='{ ping = "x" }'), "check must name one of http, tcp and argv"),
    "check two": (rule(check='{ tcp = "a:1", http = "http://a/" }'), "check must name one of"),
    "check url": (rule(check='{ http = "ftp://a/" }'), "number 1, check: http must be a URL"),
    "check user": (rule(check='{ http = "http://me:pw@a/" }'), "http must be a URL"),
    "check split": (rule(check='{ http = "http://a/ HTTP/1.1" }'), "http must be a URL"),
    "check port": (rule(check='{ tcp = "a:70000" }'), "tcp must be a host and a port"),
    "twice": (
        rule() + rule(unit='"other.service"'),
        "[[allow]] number 2: restart_service on 'web' is allowed twice",
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_a_mistake_refuses_the_file_and_says_where(name: str):
    text, message = BAD[name]
    policy, findings = read(text)
    assert policy is None
    assert any(message in str(finding) for finding in findings), [str(finding) for finding in findings]


HOSTILE = [
    "",
    "-x.service",
    "a;b.service",
    "$(id).service",
    "a\nb.service",
    "../x.service",
    "x.service/../y",
    "*.service",
    "web",
    "wéb.service",
    "web.service\n",
    "web.service ",
    "a" * 300 + ".service",
    "-",
    "--no-block",
]


@pytest.mark.parametrize("unit", HOSTILE)
def test_hostile_unit_names_are_refused(unit: str):
    document = {
        "allow": [{"action": "restart_service", "service": "web", "platform": "systemd", "unit": unit}]
    }
    assert read_policy(document)[0] is None


@pytest.mark.parametrize("container", [*HOSTILE[:5], "../x", "*", "wéb", "web\n", "a/b"])
def test_hostile_container_names_are_refused(container: str):
    document = {
        "allow": [
            {"action": "restart_service", "service": "web", "platform": "docker", "container": container}
        ]
    }
    assert read_policy(document)[0] is None


@pytest.mark.parametrize(
    "service", ["", "-web", "a b", "web*", "a;b", "$(id)", "a\nb", "../x", "wéb", "w" * 201]
)
def test_hostile_service_names_are_refused(service: str):
    document = {
        "allow": [
            {"action": "restart_service", "service": service, "platform": "systemd", "unit": "web.service"}
        ]
    }
    assert read_policy(document)[0] is None


def test_actions_of_later_versions_are_kept_and_said():
    policy, findings = read('[[allow]]\naction = "clear_disk"\nservice = "web"\npath = "/var/tmp"')
    assert policy is not None and policy.rules[0].action == "clear_disk"
    assert findings[0].severity == "warning" and "unsupported in this version" in findings[0].message


def test_a_shell_and_a_missing_check_are_warned_of():
    policy, findings = read(rule(**COMMAND, argv='["/bin/sh", "-c", "restart it"]'))
    assert policy is not None
    assert [finding.severity for finding in findings] == ["warning", "warning"]


_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=8,
)
_keys = st.sampled_from(
    [
        "mode",
        "limits",
        "verify",
        "allow",
        "action",
        "service",
        "platform",
        "unit",
        "argv",
        "check",
        "cooldown",
        "window",
        "http",
        "tcp",
        "timeout",
        "container",
        "pidfile",
    ]
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.dictionaries(
        _keys,
        _values
        | st.dictionaries(_keys, _values, max_size=4)
        | st.lists(st.dictionaries(_keys, _values, max_size=6), max_size=3),
        max_size=4,
    )
)
def test_no_document_makes_it_stumble(document: dict):
    policy, findings = read_policy(document)
    assert (policy is None) == any(finding.severity == "error" for finding in findings)
    if policy is not None:
        assert all(not rule.argv or rule.argv[0].startswith("/") for rule in policy.rules)
