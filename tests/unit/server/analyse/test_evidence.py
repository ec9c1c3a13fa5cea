"""A claim stands only on what its evidence holds."""
from __future__ import annotations

import pytest

from sra_server.analyse.evidence import checked, clock, supported
from sra_server.domain.analysis import Claim
from sra_server.domain.evidence import Evidence

from ..world import START

LINE = Evidence(id="r1", kind="record", at=START, text="order 4711 failed after 30.5 s at 10.0.0.5:5432",
                service="shop", host="web-1", source="/srv/shop.log", line=12)
NAMES = ("shop", "inventory", "web-1", "web-2")


@pytest.mark.parametrize("text", [
    "shop failed", f"At {clock(START)} shop on web-1 said: order 4711", "it took 30.5 s",
    "10.0.0.5:5432 is gone",
    "line 12 of /srv/shop.log", "no number and no name",
])
def test_what_is_in_the_evidence_may_be_said(text: str) -> None:
    assert supported(text, [LINE], NAMES)


@pytest.mark.parametrize("text", [
    "order 471 failed", "order 47110 failed", "inventory failed", "web-2 is ill", "it took 7 s",
    f"since {clock(START + 1_000_000)}", "port 5433",
])
def test_what_is_not_in_it_may_not(text: str) -> None:
    assert not supported(text, [LINE], NAMES)


UNITS = ("refused after 30s, 512MB of 1.5GiB at 0x1f, 1e5 times, the 3rd, at 2026-01-31T10:00:00.123Z and "
         "2026-01-31T10:00:00+02:00 \x1b[31mred\x1b[0m 99% 12ms. 7")
UNIT_LINE = Evidence(id="r2", kind="record", at=START, text=UNITS, service="shop", host="web-1")


@pytest.mark.parametrize("text", [
    UNITS, "30s", "30 s", "30", "512MB", "512 MB", "1.5 GiB", "0x1f", "1e5", "3rd",
    "2026-01-31T10:00:00.123Z", "\x1b[31mred", "99 %", "12 ms"])
def test_a_number_that_touches_letters_is_a_number(text: str) -> None:
    assert supported(text, [UNIT_LINE], NAMES)


@pytest.mark.parametrize("text", [
    "31s", "300s", "3s", "8 s", "512.5MB", "0x2f", "1e6", "5 GiB", "4rd", "2026-01-31T10:00:00.124Z",
    "2026-01-31T11:00:00Z", "[32mred", "1f"])
def test_another_number_is_not_said_by_it(text: str) -> None:
    assert not supported(text, [UNIT_LINE], NAMES)


def test_no_evidence_no_claim() -> None:
    assert not supported("all is well", [], NAMES)


def test_claims_that_cite_what_does_not_exist_fall() -> None:
    good, bad = Claim(text="shop failed", evidence=("r1",)), Claim(text="shop failed", evidence=("r1", "r2"))
    assert checked([good, bad, Claim(text="shop failed", evidence=())], {"r1": LINE}, NAMES) == (good,)
