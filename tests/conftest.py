"""What all tests share: the skip or failure of missing programs, and a clean environment."""
from __future__ import annotations

import os

import pytest

from tests.services import MAY_BE_ABSENT, missing, required

#: Variables of the person who runs the tests must not reach the programs under test.
_PREFIXES = ("SRA_", "WATSONX_", "SLACK_", "DISCORD_", "SMTP_", "AUTOHEAL_")
_NAMES = ("DATABASE_URL", "ADMIN_API_KEY", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY",
          "http_proxy", "https_proxy", "all_proxy")
_KEEP = ("SRA_REQUIRE", "SRA_CI_CACHE", "SRA_BENCH_DATA", "SRA_TEST_OUTAGE", "SRA_FAULTS",
         "SRA_FAULTS_SECONDS", "SRA_FAULTS_SHARE", "SRA_FAULTS_FIGURES")


def pytest_configure(config: pytest.Config) -> None:
    for name in list(os.environ):
        if (name.startswith(_PREFIXES) or name in _NAMES) and name not in _KEEP:
            del os.environ[name]


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Refuse to run where the tests of one group would come to several workers without a word."""
    if getattr(config.option, "loadgroup", False):
        for item in items:
            if item.get_closest_marker("xdist_group") is not None and "@" not in item.nodeid:
                raise pytest.UsageError(f"xdist does not know the group of {item.nodeid}: its release and "
                                        "pytest's do not fit; install those of constraints.txt")


def pytest_runtest_setup(item: pytest.Item) -> None:
    for mark in item.iter_markers("service"):
        reason = missing(mark.args)
        if reason is None:
            continue
        if required() and not MAY_BE_ABSENT.issuperset(mark.args):
            pytest.fail(f"SRA_REQUIRE=all, and this test {reason}", pytrace=False)
        pytest.skip(reason)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]):
    """Turn any skip into a failure where everything is required."""
    outcome = yield
    report = outcome.get_result()
    absent = any(MAY_BE_ABSENT.issuperset(mark.args) and missing(mark.args)
                 for mark in item.iter_markers("service"))
    if required() and report.skipped and not absent and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"SRA_REQUIRE=all, and this test was skipped: {report.longrepr}"
