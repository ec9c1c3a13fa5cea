"""What a runner of tests or builds prints: who began it reads it, and no service of the host has failed.

From parse, for each line that begins as a runner's may, and for those of a run that has begun; to Parsed. A
program that is tested logs its failures in the words of a service, so no line tells by itself that a test
made it: the lines around it do. That the host has no room or memory is the host's trouble, whoever met it.
"""
from __future__ import annotations

import re
from typing import NamedTuple, Optional

from .parsed import Context, Parsed

#: A run that does not end is no run any more after so many lines without one of its own marks.
_LINES, _JOB_LINES = 5_000, 20_000


class Run(NamedTuple):
    """A run that goes on: of whom its lines are, how many came since its latest mark, and what it is.

    `job` is that of a CI runner, in which tests begin and end; a `loose` run shows itself only by its
    failures, so the first line with a date ends it.
    """

    service: Optional[str]
    lines: int
    job: bool
    loose: bool


_JOB = re.compile(r"Current runner version: '[0-9]|Running with gitlab-runner [0-9]|##\[group\]Run "
                  r"|\[Pipeline\] (?!End of )\w|Running on \S{1,100} in /\S{0,200}/workspace/")
_JOB_ENDS = re.compile(
    r"Cleaning up (?:orphan processes|project directory and file based variables)|Job (?:succeeded|failed)\b"
    r"|ERROR: Job failed|\[Pipeline\] End of |Finished: (?:SUCCESS|FAILURE|ABORTED|UNSTABLE|NOT_BUILT)\b")
_TESTS = re.compile(
    r"={5,} test session starts ={5,}|T E S T S\s*\Z|=== RUN   Test\w|PHPUnit [0-9]{1,2}\.[0-9]"
    r"|Starting test execution, please wait|> (?:jest|vitest|mocha|ava)\b|> Task :\S{0,100}[tT]est\b"
    r"|RUN  v[0-9]")
#: By what a run shows itself that did not say that it began.
_FAILURES = re.compile(
    r"--- FAIL: Test\w|running [0-9]{1,6} tests?\Z|Failure/Error: |[0-9]{1,6} passing \([0-9.]{1,8}m?s\)\Z"
    r"|FAIL {1,2}\S{1,200}\.(?:test|spec)\.[cm]?[jt]sx?\b")
_TESTS_END = re.compile(
    r"={3,} .{0,200}\b(?:passed|failed|errors?|skipped|no tests ran)\b.{0,100} in [0-9.:]{1,12}s"
    r"|BUILD (?:SUCCESS|FAIL)|FAIL(?:\t|\Z)|ok  \t|PASS\Z|test result: |Tests: {1,12}[0-9]{1,6}"
    r"|[0-9]{1,6} examples?, [0-9]{1,6} failures?|OK \([0-9]{1,6} tests?|Ran all test suites"
    r"|(?:Failed|Passed)!  - Failed: |Total tests: [0-9]")
#: How each of these begins that begin a run, so that hardly any other line is looked at.
OPENINGS = frozenset(("Curr", "Runn", "[Pip", "##[g", "====", "T E ", "=== ", "PHPU", "Star", "> je", "> vi",
                      "> mo", "> av", "> Ta", "RUN ", "--- ", "runn", "Fail", "FAIL"))
#: And how the others do, of which only is asked while a run goes on.
_HEADS = OPENINGS | frozenset(("Clea", "Job ", "ERRO", "Fini", "BUIL", "ok  ", "PASS", "test", "Test", "OK (",
                               "Pass", "Tota", "Ran "))
#: Of words that many programs begin a sentence with, what follows them as well.
_OPENS = ("Current runner", "Running with gitlab", "Running on ", "[Pipeline]", "##[group]", "=====",
          "T E S T S", "=== RUN", "PHPUnit", "Starting test", "> ", "RUN  v", "--- FAIL", "running ",
          "Failure/", "FAIL ")
#: BuildKit's output, line by line: the number of the step and the seconds.
_STEP = re.compile(r"#[0-9]{1,4} [0-9]{1,6}\.[0-9]{1,3} ")
_HOSTS = re.compile(r"no space left|enospc|disk quota exceeded|out of memory: kill|oom-kill"
                    r"|cannot allocate memory|read-only file system", re.I)
#: Lines with a header of the system's or of a store: no runner writes them.
_NO_RUNNER = frozenset(("syslog3164", "syslog5424", "kernel", "postgresql", "redis", "mysql", "nginx_error",
                        "apache_error", "audit", "klog"))


def told_by_runner(parsed: Parsed, context: Context) -> Parsed:
    """Return a line as a runner told it, if a run goes on or begins with it; else as it is."""
    run = context.run
    said = parsed.message.partition("\n")[0].strip()
    if run is None and not said.startswith(_OPENS) and said[:1] not in "#0123456789":
        return parsed
    if run is not None and (run.service != parsed.service or parsed.format in _NO_RUNNER):
        return parsed
    if _STEP.match(said) is not None:
        return _lowered(parsed)
    context.run = after = _after(run, said, parsed)
    return parsed if run is None and after is None else _lowered(parsed)


def _after(run: Optional[Run], said: str, parsed: Parsed) -> Optional[Run]:
    """Return the run that goes on after a line."""
    if run is None or said[:4] in _HEADS or said[:1] in "0123456789":
        if _JOB.match(said) is not None:
            return Run(parsed.service, 0, True, False)
        if run is not None and _JOB_ENDS.match(said) is not None:
            return None
        in_job = run is not None and run.job
        if _TESTS.match(said) is not None:
            return Run(parsed.service, 0, in_job, False)
        if run is not None and _TESTS_END.match(said) is not None:
            return run._replace(lines=0) if in_job else None
        if _FAILURES.match(said) is not None:
            return run._replace(lines=0) if run is not None else Run(parsed.service, 0, False, True)
    if run is None or (run.loose and parsed.at is not None):
        return None
    if run.lines >= (_JOB_LINES if run.job else _LINES):
        return None
    return run._replace(lines=run.lines + 1)


def _lowered(parsed: Parsed) -> Parsed:
    if parsed.level in ("info", "debug") or _HOSTS.search(parsed.message, 0, 4096) is not None:
        return parsed
    return parsed._replace(level="info", format="runner")
