"""Join the lines of one event: stack traces and continuations. From sources; to parse.

An event is held until the line that does not belong to it (or a flush by the source, when no line
came for a while). A trace that begins at the margin joins the line before only if that line tells of
an error; otherwise it is an event of its own, so that no trace hides behind "listening on port 80".
"""
from __future__ import annotations

import re
from collections.abc import Iterator

#: Bounds of one event; what is longer is split (lines) or cut (one line). Java tells 1,024 frames of a
#: trace at most, and a little around them: so its endless recursions are whole.
LINES = 1200
BYTES = 256 * 1024
#: What is split off begins with the event's first line and this mark: so it has the same level, service and
#: time, where its own lines would count as information. So much of the first line suffices.
CONTINUED = "... (continued)"
_HEAD = 2048

_DATED = re.compile(r"\s*[\[<]?(?:[0-9]{4}[-/][0-9]{2}[-/][0-9]{2}[T ]|[A-Z][a-z]{2} [ 0-3][0-9] "
                    r"[0-9]{2}:|[0-9]{2}:[0-9]{2}:[0-9]{2}|[0-9]{2}-[A-Z][a-z]{2}-[0-9]{4} "
                    r"|[0-9]{2}[/.][0-9]{2}[/.][0-9]{4}[ ,]"
                    # Zabbix' pids stand to the right
                    r"|[0-9]{1,7}:[0-9]{8}:[0-9]{6}\.)")
#: How java.util.logging begins an event; its level and message stand in the next line.
_JUL_HEAD = re.compile(r"[A-Z][a-z]{2} [0-3][0-9], [0-9]{4} [0-9]{1,2}:[0-9]{2}:[0-9]{2} [AP]M ")
_JUL_BODY = re.compile(r"(?:FINEST|FINER|FINE|CONFIG|INFO|WARNING|SEVERE): ")
_TROUBLE = re.compile(r"\b(?:ERROR|CRITICAL|FATAL|SEVERE|WARN|WARNING|EXCEPTION|[Ee]rror|[Ee]xception"
                      r"|fatal|warn|critical"
                      r"|[Ff]ailed|[Cc]rashed)\b")
_TRACEBACK = "Traceback (most recent call last)"
_CHAINED = ("During handling of the above exception", "The above exception was the direct cause")
_JAVA_HEAD = re.compile(r"(?:[a-z][\w$]*\.)+[A-Z][\w$]*(?:Exception|Error|Throwable|Failure|Fault)\b"
                        r"(?!.* - )")
_CAUSED = re.compile(r"Caused by: |Suppressed: |\.\.\. [0-9]+ (?:more|common frames)|Wrapped by: ")
_GO_HEAD = re.compile(r"panic: |fatal error: |SIG[A-Z]+: |unexpected fault address")
_GO_BODY = re.compile(r"goroutine [0-9]+ \[|\[signal |[\w./*()\[\]{}·@-]+\(.*\)$|created by |exit status "
                      r"[0-9]|panic: |r[0-9a-z]{1,3} +0x|\[recovered\]")
_NODE_HEAD = re.compile(r"(?:/|file:///|node:|[A-Za-z]:\\)\S+\.?[cm]?[jt]?s?:[0-9]+$")
_NODE_BODY = re.compile(r"(?:\w*Error|\w*Exception)\b.*|throw |\^|}|Node\.js v|\[cause\]")
_RUST_HEAD = re.compile(r"thread '[^']*' (?:\([0-9]+\) )?panicked at ")
_RUST_BODY = re.compile(r"note: |stack backtrace:")
#: A frame of Ruby's, which stands at the margin.
_RUBY_FRAME = re.compile(r"[^\s:]{1,300}:[0-9]{1,7}:in [`']")
#: First characters of lines at the margin that may still belong to the line before.
_SUSPECTS = frozenset(" \t/TCWS.}])abcdefghijklmnopqrstuvwxyz")
#: Beginnings of lines that belong to no line before and await none after, unless a trace is being read.
_OPENING = re.compile(r"(?![A-Z][a-z]{2} [0-3][0-9],)"
                      r"(?:[0-9\[{<(\"'#*+=|>-]|[ABD-RUVX-Z](?!:)|[CTW][A-Z]|SE"
                      r"|(?:Sep|Sat|Sun|Tue|Thu|Wed) |[a-z][\w$]{0,4}=)")
_BEGINNING = 7


class _Openers(dict[str, bool]):
    """Whether a line with this beginning is an opening one."""

    def __missing__(self, begin: str) -> bool:
        opens = _OPENING.match(begin) is not None
        if len(self) < 10_000:
            self[begin] = opens
        return opens


_OPENS = _Openers()


def cut(text: str, limit: int = BYTES) -> tuple[str, int]:
    """Return the text cut to `limit` bytes of UTF-8, and the bytes that it had."""
    if len(text) * 4 <= limit:
        return text, len(text.encode("utf-8", "surrogatepass"))
    raw = text.encode("utf-8", "surrogatepass")
    if len(raw) <= limit:
        return text, len(raw)
    return raw[:limit].decode("utf-8", "ignore"), len(raw)


class Joiner:
    """Joins the lines of one source. Each event comes with the number of lines that it was."""

    def __init__(self) -> None:
        self._held: list[str] = []
        self._bytes = 0
        self._blank = 0
        self._mode = ""
        self._frames = False
        #: Lines held back: a position is durable only up to before them.
        self.pending_lines = 0

    def feed(self, line: str) -> list[tuple[str, int]]:
        """Take a line (without its end); return the events that it finished."""
        if self.pending_lines:
            # Nearly every line is a new event at once: nothing awaited, and a first character that rules out.
            if (not self._mode and line and line[0] not in _SUSPECTS) or not self._belongs(line):
                done = self.flush()
                self._begin(line)
                return done
            return self._add(line)
        self._begin(line)
        return []

    def feed_all(self, lines: list[str]) -> Iterator[tuple[list[str], int]]:
        """Take many lines; yield what `feed` would return for each, in groups.

        With the texts of a group comes the number of the line that the first of them is, or -1 where they
        are events of several lines or of former ones.
        """
        for texts, number, _ in self.groups(lines):
            yield texts, number

    def groups(self, lines: list[str]) -> Iterator[tuple[list[str], int, int]]:
        """Do the same, and say of how many lines each text of a group is."""
        opens = list(map(_OPENS.__getitem__, [line[:_BEGINNING] for line in lines]))
        if max(map(len, lines), default=0) * 4 > BYTES:
            opens = [short and len(line) * 4 <= BYTES for short, line in zip(opens, lines)]
        number, count = 0, len(lines)
        while number < count:
            if self._mode or not opens[number]:
                for text, of in self.feed(lines[number]):
                    yield [text], number - 1 if number and text is lines[number - 1] else -1, of
                number += 1
                continue
            try:
                end = opens.index(False, number)
            except ValueError:
                end = count
            for text, of in self.flush():
                yield [text], number - 1 if number and text is lines[number - 1] else -1, of
            if end - number > 1:
                yield lines[number:end - 1], number, 1
            self._begin(lines[end - 1])
            number = end

    def flush(self) -> list[tuple[str, int]]:
        """Return the event that is held, finished or not."""
        if not self.pending_lines:
            return []
        held = self._held
        event = (held[0] if len(held) == 1 else "\n".join(held), self.pending_lines)
        self._held = []
        self.pending_lines = self._bytes = self._blank = 0
        self._mode = ""
        self._frames = False
        return [event]

    def _begin(self, line: str) -> None:
        if len(line) * 4 > BYTES:
            line = cut(line)[0]
        self._held = [line]
        self._bytes = len(line) if line.isascii() else len(line.encode("utf-8", "surrogatepass"))
        self.pending_lines = 1
        first = line[:1]
        if first == "T" and line.startswith(_TRACEBACK):
            self._mode = "python"
        elif first in "pfSu" and _GO_HEAD.match(line):
            self._mode = "go"
        elif line[6:9] == ", 2" and _JUL_HEAD.match(line):
            self._mode = "jul"
        elif first == "t" and _RUST_HEAD.match(line):
            self._mode = "rust-message" if line.endswith(":") else "rust"
        elif line[-1:] in "0123456789" and _NODE_HEAD.match(line):
            self._mode = "node-source"

    def _continue(self, head: str) -> None:
        """Put the first line of an event before that of its next part, if there is room."""
        size = len(head.encode("utf-8", "surrogatepass")) + len(CONTINUED) + 2
        if self._bytes + size <= BYTES:
            self._held[:0] = [head, CONTINUED]
            self._bytes += size

    def _add(self, line: str) -> list[tuple[str, int]]:
        size = 1 + self._blank + (len(line) if line.isascii() else len(line.encode("utf-8", "surrogatepass")))
        if line and (self._bytes + size > BYTES or self.pending_lines >= LINES):
            mode, frames, head = self._mode or "more", self._frames, self._held[0][:_HEAD]
            done = self.flush()
            self._begin(line)
            self._continue(head)
            self._mode, self._frames = mode, frames
            return done
        self.pending_lines += 1
        if not line or line.isspace():
            # Blank lines inside an event are kept, those at its end only counted.
            self._blank += 1
            # a blank line alone splits nothing: what follows could not be told from an event of its own
            return self.flush() if self._blank >= LINES else []
        if self._blank:
            self._held.extend([""] * self._blank)
            self._blank = 0
        self._held.append(line)
        self._bytes += size
        return []

    def _belongs(self, line: str) -> bool:
        if not line or line.isspace():
            return True
        first, mode = line[0], self._mode
        indented = first in " \t"
        if indented:
            if _DATED.match(line):
                return False
            if mode == "" and self._held[0][:1] in " \t{<" and self._held[0] != "{":
                return False
            if mode == "python-end":
                # The message of an exception may have more lines.
                return not self._blank
            if self._blank and mode == "" and not self._frames and first == " ":
                return False
            stripped = line.lstrip()
            if stripped.startswith(("at ", "... ")):
                self._frames = True
            return True
        if mode and _DATED.match(line) and mode != "python":
            return False
        if mode.startswith("python"):
            return self._python(line, mode)
        if mode == "jul":
            self._mode = ""
            return _JUL_BODY.match(line) is not None
        if mode == "go":
            return _GO_BODY.match(line) is not None
        if mode == "rust-message":
            self._mode = "rust"
            return True
        if mode == "rust":
            return _RUST_BODY.match(line) is not None
        if mode == "node-source":
            self._mode = "node"
            return True
        if mode == "node":
            return _NODE_BODY.match(line) is not None
        if first in "CSW." and _CAUSED.match(line) and (
                self._frames or (not self._blank and self._thrown())):
            return True
        if self._blank:
            return False
        if first in "}])":
            return self._held[0].rstrip().endswith(("{", "[", "(")) and len(line.strip()) <= 2
        if first == "T":
            if line.startswith(_TRACEBACK) and self._troubled():
                self._mode = "python"
                return True
            return False
        if ":in " in line and _RUBY_FRAME.match(line):
            return self._troubled() or _RUBY_FRAME.match(self._held[-1]) is not None
        return first.islower() and _JAVA_HEAD.match(line) is not None and self._troubled()

    def _python(self, line: str, mode: str) -> bool:
        if mode == "python":
            if line.startswith(_TRACEBACK):
                # Another trace without an end in between: only a chain may follow, and that has one.
                return len(self._held) == 1 or self._held[-1].startswith(_CHAINED)
            if self._held[-1][:1] not in " \t" and not self._held[-1].startswith(_TRACEBACK):
                return False
            if _DATED.match(line):
                return False
            self._mode = "python-end"
            return True
        if self._blank and line.startswith(_CHAINED):
            self._mode = "python-chain"
            return True
        if mode == "python-end" and not self._blank and _DATED.match(self._held[0]):
            # Where each record has a date, a line without one is the rest of the exception's message.
            return not line.startswith(_TRACEBACK)
        if mode == "python-chain" and line.startswith(_TRACEBACK):
            self._mode = "python"
            return True
        return False

    def _thrown(self) -> bool:
        """Say whether the last line is an exception without frames, as some formats shorten it."""
        last = self._held[-1]
        return _JAVA_HEAD.match(last) is not None or _CAUSED.match(last) is not None

    def _troubled(self) -> bool:
        alone = len(self._held) == 1 or (len(self._held) == 2 and _JUL_HEAD.match(self._held[0]) is not None)
        return alone and _TROUBLE.search(self._held[-1], 0, 1000) is not None
