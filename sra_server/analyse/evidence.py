"""Check claims against their evidence: what is not in it is not said. From every analyst; to the analysis.

A claim stands only if it cites evidence that exists, and every number, time, service and host that it
speaks of occurs in what it cites (in the text, or as the evidence's own service, host, time or line).
"""
from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime

from ..domain.analysis import Claim
from ..domain.evidence import Evidence

#: A number with the letters that touch it: 30s, 0x1f, 1e5, 31T10:00:00.5Z.
_NUMBER = re.compile(r"(?<![\w.])\d\w*(?:[.,:]\d\w*)*")
_WITH_UNIT = re.compile(r"(\d+(?:[.,:]\d+)*)([^\W\d_]*)")


def clock(at: int) -> str:
    """Return an instant as claims write it."""
    return datetime.fromtimestamp(at / 1_000_000, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def supported(text: str, cited: Iterable[Evidence], names: Iterable[str]) -> bool:
    """Say whether all numbers of a text, and those of `names` that it uses, occur in the cited evidence."""
    cited = list(cited)
    if not cited:
        return False
    ground = "\n".join("\n".join((each.text, each.service, each.host, each.source, clock(each.at),
                                  str(each.line or ""))) for each in cited).lower()
    low = text.lower()
    for name in names:
        if name and _word(name.lower(), low) and not _word(name.lower(), ground):
            return False
    return all(_said(number, ground) for number in _NUMBER.findall(low))


def checked(claims: Iterable[Claim], evidence: Mapping[str, Evidence],
            names: Iterable[str]) -> tuple[Claim, ...]:
    """Return the claims that stand; citations of evidence that does not exist make a claim fall."""
    names = tuple(names)
    return tuple(claim for claim in claims
                 if all(key in evidence for key in claim.evidence)
                 and supported(claim.text, (evidence[key] for key in claim.evidence), names))


def _said(number: str, ground: str) -> bool:
    """Say whether a number stands in the text: as it is, without its unit, or with a space before it."""
    if _word(number, ground):
        return True
    parts = _WITH_UNIT.fullmatch(number)
    if parts is None or parts[1] not in ground:
        return False
    after = rf"\s?{re.escape(parts[2])}(?!\w)" if parts[2] else r"(?![\d_])(?![.,]\d)(?![^\W\d_]+\d)"
    return re.search(rf"(?<!\w)(?<!\d[.,]){re.escape(parts[1])}{after}", ground) is not None


def _word(word: str, text: str) -> bool:
    # most words are not there at all, and each would be a pattern of its own
    return word in text and re.search(rf"(?<![\w]){re.escape(word)}(?![\w])", text) is not None
