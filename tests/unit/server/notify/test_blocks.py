"""Slack's words: within its limits, and deaf to what a log says."""
from __future__ import annotations

from typing import Any

import pytest

from sra_server.notify import blocks
from sra_server.notify.blocks import escape, message, quoted
from sra_server.notify.message import TEXT, body
from sra_server.store.casefile import Written
from tests.unit.server import making
from tests.unit.server.making import NOW

HOSTILE = (
    "<!channel> <!here> <@U123> @channel @here <https://evil.example|click> ``` *bold* & \u202e\x1b[31m"
    " \u200bx"
)


def told(event: str = "incident.opened", **given: Any) -> dict[str, Any]:
    return body(event, at=NOW, incident=making.incident(**given),  # type: ignore[arg-type]
                written=Written(analysis=making.analysis(making.recommendation()), at=NOW),
                evidence=[making.evidence()], remedies=[making.remedy()], public_url="https://sra.example.com/")


def strings(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value]
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return [text for each in inner for text in strings(each)]


def test_hostile_text_mentions_nobody_and_links_nowhere() -> None:
    shown = escape(HOSTILE)
    assert "<" not in shown
    assert ">" not in shown
    assert "@channel" not in shown
    assert "@here" not in shown
    assert "\x1b" not in shown
    assert "\u202e" not in shown
    assert "&lt;!channel&gt;" in shown


def test_a_code_block_cannot_be_left_and_keeps_its_length() -> None:
    shown = quoted(HOSTILE * 100, 2000)
    assert shown.count("```") == 2
    assert shown.startswith("```")
    assert shown.endswith("```")
    assert len(shown) <= 2000


@pytest.mark.parametrize("most", range(10, 60))
def test_cutting_never_leaves_half_an_entity(most: int) -> None:
    inner = quoted("<&>" * 40, most)[3:-3].rstrip("…")
    assert inner.replace("&amp;", "").replace("&lt;", "").replace("&gt;", "") == ""


@pytest.mark.parametrize(("severity", "event", "loud"), [
    ("critical", "incident.opened", True), ("high", "incident.reopened", True),
    ("critical", "incident.worsened", True), ("medium", "incident.worsened", False),
    ("medium", "incident.opened", False), ("low", "incident.opened", False),
    ("critical", "incident.resolved", False), ("critical", "remedy.outcome", False),
])
def test_the_channel_is_called_for_high_and_critical_beginnings_only(severity: str, event: str,
                                                                    loud: bool) -> None:
    sent = message(told(event, severity=severity))
    assert ("<!channel>" in sent["text"]) is loud
    assert any("<!channel>" in text for text in strings(sent["blocks"])) is loud


def test_a_log_cannot_call_the_channel() -> None:
    content = told(severity="low", title=HOSTILE)
    content["evidence"][0]["text"] = HOSTILE
    content["analysis"]["root_cause"] = HOSTILE
    content["remedies"][0]["reason"] = HOSTILE
    sent = message(content)
    for text in [*strings([block for block in sent["blocks"] if block["type"] != "header"]), sent["text"]]:
        assert "<!" not in text
        assert "<@" not in text
        assert "<https://evil" not in text
    header = sent["blocks"][0]["text"]
    assert (header["type"], header["emoji"]) == ("plain_text", False)
    assert "\u202e" not in header["text"]


def test_every_limit_of_slack_is_kept() -> None:
    content = told(title="t" * 5000, service="s" * 200)
    content["analysis"]["root_cause"] = "<" * 5000
    content["evidence"] = [{**content["evidence"][0], "text": "&" * 5000}] * 50
    content["remedies"] = [content["remedies"][0] | {"reason": "<" * 5000}] * 100
    sent = message(content)
    assert len(sent["blocks"]) <= 50
    assert len(sent["text"]) <= 3000
    for block in sent["blocks"]:
        if block["type"] == "header":
            assert len(block["text"]["text"]) <= 150
        elif block["type"] == "section":
            assert len(block["text"]["text"]) <= 3000
        else:
            assert len(block["elements"]) <= 10


def test_the_alert_says_who_is_asked_and_has_the_link() -> None:
    sent = str(message(told()))
    assert "asking web-1 for its plan" in sent
    assert "<https://sra.example.com/incidents/inc_1|open>" in sent
    assert "sra incidents show inc_1" in sent


def test_an_outcome_names_verdict_and_reason() -> None:
    ended = making.planned(status="succeeded", outcome={
        "status": "succeeded", "verdict": "recovered", "reason": "quiet since", "steps": [], "checks": [],
        "finished_at": "2027-01-15T08:00:00+00:00"})
    content = body("remedy.outcome", at=NOW, incident=None, remedies=[ended])
    sent = message(content)
    assert sent["text"] == "Repair: restart_service of checkout on web-1: recovered"
    assert "quiet since" in str(sent["blocks"])


def test_a_plan_shows_its_steps_and_how_to_approve() -> None:
    sent = str(
        message(body("incident.opened", at=NOW, incident=making.incident(), remedies=[making.planned()]))
    )
    assert "/usr/local/bin/restart-checkout" in sent
    assert "sra remedies approve rem_1" in sent


def test_what_is_stored_is_bounded() -> None:
    content = told(title="t" * 100_000)
    assert len(content["incident"]["title"]) <= TEXT
    assert "more characters" in content["incident"]["title"]
    assert blocks.message({"event": "incident.opened"})["blocks"]


def test_the_end_of_a_silence_is_told_with_its_reason_and_the_reason_mentions_nobody() -> None:
    shown = message({**told(), "note": f"the silence is over ({HOSTILE}), and the trouble is not"})
    [said] = [text for text in strings(shown) if "the silence is over" in text]
    assert "<!channel>" not in said and "@here" not in said
    assert not [text for text in strings(message(told())) if "silence" in text]
