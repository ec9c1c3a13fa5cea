"""Templates: texts that differ only in numbers and names become one, for each service. To novelty.

A small relative of Drain: a text's first words, numbers faded; a text that agrees with a known template in
most of its places joins it, and the places where they differ become open. Bounded in every way: words, the
templates of a service, and the comparisons that one text may cost.
"""
from __future__ import annotations

import re
from typing import NamedTuple

#: So many words of a text count, and so many templates a service may have.
WORDS = 16
TEMPLATES = 32
_CHARACTERS = 400
_MARK = 120
_OPEN = "*"
#: Above this share of equal places two texts are one template.
_ALIKE = 0.6
_VARIES = re.compile(r"\S*\d\S*|'[^'\n]*'|\"[^\"\n]*\"")


class Template(NamedTuple):
    """A text with open places: when it was first and last seen (minute), and how often in the last one.

    `mark` is what it was called when it first opened an incident, `told` how many of `n` a signal counted.
    """

    text: str
    first: int
    minute: int
    n: int
    mark: str = ""
    told: int = 0


def faded(text: str) -> str:
    """Return the beginning of a text with what varies open; equal texts need no further look."""
    line = text[:_CHARACTERS].partition("\n")[0]
    return " ".join(_VARIES.sub(_OPEN, line).split(None, WORDS)[:WORDS])


def place(known: list[Template], shape: str) -> int | None:
    """Return the number of the template that a faded text belongs to, or None."""
    for number, each in enumerate(known):
        if each.text == shape:
            return number
    words = shape.split(" ")
    best, found = 0.0, None
    for number, each in enumerate(known):
        if not each.text.startswith((words[0], _OPEN)):
            # as Drain does: templates part by their first word, which keeps this cheap
            continue
        theirs = each.text.split(" ")
        if len(theirs) != len(words):
            continue
        equal = sum(one == other != _OPEN for one, other in zip(words, theirs, strict=True))
        # open places agree with everything, but a template of open places alone is none
        fixed = sum(other != _OPEN for other in theirs)
        share = equal / max(fixed, len(words) // 2, 1)
        if share > best:
            best, found = share, number
    return found if best >= _ALIKE else None


def mark(template: Template) -> str:
    """Return what a template is called in fingerprints: its words, which are the same the next time.

    Once it has opened an incident it keeps its name, though more of its places may open.
    """
    return template.mark or template.text.replace("|", "/")[:_MARK]


def merged(template: Template, shape: str) -> str:
    """Return the template's text with the places open in which another text differs."""
    pairs = zip(template.text.split(" "), shape.split(" "), strict=True)
    return template.text if template.text == shape else " ".join(
        one if one == other else _OPEN for one, other in pairs)
