"""A message in Slack's words: text and blocks within its limits. From slack; pure.

Whatever came from a log is hostile here: it may neither mention anybody nor open a link nor leave its
code block. `<!channel>` is written by us alone, for troubles that begin as high or critical, or become so.
"""
from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from typing import Any

from ..domain.signal import LOUD
from .message import cut

HEADER = 150
SECTION = 3000
BLOCKS = 50
#: Messages of what begins, or begins to be grave.
_BEGINS = frozenset({"incident.opened", "incident.worsened", "incident.reopened"})
_ICONS = {"critical": ":rotating_light:", "high": ":red_circle:", "medium": ":large_orange_circle:",
          "low": ":white_circle:"}
_WORDS = {"incident.opened": "", "incident.reopened": "Again: ", "incident.resolved": "Resolved: ",
          "incident.worsened": "Worse: ", "remedy.outcome": "Repair: "}
_AT = re.compile(r"@(?=\w)")


def visible(text: str) -> str:
    """Return the text without characters that are not seen, yet do something."""
    return "".join(c for c in text if c in "\n\t" or unicodedata.category(c) not in ("Cc", "Cf", "Cs"))


def escape(text: str) -> str:
    """Return the text so that Slack shows it and does nothing else with it."""
    shown = visible(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return _AT.sub("@\u200b", shown)


def quoted(text: str, most: int) -> str:
    """Return hostile text in a code block that it cannot leave, at most `most` characters long."""
    inner = escape(text).replace("`", "'")
    return "```" + _clip(inner, most - 6) + "```"


def _clip(escaped: str, most: int) -> str:
    """Cut escaped text without cutting an entity in two."""
    if len(escaped) <= most:
        return escaped
    return re.sub(r"&[a-z]{0,3}$", "", escaped[:max(0, most - 1)]) + "…"


def _section(text: str) -> dict[str, Any]:
    return {"type": "section", "text": {"type": "mrkdwn", "text": _clip(text, SECTION)}}


def message(body: Mapping[str, Any]) -> dict[str, Any]:
    """Return the payload of an incoming webhook for a message."""
    event, incident = str(body.get("event", "")), body.get("incident") or {}
    remedies: Sequence[Mapping[str, Any]] = body.get("remedies") or []
    headline = _WORDS.get(event, "") + _title(event, incident, remedies)
    severity = incident.get("severity", "")
    loud = severity in LOUD and event in _BEGINS
    header = {"type": "plain_text", "text": cut(visible(headline), HEADER), "emoji": False}
    blocks: list[dict[str, Any]] = [{"type": "header", "text": header}]
    if loud:
        blocks.append(_section(f"<!channel> {_ICONS[severity]} *{severity}*"))
    if body.get("note"):
        blocks.append(_section(escape(str(body["note"]))))
    blocks += _about(incident, body.get("analysis") or {})
    if event == "incident.resolved" and incident.get("resolution_summary"):
        blocks.append(_section(":white_check_mark: " + escape(incident["resolution_summary"])))
    elif event != "incident.resolved":
        blocks += _evidence(body.get("evidence") or [])
        blocks += [_section(_remedy(remedy)) for remedy in remedies[:10]]
    footer = [f"`sra incidents show {escape(incident['id'])}`"] if incident.get("id") else []
    if body.get("link"):
        footer.append(f"<{escape(str(body['link']))}|open>")
    if footer:
        blocks.append({"type": "context", "elements": [{"type": "mrkdwn", "text": " · ".join(footer)}]})
    text = f"{'<!channel> ' if loud else ''}{escape(headline)}"
    return {"text": _clip(text, SECTION), "blocks": blocks[:BLOCKS]}


def _title(event: str, incident: Mapping[str, Any], remedies: Sequence[Mapping[str, Any]]) -> str:
    if event == "remedy.outcome" and remedies:
        remedy = remedies[-1]
        verdict = (remedy.get("outcome") or {}).get("verdict")
        return (f"{remedy['action']} of {remedy['service']} on {remedy['host']}: "
                f"{verdict or remedy['status']}")
    return str(incident.get("title", "System Reliability Assistant"))


def _about(incident: Mapping[str, Any], analysis: Mapping[str, Any]) -> list[dict[str, Any]]:
    found = []
    if incident:
        service, host = incident.get("service"), incident.get("host")
        place = " on ".join(filter(None, (service, host))) if service else f"host {host}" if host \
            else "unnamed service"
        found.append(_section(f"*{escape(place)}* · {incident.get('severity')} · {incident.get('status')}"))
    if analysis.get("root_cause"):
        sure = f" ({float(analysis.get('confidence', 0)):.0%} sure)"
        found.append(_section(f"*Root cause*{sure}: {escape(str(analysis['root_cause']))}"))
    return found


def _evidence(evidence: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    if not evidence:
        return []
    lines = "\n".join(f"{piece.get('source') or piece.get('service') or ''}: {cut(str(piece['text']), 300)}"
                      for piece in evidence)
    note = "*Evidence* (as logged; whoever writes to the log may have written it)\n"
    return [_section(note + quoted(lines, 2000))]


def _remedy(remedy: Mapping[str, Any]) -> str:
    what = escape(f"{remedy['action']} of {remedy['service']} on {remedy['host']}")
    if remedy["status"] == "proposed":
        return f":hourglass: {what}: {escape(remedy.get('reason') or 'asking the host for its plan')}"
    outcome, plan = remedy.get("outcome") or {}, remedy.get("plan") or {}
    if outcome:
        verdict = f" · *{outcome['verdict']}*" if outcome.get("verdict") else ""
        return f"{what}: {remedy['status']}{verdict}\n{escape(str(outcome.get('reason', '')))}"
    if plan and remedy["status"] == "planned":
        steps = "\n".join(str(step.get("text")) for step in plan.get("steps", []))
        return (f"*Plan* ({plan.get('mode')}): {what}\n{quoted(steps, 1500)}\n"
                f"`sra remedies approve {escape(remedy['id'])}`")
    reason = f"\n{escape(str(remedy['reason']))}" if remedy.get("reason") else ""
    return f"{what}: {remedy['status']}{reason}"
