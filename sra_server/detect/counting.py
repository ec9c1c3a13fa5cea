"""The count test: how unlikely is a count, given the minutes before it. From burst, novelty; pure arithmetic.

Errors per minute are counts, often none: a z-score of them means nothing near zero. With a Gamma prior
on the rate, what the next minute holds is negative binomial; it is made wider by the dispersion seen.
"""
from __future__ import annotations

from math import exp, inf, lgamma, log, log1p

#: The prior: half an error in one minute, worth one minute of watching.
_ERRORS, _MINUTES = 0.5, 1.0
#: Less than one in a hundred records is few, up to one error a second; beyond that less than one in a
#: thousand. Who serves very many has always a few for whom it fails.
_SHARE, A_SECOND, _LEAST = 0.01, 60, 0.001


def many(floor: float, written: int) -> float:
    """Return how many errors in a minute are many where so much is written: `floor` or more."""
    return max(floor, min(written * _SHARE, max(A_SECOND, written * _LEAST)))


def rate(total: float, minutes: float) -> float:
    """Return the expected count of the next minute."""
    return (_ERRORS + total) / (_MINUTES + minutes)


def tail(n: int, total: float, squares: float, minutes: float) -> float:
    """Return the probability of `n` or more in a minute.

    `total`, `squares` and `minutes` are the (faded) sums of counts, of their squares and of ones.
    """
    mean = rate(total, minutes)
    if n <= mean:
        return 1.0
    spread = 1.0
    if minutes > 1 and total > 0:
        average = total / minutes
        spread = max(1.0, (squares / minutes - average * average) / average)
    # how little is known of the mean, how widely its minutes lie, and how few of them are known: the widest
    # counts. A few minutes that happen to be alike do not say that all will be.
    shape = max(0.05, min((_ERRORS + total) / spread, mean / (spread - 1) if spread > 1 else inf,
                          _MINUTES + minutes))
    fail = mean / (mean + shape)
    # the first term, then each by its ratio to the one before; beyond the mean they only shrink
    term = exp(lgamma(n + shape) - lgamma(n + 1) - lgamma(shape) + shape * log1p(-fail) + n * log(fail))
    whole = term
    for k in range(n, n + 10_000):
        term *= (k + shape) / (k + 1) * fail
        whole += term
        if term < whole * 1e-9:
            break
    return min(1.0, whole)
