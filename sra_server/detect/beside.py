"""What a structured record says of its error beside the message. From records; to signatures and trials.

Loggers put an error as a text, as a group of fields, as a list of frames, or as a chain of causes below each
other. Its own words come first, then those of its causes, and the long traces last, for only so much is read.
"""
from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ..domain.record import Record

#: So much is read of each error.
_TEXT = 2000
#: So deep a chain of causes is followed, and so many texts are taken from it.
_DEPTH, _MOST = 8, 40
#: Where structured loggers put the error that the message speaks of; `alarm` is etcd's.
_FIELDS = ("error", "err", "exception", "exc_info", "stack", "stack_trace", "stacktrace", "cause",
           "reason", "error.message", "error.stack_trace", "exception.message", "exception.stacktrace",
           "thrown", "throwable", "@x", "Exception", "errors", "errorCauses", "errorVerbose", "error_verbose",
           "exc_text", "alarm")
#: Of these, what says in any group of fields that it is an error (Monolog, winston, slog, OpenTelemetry).
_GROUPED = ("error", "err", "exception", "thrown", "exception.message", "exception.stacktrace",
            "error.message")
#: Where MongoDB's records keep such fields, and more of them.
_DETAILS = "attr"
_DETAIL_FIELDS = (*_FIELDS, "message", "errmsg")
_KNOWN = frozenset((*_FIELDS, _DETAILS))
#: What is long and says little that is new: read after the rest.
_LONG = frozenset(("stack", "stack_trace", "stacktrace", "stackTrace", "frames", "extendedStackTrace",
                   "stepArray", "StackTrace", "StackTraceString"))
#: What somebody asked for is repeated there, as in the errors of HTTP clients.
_REPEATED = frozenset(("config", "request", "headers", "body", "params", "input", "payload"))


def text_of(record: Record) -> str:
    """Return the message, and what a structured record says of the error beside it."""
    given = record.metadata
    groups = [each for each in given.values() if isinstance(each, dict)] if given else None
    if not given or (not groups and given.keys().isdisjoint(_KNOWN)):
        return record.message
    inner = given.get(_DETAILS)
    more = [_told(given[key]) for key in _FIELDS if given.get(key)]
    if isinstance(inner, dict):
        more += [_told(inner[key]) for key in _DETAIL_FIELDS if inner.get(key)]
    more += [_told(each[key]) for each in groups or () if each is not inner
             for key in _GROUPED if each.get(key)]
    return "\n".join((record.message, *more)) if more else record.message


def _told(value: Any) -> str:
    """Return the words of an error, however it was stored."""
    if not isinstance(value, dict | list):
        return _shortened(str(value))
    said: list[str] = []
    late: list[Any] = []
    for text in _walk(value, _DEPTH, late):
        said.append(text)
        if len(said) >= _MOST:
            break
    for trace in late:
        for text in _walk(trace, _DEPTH, []):
            said.append(text)
            if len(said) >= 2 * _MOST:
                break
    return "\n".join(said)[:_TEXT]


def _shortened(text: str) -> str:
    """Return the beginning and the end of a long text: a trace of Python says last what was the matter."""
    return text if len(text) <= _TEXT else f"{text[:_TEXT // 2]}\n{text[-(_TEXT // 2):]}"


def _walk(value: Any, depth: int, late: list[Any]) -> Iterator[str]:
    """Yield the texts of a group or list, nearest first; put traces aside."""
    deeper: list[Any] = []
    for key, inner in value.items() if isinstance(value, dict) else enumerate(value):
        if key in _REPEATED:
            continue
        if key in _LONG:
            late.append(inner if isinstance(inner, dict | list) else [inner])
        elif isinstance(inner, dict | list):
            deeper.append(inner)
        elif isinstance(inner, str) and inner:
            yield _shortened(inner)
    if depth > 0:
        for inner in deeper:
            yield from _walk(inner, depth - 1, late)
