"""Account: does somebody fail again and again to sign in to one and the same account? From signatures; pure.

Robots of the internet try names by the thousand, all day long, so what is usual of logins that fail hides one
account with an old password, or one whose password somebody guesses from inside. A person who has forgotten a
password tries a few times and asks for help; a program goes on.
"""
from __future__ import annotations

import re
from collections.abc import Iterable

from ..domain.record import SECOND, Record
from .client import inside
from .memory import Memory

#: So many failures of one account within so long, and not within a moment: one click may write many.
_TRIES, _WITHIN, _SPREAD = 10, 90 * SECOND, 45 * SECOND
#: So many accounts are kept in mind.
_ACCOUNTS = 8
_CHARACTERS = 600
_NAME = re.compile(r"(?:\bfor (?:user )?|\buser(?:name)?[ =:]{1,2})[\"'<`]?"
                   r"(?!invalid |unknown |illegal |user\b)([\w.@+-]{1,60})")
#: The account that is everywhere, so every robot tries it.
_EVERYWHERE = frozenset(("", "root"))
#: An account that is not there cannot be locked or guessed.
_NONE = re.compile(r"invalid user|illegal user|user unknown|unknown user|no such user|not found")
_SOURCE = re.compile(r"(?:\bfrom |\brhost=|\brip=|\bclient[: ]+\"?|unknown\[)"
                     r"([0-9a-f]{1,4}[.:][0-9a-f.:]{2,40})")


def tried(memory: Memory, fingerprint: str, records: Iterable[Record]) -> bool:
    """Say whether one account has failed so often of late, from inside, that it is no person who mistypes.

    Memory: account|fingerprint → [[name, times of its latest failures], ...], the latest last.
    """
    key = f"account|{fingerprint}"
    known: dict[str, list[int]] = {name: times for name, times in memory.get(key) or ()}
    often = False
    changed = False
    for record in records:
        name = _account(record.message[:_CHARACTERS].lower())
        if not name:
            continue
        changed = True
        times = [each for each in known.pop(name, []) if 0 <= record.at - each <= _WITHIN][1 - _TRIES:]
        known[name] = [*times, record.at]
        if len(known) > _ACCOUNTS:
            del known[next(iter(known))]
        often = often or (len(times) + 1 >= _TRIES and record.at - times[0] >= _SPREAD)
    if changed:
        memory.put(key, [[name, times] for name, times in known.items()])
    return often


def of_robots(low: str, source: str) -> bool:
    """Say whether a login is what robots of the internet try everywhere: none of this host's own accounts."""
    return not inside(source) and (_NONE.search(low) is not None or name_of(low) in _EVERYWHERE)


def name_of(low: str) -> str:
    """Return the account of which a text in lower case says that a login failed, or ""."""
    found = _NAME.search(low[:_CHARACTERS])
    return found[1] if found is not None else ""


def _account(low: str) -> str:
    """Return the account at which somebody failed from inside, or ""."""
    if _NONE.search(low) is not None:
        return ""
    source = _SOURCE.search(low)
    if source is not None and not inside(source[1]):
        return ""
    return name_of(low)
