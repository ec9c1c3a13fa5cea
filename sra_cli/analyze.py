"""`sra analyze`: the incidents in log files, by the very fold that the server runs. From paths; to people.

No server, no database: files are distilled, folded in the order of their own time, and what the fold
opened is printed with its root cause and the lines that show it. `analyze_files` is for programs.
"""
from __future__ import annotations

import gc
import itertools
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from sra_sdk.errors import BadInput
from sra_server.domain.analysis import Analysis, Offer, Recommendation
from sra_server.domain.evidence import Evidence
from sra_server.domain.incident import ACTIVE, Incident
from sra_server.domain.record import MINUTE, Batch, Count
from sra_server.domain.signal import SEVERITY_ORDER
from sra_server.pipeline import Settings, State, fold

from . import output
from .distil import Counts, Slice, Tally, merged
from .logfiles import find

_EVIDENCE = 60
#: Of so many loud lines is remembered how they were written, where that is not their message.
_WRITTEN = 5_000
#: So many new objects are waited for until Python looks for cycles: a fold makes thousands, and hardly any.
_COLLECTED = 50_000
#: In files that span weeks, password guessing that comes back within so long is one incident.
_CAMPAIGN = 7 * 24 * 60 * MINUTE


@dataclass(slots=True, kw_only=True)
class Trouble:
    """One incident that was found, its latest analysis and its evidence."""

    incident: Incident
    analysis: Analysis | None = None
    evidence: dict[str, Evidence] = field(default_factory=dict)
    ended_at: int | None = None
    #: what could not be reached, by the log's own words
    place: str = ""

    def reason(self, advice: Recommendation) -> str:
        """Return why; advice for no known service says which place it is about."""
        at = f" (at {self.place})" if self.place and not advice.service else ""
        return advice.reason + at

    def as_json(self) -> dict[str, Any]:
        """Return the incident as `--json` prints it."""
        incident, analysis = self.incident, self.analysis
        return {
            "class": incident.cls, "severity": incident.severity, "title": incident.title,
            "service": incident.service or None, "host": incident.host or None,
            "services": list(incident.services),
            "started_at": _rfc3339(incident.started_at),
            "ended_at": None if self.ended_at is None else _rfc3339(self.ended_at),
            "root_cause": analysis.root_cause if analysis else None,
            "confidence": analysis.confidence if analysis else None,
            "evidence": [{"id": each.id, "source": each.source, "line": each.line, "text": each.text}
                         for each in self.lines()],
            "recommended_actions": [
                {"action": each.action, "service": each.service or None, "host": each.host or None,
                 "reason": self.reason(each), "offered": each.offered}
                for each in (analysis.recommendations if analysis else ())],
        }

    def lines(self) -> list[Evidence]:
        """Return the log lines among the evidence, oldest first."""
        return sorted((each for each in self.evidence.values() if each.kind == "record"),
                      key=lambda each: (each.at, each.source, each.line or 0))


@dataclass(slots=True, kw_only=True)
class Report:
    """What was found in some files. `unparsed` lines were of no known format; they are kept and judged."""

    records: int
    unparsed: int
    seconds: float
    files: int
    incidents: list[Trouble]
    skipped: list[tuple[str, str]]
    #: files of which no line says when it was written
    untimed: list[str] = field(default_factory=list)
    #: what is odd about a file that was read all the same
    notes: list[tuple[str, str]] = field(default_factory=list)
    #: the time that was given did not suffice for all of it
    cut: bool = False

    def as_json(self) -> dict[str, Any]:
        """Return the object that `--json` prints."""
        return {"records": self.records, "unparsed": self.unparsed, "seconds": round(self.seconds, 3),
                "cut": self.cut, "files": self.files, "untimed": self.untimed,
                "skipped": [{"path": path, "why": why} for path, why in self.skipped],
                "notes": [{"path": path, "note": note} for path, note in self.notes],
                "incidents": [each.as_json() for each in self.incidents]}


class _Enough(Exception):
    """The time is over."""


class _Judge:
    """Feeds slices to the fold as batches and keeps what it opens."""

    def __init__(self, settings: Settings, offers: tuple[Offer, ...], tally: Tally) -> None:
        self.settings, self.offers, self.tally = settings, offers, tally
        self.state = State.empty()
        self.troubles: dict[str, Trouble] = {}
        self._head = 0
        self._recent: tuple[Incident, ...] = ()
        self._counts: Counts = {}
        self._written: dict[str, str] = {}
        self._ids = itertools.count(1)

    def take(self, piece: Slice) -> None:
        """Judge a slice; quiet ones only add up while nothing is wrong."""
        for key, n in piece.counts.items():
            self._counts[key] = self._counts.get(key, 0) + n
        self._written.update(piece.written)
        while len(self._written) > _WRITTEN:
            del self._written[next(iter(self._written))]
        late = self.state.lasting
        if piece.records or self._recent or self.tally.fine or len(self._counts) > 2000 or (
                late is not None and late <= piece.end):
            self._fold(piece)

    def _fold(self, piece: Slice) -> None:
        self._head += 1
        counts = tuple(Count(minute=minute, service=service, host=host, level=level, n=n)
                       for (minute, service, host, level), n in self._counts.items())
        self._counts = {}
        batch = Batch(account_id="", head=self._head, received_at=piece.end, records=tuple(piece.records),
                      counts=counts)
        self.state, changes = fold(self.state, batch, self._recent, self.offers, piece.end, self.settings,
                                   self._new_id)
        # who was stopped is given the time to come back, which its next lines tell
        self.tally.fine = bool(self.state.stops.items())
        for change in changes:
            found = self.troubles.get(change.incident.id)
            if found is None:
                found = self.troubles[change.incident.id] = Trouble(incident=change.incident)
            found.incident = change.incident
            found.analysis = change.analysis or found.analysis
            found.ended_at = change.incident.last_signal_at if change.kind == "resolved" else None
            for signal in change.signals:
                if signal.opens:  # mere evidence says of nobody that he is ill
                    found.place = found.place or signal.subject
                for each in signal.evidence:
                    if len(found.evidence) < _EVIDENCE:
                        # what is shown must be found in the file as it stands
                        shown = replace(each, text=self._written.get(each.id, each.text))
                        found.evidence.setdefault(each.id, shown)
        if changes or self._recent:
            known = (each.incident for each in self.troubles.values())
            self._recent = tuple(each for each in known
                                 if each.status in ACTIVE or self._may_return(each, piece.end))

    def _new_id(self) -> str:
        return f"incident-{next(self._ids)}"

    def _may_return(self, incident: Incident, now: int) -> bool:
        window = _CAMPAIGN if incident.cls == "auth_failures" else self.settings.reopen
        return now - (incident.resolved_at or 0) <= window


@contextmanager
def _seldom_collected() -> Iterator[None]:
    was = gc.get_threshold()
    gc.set_threshold(_COLLECTED, *was[1:])
    try:
        yield
    finally:
        gc.set_threshold(*was)


def analyze_files(paths: list[str], *, service: str | None = None, since: int | None = None,
                  settings: Settings | None = None, offers: tuple[Offer, ...] = (), now: int | None = None,
                  seconds: float | None = None,
                  on_progress: Callable[[int, int], None] | None = None) -> Report:
    """Return what is wrong in some log files; with `seconds`, what is found in that time.

    `on_progress` gets bytes done and bytes in all.
    """
    began = time.perf_counter()
    found = find(paths, since)
    total, done = sum(each.size for each in found.sources), 0

    def on_bytes(n: int) -> None:
        nonlocal done
        done += n
        if seconds is not None and time.perf_counter() - began > seconds:
            raise _Enough
        if on_progress is not None:
            on_progress(done, total)

    tally = Tally()
    judge = _Judge(settings or Settings(), offers, tally)
    moment = now if now is not None else time.time_ns() // 1000
    cut = False
    try:
        with _seldom_collected():
            for piece in merged(found.sources, tally, now=moment, service=service, since=since,
                                on_bytes=on_bytes):
                judge.take(piece)
    except _Enough:
        cut = True
    skipped = found.skipped + [(each.path, each.problem) for each in found.sources if each.problem]
    order = sorted(judge.troubles.values(), key=lambda each: (each.incident.started_at, each.incident.id))
    notes = [(each.name, each.note) for each in found.sources if each.note]
    return Report(records=tally.records, unparsed=tally.unparsed, seconds=time.perf_counter() - began,
                  files=sum(each.opened for each in found.sources), incidents=order, skipped=skipped, cut=cut,
                  untimed=tally.untimed, notes=notes)


def command(
    paths: Annotated[list[str], typer.Argument(metavar="PATH...|-",
                                               help="Files, .gz, folders, or - for standard input.")],
    json_: bool = typer.Option(False, "--json", help="Print one JSON object."),
    service: str | None = typer.Option(None, "--service", help="The service that wrote these lines."),
    since: str | None = typer.Option(None, "--since", help="Only from then on: 1h, 2d, or a time."),
    seconds: Annotated[float | None, typer.Option(
        min=0.1, help="Stop after so long with what was found.")] = None,
    fail_on_incident: bool = typer.Option(False, "--fail-on-incident",
                                          help="Exit with 1 if there is an incident."),
) -> None:
    """Find the incidents in log files; needs no server.

    \b
    Examples:
      sra analyze /var/log/syslog
      sra analyze --since 2h /var/log
      zcat app.log.gz | sra analyze --service app --json -
    """
    begin = output.moment(since, "--since")
    start = None if begin is None else int(begin.timestamp() * 1_000_000)
    if sys.stderr.isatty() and paths != ["-"]:
        report = _with_progress(paths, service, start, seconds)
    else:
        report = analyze_files(paths, service=service, since=start, seconds=seconds)
    if json_:
        output.emit(report.as_json())
    elif report.files:
        _print(report)
    if not report.files and not report.cut:
        passed = "; ".join(f"{path}: {why}" for path, why in report.skipped[:10])
        raise BadInput("nothing to read there", hint=passed or "name log files or folders that hold some")
    if fail_on_incident and report.incidents:
        raise typer.Exit(1)


def _with_progress(paths: list[str], service: str | None, since: int | None,
                   seconds: float | None) -> Report:
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TimeRemainingColumn, TransferSpeedColumn
    with Progress(BarColumn(), DownloadColumn(), TransferSpeedColumn(), TimeRemainingColumn(),
                  console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("reading", total=None)
        def on_progress(done: int, total: int) -> None:
            bar.update(task, completed=done, total=total or None)

        return analyze_files(paths, service=service, since=since, seconds=seconds, on_progress=on_progress)


def _print(report: Report) -> None:
    """Print the table of incidents, then each with its cause and the lines that show it."""
    order = sorted(report.incidents, key=lambda each: (-SEVERITY_ORDER[each.incident.severity],
                                                       each.incident.started_at))
    output.table(
        ("SEVERITY", "CLASS", "SERVICE", "FROM", "TO", "TITLE"),
        [(each.incident.severity, each.incident.cls, each.incident.service or each.incident.host or "-",
          _local(each.incident.started_at), "goes on" if each.ended_at is None else _local(each.ended_at),
          each.incident.title) for each in order],
        empty="No incident found." if report.records else "Nothing was read, so nothing was found.")
    for each in order:
        output.show()
        output.show(output.colour(output.plain(each.incident.title), each.incident.severity))
        if each.analysis is not None:
            output.show(f"  cause: {output.plain(each.analysis.root_cause)} "
                        f"(confidence {each.analysis.confidence:.2f})")
        for line in _shown(each)[:5]:
            output.show(f"  {output.plain(line.source)}:{line.line}: {output.plain(_short(line.text))}")
        for advice in (each.analysis.recommendations if each.analysis else ())[:3]:
            what = f"{advice.action} {output.plain(advice.service)}".rstrip()
            output.show(f"  would help: {what}: {output.plain(each.reason(advice))}")
    output.show()
    output.tell(f"{report.records:,} record{'s' * (report.records != 1)} in "
                f"{report.files} file{'s' * (report.files != 1)}, "
                f"{report.unparsed:,} of no known format, {report.seconds:.1f} s")
    if report.cut:
        output.tell("notice: the time was over before everything was read")
    for path, note in report.notes:
        output.tell(f"notice: {output.plain(path)} {note}")
    if report.untimed:
        names = ", ".join(map(output.plain, report.untimed[:3])) + ", …" * (len(report.untimed) > 3)
        output.tell(f"notice: no line of {names} says when it was written; they are read as one a second")
    for path, why in report.skipped:
        output.tell(f"not read: {output.plain(path)}: {output.plain(why)}")


def _shown(trouble: Trouble) -> list[Evidence]:
    """Return the lines, those that the first claims cite first."""
    cited = [key for claim in (trouble.analysis.claims if trouble.analysis else ()) for key in claim.evidence]
    rank = {key: n for n, key in reversed(list(enumerate(cited)))}
    return sorted(trouble.lines(), key=lambda each: rank.get(each.id, len(rank)))


def _short(text: str) -> str:
    """Return the first line of a text, and of several that which says what was the matter."""
    said = [each.strip() for each in text.split("\n") if each.strip()] or [""]
    traced = any(each.startswith("Traceback (most recent call last)") for each in said)
    more = f" … {said[-1] if traced else said[1]}" if len(said) > 1 else ""
    return (said[0][:200] + more)[:300]


def _rfc3339(at: int) -> str:
    moment = datetime.fromtimestamp(at / 1_000_000, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _local(at: int) -> str:
    return output.local(datetime.fromtimestamp(at / 1_000_000, UTC))
