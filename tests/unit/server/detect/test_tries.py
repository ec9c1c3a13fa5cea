# ruff: noqa: E501 - lines of logs are as long as they are
"""The last of several tries is none that is tried again, and what a container writes without a level is read."""
from __future__ import annotations

import json

import pytest

from sra_sdk.lines.infer import level_of
from sra_server.detect.sudden import again

from .test_single import Lines, _each, _told

APP = "2024-03-05T10:00:00Z ERROR mail: "
ONE = f"{APP}mail {{n}} not sent: connection timed out, attempt 1 of 3"
GIVEN_UP = f"{APP}giving up on mail {{n}} after attempt 3 of 3: connection timed out"


def _stderr(text: str) -> str:
    return json.dumps({"log": text + "\n", "stream": "stderr", "time": "2024-03-05T10:00:00.123456789Z"})


#: What is told, what resembles it and is quiet, and the class and the severity.
PAIRS: dict[str, tuple[Lines, Lines, str]] = {
    "the last try": (_each(GIVEN_UP, 9, 1), _each(ONE, 9, 1), "external_api_down high"),
    "a store": (_each(_stderr("[worker] redis: connect ECONNREFUSED 172.18.0.4:6379"), 9, 1),
                _each(_stderr("[worker] redis: connected to 172.18.0.4:6379"), 9, 1), "database_failure critical"),
    "names": (_each(_stderr("[notifier] push to 6a failed: getaddrinfo EAI_AGAIN fcm.example"), 9, 1),
              _each(_stderr("[notifier] push to 6a done, 0 failed"), 9, 1), "network_failure high"),
    "somebody": (_each(_stderr("tour 7 not planned: map server does not answer"), 9, 1),
                 _each(_stderr("tip: if the map server does not answer, start it"), 9, 1), "external_api_down high"),
}


@pytest.mark.parametrize("name", PAIRS)
def test_the_real_thing_is_told_and_its_look_alike_is_not(name: str) -> None:
    real, alike, opened = PAIRS[name]
    assert (_told(real, within=10), _told(alike)) == ([opened], [])


@pytest.mark.parametrize(("text", "expected"), [
    ("mail 1: connection timed out (attempt 1 of 3)", True),
    ("mail 1: connection timed out (attempt 3/30)", True),
    ("mail 1: connection timed out (attempt 3 of 3)", False),
    ("mail 1: connection timed out (attempt 5/5)", False),
    ("giving up on mail 1 after attempt 4: connection timed out", False),
    ("attempt 3 of 3 failed, will be tried again in an hour", True),
])
def test_the_last_try_is_no_other_one(text: str, expected: bool) -> None:
    assert again(text) is expected


@pytest.mark.parametrize(("text", "level"), [
    ("[mail] could not send 1", "error"), ("[mail] sending 1 failed: no relay", "error"),
    ("[mail] 0 failed", "info"), ("read ECONNRESET", "info"), ("connect ETIMEDOUT 10.0.0.9:80", "error"),
    ("the map server did not respond in time", "error"), ("call us if it does not answer.", "info"),
    ("client 812 did not respond to ping, disconnected", "info"),
])
def test_a_tag_hides_no_failure(text: str, level: str) -> None:
    assert level_of(text, None, "docker", {}) == level
