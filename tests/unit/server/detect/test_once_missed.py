# ruff: noqa: E501 - lines of logs are as long as they are
"""Failures in the words of drivers, shippers and clients are told within 10 s; one of them, or the look-alike, is not."""
from __future__ import annotations

import pytest

from .everyday import told
from .test_single import APP, AROUND, _each, _story, _told

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
BEATS = ('{"log.level": "error", "@timestamp": "2024-03-05T10:00:00.123Z", "log.logger": "publisher_pipeline_output", "message": "Failed to connect to '
         'backoff(elasticsearch(http://es.internal:9200)): Get \\"http://es.internal:9200\\": dial tcp 10.0.0.7:9200: connect: connection refused", "service.name": "filebeat"}')
PROMTAIL = ('level=warn ts=2024-03-05T10:00:00.123Z caller=client.go:419 component=client host=loki:3100 msg="error sending batch, will retry" status=-1 '
            'error="Post \\"http://loki:3100/loki/api/v1/push\\": dial tcp 10.0.0.7:3100: connect: connection refused"')
FLUENTD = ('2024-03-05 10:00:00 +0000 [warn]: #0 failed to flush the buffer. retry_times=3 chunk="5f" error_class=Fluent::Plugin::ElasticsearchOutput::'
           'RecoverableRequestFailure error="could not push logs to Elasticsearch cluster: connect_write timeout reached"')
SLACK = ("2024-03-05 10:00:00,123 ERROR notify: slack_sdk.errors.SlackApiError: The request to the Slack API failed. (url: https://slack.com/api/chat.postMessage)\n"
         "The server responded with: {{'ok': False, 'error': '{}'}}")
GITHUB = ('2024-03-05 10:00:00,123 ERROR deploys: github.GithubException.BadCredentialsException: 401 {"message": "Bad credentials", '
          '"documentation_url": "https://docs.github.com/rest"}')

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
    "Slack's token": (_each(SLACK.format("token_revoked"), 20, 1), "auth_failures high"),
    "GitHub's token": (_each(GITHUB, 20, 1), "auth_failures high"),
    "another port": (_each(PLAIN, 20, 1), "external_api_down high"),
    "another scheme": (_each(FAR, 20, 1), "external_api_down high"),
}
QUIET = {
    "one link failure": _each(LINK, 1, 1),
    "one as the last cause": _each(CAUSED, 1, 1),
    "one connection that lay unused": _each(CLOSED, 1, 1),
    "one such in an hour": _each(CLOSED, 3, 300),
    "one failure of Jedis": _each(JEDIS, 1, 1),
    "one refusal of Slack": _each(SLACK.format("invalid_auth"), 1, 1),
    "a few customers' tokens of very many": _each(SLACK.format("token_revoked"), 10, 60),
    "a message that is too long": _each(SLACK.format("msg_too_long"), 6, 30),
    "a search server that starts anew": _each(BEATS, 3, 4),
    "a shipper that waits once an hour": _each(PROMTAIL, 2, 20),
    "one timeout of Go": _each(GO.format("pq: dial tcp 10.1.0.5:5432: i/o timeout"), 1, 1),
}


@pytest.mark.parametrize("name", TOLD)
def test_the_real_thing_is_told(name: str) -> None:
    lines, opened = TOLD[name]
    assert _told(lines, within=11) == [opened]


@pytest.mark.parametrize("name", QUIET)
def test_the_look_alike_is_quiet(name: str) -> None:
    assert _told(QUIET[name]) == []


ARCHIVER = "ORA-19815: WARNING: db_recovery_file_dest_size of 10737418240 bytes is {} used, and has 0 remaining bytes available."


@pytest.mark.parametrize(("line", "opened"), [
    (ARCHIVER.format("100.00%"), ["disk_full critical"]), (ARCHIVER.format("85.10%"), []),
    ("ORA-16038: log 2 sequence# 8812 cannot be archived", ["disk_full critical"]), ("ORA-01403: no data found", []),
    ("api-1 exited with code 137", ["service_crash high"]), ("api-1 exited with code 1", ["service_crash high"]),
    ("api-1 exited with code 0", []), ("api-1 exited with code 143", []), ("api-1 exited with code 130", []),
    ("api-1 exited with code 1 (restarting)", []), (f"{APP}worker-3 exited with code 1", []),
])
def test_the_only_line_of_it_is_told_if_it_ended_something(line: str, opened: list[str]) -> None:
    assert _told(_each(line, 1, 1), within=11) == opened


def test_a_container_that_ends_each_time_is_told() -> None:
    assert _told(_each("api-1 exited with code 1 (restarting)", 4, 5), within=17) == ["service_crash high"]


@pytest.mark.parametrize("line", [BEATS, PROMTAIL, FLUENTD])
def test_a_shipper_that_cannot_send_for_half_a_minute_is_told(line: str) -> None:
    assert _told(_each(line, 8, 8), within=26) == ["external_api_down high"]


IMAGE = ("E0305 10:00:00.123456    1201 pod_workers.go:1301] \"Error syncing pod, skipping\" err=\"failed to \\\"StartContainer\\\" for \\\"web\\\" with ImagePullBackOff: "
         "\\\"Back-off pulling image\\\"\" pod=\"shop/web-7f6b8\" podUID=\"0f2a\"")


def test_an_image_that_is_asked_for_in_vain_twice_is_told_and_once_is_not() -> None:
    assert _told(_each(IMAGE, 2, 16), within=18) == ["service_crash high"]
    assert _told(_each(IMAGE, 3, 1), within=5) == ["service_crash high"]
    assert _told(_each(IMAGE, 2, 5)) == []


def test_a_quota_of_memory_that_is_passed_ended_nothing_yet() -> None:
    lines = {code: f"2024-03-05T10:00:00.123456+00:00 heroku[web.1]: Error {code}" for code in (
        "R14 (Memory quota exceeded)", "R15 (Memory quota vastly exceeded)")}
    titles = [told([(0, _story(_each(line, 1, 1)))], until=AROUND + 20, every=15) for line in lines.values()]
    assert [len(each) for each in titles] == [1, 1]
    assert "and swaps" in titles[0][0]
    assert "was ended" in titles[1][0]
