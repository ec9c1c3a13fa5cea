"""What a fingerprint stands for is told in words, with its service and host, for every detector."""
from __future__ import annotations

import pytest

from sra_server.detect import DETECTORS
from sra_server.detect.catalogue import load
from sra_server.detect.sign import READERS, Sign, sign_of
from tests.unit.server.world import World, at, batch, point, probe, record

DISK = point("system.disk_percent", 99.5, 0, mount="/data")


@pytest.mark.parametrize(("fingerprint", "text", "service", "host"), [
    ("signature|deadlock|shop|web-1", "deadlock", "shop", "web-1"),
    ("signature|of_yours_gone_by_now|shop|", "of yours gone by now", "shop", ""),
    ("signature|of_yours|a|b|web-1", "of yours", "a|b", "web-1"),
    ("probe|shop-http|shop|web-1", "the health check shop-http fails", "shop", "web-1"),
    ("forecast|web-1|shop|/data", "/data fills up", "shop", "web-1"),
    (f"threshold|{DISK.series()}", "the disk is nearly full (mount /data)", "", "web-1"),
    (f"baseline|{point('error_rate', 1, 0, service='shop').series()}",
     "the error rate is far above its usual", "shop", "web-1"),
    (f"unusual|{point('heap', 1, 0).series()}", "heap is unusual", "", "web-1"),
    (f"habit|{point('system.cpu_percent', 1, 0).series()}",
     "the processor is fully used, as it was before", "", "web-1"),
    (f"leak|{point('process.rss', 1, 0, process='java').series()}",
     "memory grows steadily (process java)", "", "web-1"),
    ("absence|host|web-1", "the host went silent", "", "web-1"),
    ("absence|service|shop", "the service went silent", "shop", ""),
    ("burst|shop", "many errors in one minute", "shop", ""),
    ("burst|@web-1", "many errors in one minute", "", "web-1"),
    (f"novelty|shop|{at(0)}", "a new kind of error, first seen 2023-11-14 22:14:00 UTC", "shop", ""),
    ("novelty|shop|price of * is missing", "a new kind of error: price of * is missing", "shop", ""),
    ("novelty|@web-1|odd", "a new kind of error: odd", "", "web-1"),
])
def test_a_fingerprint_is_told_in_words(fingerprint: str, text: str, service: str, host: str) -> None:
    found = sign_of(fingerprint, load())
    assert (found.service, found.host) == (service, host)
    assert found.text == (load().by_name[text].title if text in load().by_name else text)


@pytest.mark.parametrize("odd", ["", "f", "novelty|shop|9" + "9" * 30, "threshold|x",
                                 "no_longer_a_detector|shop"])
def test_what_cannot_be_read_stands_for_itself(odd: str) -> None:
    assert sign_of(odd, load()) == Sign(text=odd)


def test_every_detector_has_its_words() -> None:
    assert {each.name for each in DETECTORS} <= {*READERS, "signature"}


def test_the_signs_of_one_incident_are_told_apart() -> None:
    world = World()
    world.fold(batch(0, record("panic: runtime error: nil", 0),
                     record("could not extend file: No space left on device", 1)))
    for second in (0, 10, 20, 30):
        world.fold(batch(second, points=[probe(0, second, "shop")]))
    prints = {each for incident in world.incidents.values() for each in incident.fingerprints}
    signs = {sign_of(each, load()) for each in prints}
    assert len(signs) == len(prints) >= 3
    assert {(each.service, each.host) for each in signs} == {("shop", "web-1")}
