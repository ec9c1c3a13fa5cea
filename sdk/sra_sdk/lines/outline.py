"""Tell of many lines at once which can hold neither a secret nor a word of trouble. From sources; to records.

Lines of one program differ in their numbers and ids, hardly in their words. So the outline of a line, what
remains when numbers and hexadecimal ids fade, is looked up in a bounded dict, and only an outline not met
before is searched for what matters. An outline never hides anything: whatever text stands in a line, the
text's outline stands in the line's outline. So a verdict may be a doubt too many, and never one too few;
doubts are settled on the line itself.
"""

from __future__ import annotations

from typing import NamedTuple

from .colours import ESCAPE
from .redact import ANY_CASE, AS_WRITTEN, has_card
from .wording import FACT_WORDS, OWN_WORDS, TROUBLE_WORDS

_REMEMBERED = 8192
#: Outlines as long as this are not worth remembering.
_LONG = 2000
_FADED = bytes.maketrans(b"bcdef", b"aaaaa")
_ZEROS = bytes.maketrans(b"123456789", b"000000000")
_DIGITS = b"0123456789"
_ESCAPE = ESCAPE.encode()
#: One of these stands in every payment card's number.
_CARDS = (b"0" * 15, b"0000-0000", b"0000 0000")


class Doubt(NamedTuple):
    """What a line with this outline may contain; each must be looked for in the line itself."""

    secrets: tuple[str, ...]
    secrets_low: tuple[str, ...]
    facts: tuple[str, ...]
    words: tuple[str, ...]
    exact: bool = True  # False: the line must be read by the long way

    def secret(self, line: str) -> bool:
        """Return whether the line may hold a secret of some kind other than a card's number."""
        if not self.exact:
            return True
        for part in self.secrets:
            if part in line:
                return True
        if self.secrets_low:
            low = line.lower()
            for part in self.secrets_low:
                if part in low and ANY_CASE[part].search(low) is not None:
                    return True
        return False

    def loud(self, line: str, *, rated: bool) -> bool:
        """Return whether words of the line may decide its level; `rated` is one that says "info" itself."""
        if not self.exact:
            return True
        parts = self.facts if rated else self.words
        return bool(parts) and _any(parts, line.lower())


def _any(parts: tuple[str, ...], low: str) -> bool:
    for part in parts:  # noqa: SIM110 - any() with a generator costs three times as much
        if part in low:
            return True
    return False


CLEAR = Doubt((), (), (), ())
UNKNOWN = Doubt((), (), (), (), False)


def outline(text: bytes) -> bytes:
    """Return the text without digits, each run of the letters a to f as one letter."""
    faded = text.translate(_FADED, _DIGITS)
    if b"aaaa" in faded:
        faded = faded.replace(b"aaaa", b"a")
    while b"aa" in faded:
        faded = faded.replace(b"aa", b"a")
    return faded


def _pairs(parts: tuple[str, ...]) -> tuple[tuple[bytes, str], ...]:
    return tuple((outline(part.encode()), part) for part in parts)


_AS_WRITTEN, _ANY_CASE = _pairs(AS_WRITTEN), _pairs(tuple(ANY_CASE))
_FACT_WORDS = _pairs(FACT_WORDS)
_WORDS = _pairs(tuple(dict.fromkeys((*TROUBLE_WORDS, *(word.lower() for word in OWN_WORDS)))))


class Outlines(dict[bytes, Doubt]):
    """The outlines met lately and what each leaves in doubt. Used by one thread."""

    def __missing__(self, key: bytes) -> Doubt:
        doubt = judged(key)
        if len(key) <= _LONG:
            if len(self) >= _REMEMBERED:
                self.clear()
            self[key] = doubt
        return doubt

    def doubts(self, lines: list[str]) -> tuple[list[Doubt], bool]:
        """Return what is in doubt of each line, and whether some line may hold a card's number."""
        text = "\n".join(lines)
        raw = text.encode("utf-8", "replace")
        keys = outline(raw).split(b"\n")
        if len(keys) != len(lines):
            return [UNKNOWN] * len(lines), True
        zeros = raw.translate(_ZEROS)
        cards = any(form in zeros for form in _CARDS) and has_card(text)
        return list(map(self.__getitem__, keys)), cards


def judged(key: bytes) -> Doubt:
    """Return what an outline leaves in doubt."""
    if not key.isascii() or _ESCAPE in key:
        # some letters of other alphabets have small forms that are ASCII, and colours part words
        return UNKNOWN
    low = outline(key.lower())
    secrets = tuple(part for faded, part in _AS_WRITTEN if faded in key and (part != "://" or b"@" in key))
    secrets_low = tuple(part for faded, part in _ANY_CASE if faded in low)
    facts = tuple(part for faded, part in _FACT_WORDS if faded in low)
    words = facts + tuple(part for faded, part in _WORDS if faded in low)
    return Doubt(secrets, secrets_low, facts, words) if secrets or secrets_low or words else CLEAR
