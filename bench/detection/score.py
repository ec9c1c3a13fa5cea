"""Judge what was reported of a case against what must be reported. Pure. From replay; to incidents."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from replay import Trouble

SECOND = 1_000_000
#: A stamp of whole seconds lies up to a second before the moment that it stands for.
STAMP = SECOND
#: What comes later than this after the decisive sign is called late, and does not count as found.
LATE = 300.0


class Wanted(Protocol):
    """What of a case the judgement needs."""

    name: str
    kind: str
    cls: str
    also: tuple[str, ...]
    culprit: tuple[str, ...]
    effects: tuple[str, ...]
    silent: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """How one case was reported. `false`: incidents that must not be; `extra`: more of the same trouble.

    `class_primary`: its class is the one wanted first, none of `also`.
    """

    name: str
    kind: str
    wanted: str
    found: bool
    late: bool
    class_right: bool
    class_primary: bool
    culprit_first: bool
    culprit_in_three: bool
    silent: bool
    seconds: float | None
    reported: str
    service: str
    cause: str
    false: tuple[str, ...]
    extra: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        """Return the object that `--json` prints."""
        return {name: getattr(self, name) for name in self.__slots__}


def judge(
    case: Wanted, troubles: Sequence[Trouble], began_at: int, broken_at: int, decisive_at: int
) -> Verdict:
    """Return the verdict; the times are of the replay. What opened between `began_at` and the break is false.

    Found is a case when after the break an incident of an expected class, or of one of its effects, or at
    its culprit was reported. Of several, one of the right class speaks for the case, then the earliest.
    """
    right = (case.cls, *case.also)
    broken_at -= STAMP
    named = [each for each in troubles if began_at <= each.opened.created_at < broken_at]
    after = [
        (moment, each)
        for each in troubles
        if (moment := next((at for at in each.changed_at if at >= broken_at), None)) is not None
    ]
    fits = [
        (moment, each)
        for moment, each in after
        if each.latest.cls in (*right, *case.effects) or _ranked(each, 1) & set(case.culprit)
    ]
    fits.sort(key=lambda pair: (pair[1].latest.cls not in right, pair[0], pair[1].latest.id))
    moment, best = fits[0] if fits else (0, None)
    seconds = max(0.0, (moment - decisive_at) / SECOND) if best else None
    late = seconds is not None and seconds > LATE
    found = best is not None and not late
    unwanted = [
        *named,
        *(
            each
            for _, each in after
            if each not in named and each is not best and each.latest.cls not in (*right, *case.effects)
        ),
    ]
    more = [each for _, each in after if each is not best and each not in unwanted]
    return Verdict(
        name=case.name,
        kind=case.kind,
        wanted=case.cls,
        found=found,
        late=late,
        silent=case.silent,
        class_right=found and best is not None and best.latest.cls in right,
        class_primary=found and best is not None and best.latest.cls == case.cls,
        culprit_first=found and best is not None and bool(_ranked(best, 1) & set(case.culprit)),
        culprit_in_three=found and best is not None and bool(_ranked(best, 3) & set(case.culprit)),
        seconds=seconds,
        reported=best.latest.cls if best else "",
        service=_where(best) if best else "",
        cause=best.cause if best else "",
        false=tuple(map(_short, unwanted)),
        extra=tuple(map(_short, more)),
    )


def totals(verdicts: Sequence[Verdict], normal: Sequence[Trouble] = ()) -> dict[str, Any]:
    """Return recall, class right, culprit, false incidents and seconds over all cases.

    Shares are of all cases, so a case that was not found is neither right in its class nor in its culprit.
    """
    n = len(verdicts)
    seconds = sorted(each.seconds for each in verdicts if each.found and each.seconds is not None)
    return {
        "cases": n,
        "found": sum(each.found for each in verdicts),
        "late": sum(each.late for each in verdicts),
        "recall": _share(verdicts, "found"),
        "class_right": _share(verdicts, "class_right"),
        "class_primary": _share(verdicts, "class_primary"),
        "culprit_first": _share(verdicts, "culprit_first"),
        "culprit_in_three": _share(verdicts, "culprit_in_three"),
        "culprit_first_silent": _share([each for each in verdicts if each.silent], "culprit_first"),
        "false_in_normal_hour": len(normal),
        "false_in_cases": sum(len(each.false) for each in verdicts),
        "extra": sum(len(each.extra) for each in verdicts),
        "seconds_p50": quantile(seconds, 0.5),
        "seconds_p95": quantile(seconds, 0.95),
    }


def quantile(ordered: Sequence[float], share: float) -> float | None:
    """Return the smallest value that at least this share of the values does not exceed."""
    if not ordered:
        return None
    return ordered[max(0, -int(-share * len(ordered) // 1) - 1)]


def _share(verdicts: Sequence[Verdict], field: str) -> float | None:
    return round(sum(getattr(each, field) for each in verdicts) / len(verdicts), 4) if verdicts else None


def _ranked(trouble: Trouble, most: int) -> set[str]:
    one = trouble.latest
    first = one.service or one.host
    return set([first, *(each for each in one.services if each != first)][:most])


def _where(trouble: Trouble) -> str:
    return trouble.latest.service or trouble.latest.host or "-"


def _short(trouble: Trouble) -> str:
    return f"{trouble.latest.cls}@{_where(trouble)}: {trouble.latest.title}"
