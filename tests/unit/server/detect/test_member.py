# ruff: noqa: E501 - lines of logs are as long as they are
"""A cluster whose nodes are restarted one by one is quiet; all nodes, the only one, and one that stays away are told."""
from __future__ import annotations

import pytest

from .test_single import Lines, _each, _told

CLIENT = ("2024-03-05T10:00:00.123Z  WARN 1 --- [shop] [ad | producer-1] org.apache.kafka.clients.NetworkClient   : [Producer clientId=producer-1] "
          "Connection to node {0} (kafka-{0}.internal/10.0.0.2{0}:9092) could not be established. Node may not be available.")
FETCHER = ("[2024-03-05 10:00:00,123] WARN [ReplicaFetcher replicaId=1, leaderId={0}, fetcherId=0] Error in response for fetch request (type=FetchRequest, "
           "replicaId=1, maxWait=500) (kafka.server.ReplicaFetcherThread)\njava.io.IOException: Connection to kafka-{0}:9092 (id: {0} rack: null) failed.")
ONLY = CLIENT.format(1).replace("kafka-1.internal", "kafka")


def _of(*groups: Lines) -> Lines:
    return sorted(line for group in groups for line in group)


QUIET = {
    "a client in a roll": _of(*(_each(CLIENT.format(node), 10, 1.1, 60 * node) for node in (1, 2, 3))),
    "a broker in a roll": _of(*(_each(FETCHER.format(node), 6, 1, 60 * node) for node in (2, 3))),
    "the first node after the others": _of(*(_each(CLIENT.format(node).replace(f"kafka-{node}", "pod"), 8, 1.1, 60 * (4 - node))
                                             for node in (1, 2, 3))),
}
TOLD = {
    "all nodes": (_of(*(_each(CLIENT.format(node), 20, 2, node / 2) for node in (1, 2, 3))), 10, "external_api_down critical"),
    "the only node": (_each(ONLY, 30, 1), 10, "external_api_down critical"),
    "one that stays away": (_each(CLIENT.format(2), 80, 1.1), 75, "external_api_down medium"),
    "a leader that stays away": (_each(FETCHER.format(2), 80, 1), 75, "external_api_down medium"),
    "no node at all": (_each(CLIENT.format(-1), 30, 1), 10, "external_api_down critical"),
}


@pytest.mark.parametrize("name", QUIET)
def test_nodes_that_are_restarted_one_by_one_are_quiet(name: str) -> None:
    assert _told(QUIET[name]) == []


@pytest.mark.parametrize("name", TOLD)
def test_all_nodes_or_one_that_stays_away_are_told(name: str) -> None:
    lines, within, opened = TOLD[name]
    assert _told(lines, within=within) == [opened]


def test_one_that_stays_away_is_given_a_minute() -> None:
    assert _told(_each(CLIENT.format(2), 80, 1.1), within=55) == []
