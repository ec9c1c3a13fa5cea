"""Which batches of a group are new, which were stored before, which must be refused. From the commits; pure.

Decision 1: a number above the producer's last is new, and the gap is counted; a lower one is answered
again if its digest is the stored one, else refused. The same holds inside a group, where the first of
two equal batches is stored and answers for both.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from sra_sdk.errors import Refused

from .parcel import Parcel, Seal

#: (account, producer)
Name = tuple[str, str]
#: (account, producer, sequence)
Number = tuple[str, str, int]
#: Reasons of loss kept of one producer.
_REASONS = 200


@dataclass(slots=True, kw_only=True)
class Producer:
    """What is known of a producer; a group moves it and writes it back once."""

    last: int = 0
    gaps: int = 0
    dropped: dict[str, int] = field(default_factory=dict)
    host: str | None = None
    moved: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Fate:
    """What becomes of one batch: stored (with the gap before it), answered like another, or refused."""

    gap: int = 0
    like: int | None = None
    head: int | None = None
    refused: Refused | None = None

    @property
    def stored(self) -> bool:
        """Say whether its rows are to be written."""
        return self.like is None and self.head is None and self.refused is None


def names(parcels: Sequence[Parcel]) -> list[tuple[str, str, str | None, int]]:
    """Return each producer of the group once, sorted: who locks them all locks them in this order."""
    found = {(one.account_id, one.seal.producer): (one.host, one.received_at) for one in parcels if one.seal}
    return [(*name, *rest) for name, rest in sorted(found.items())]


def to_look_up(parcels: Sequence[Parcel], known: Mapping[Name, Producer]) -> list[Number]:
    """Return the numbers that were used before the group, whose digests the database must tell."""
    return sorted(
        {
            (one.account_id, one.seal.producer, one.seal.sequence)
            for one in parcels
            if one.seal and one.seal.sequence <= known[one.account_id, one.seal.producer].last
        }
    )


def judge(
    parcels: Sequence[Parcel], known: Mapping[Name, Producer], before: Mapping[Number, tuple[int, str | None]]
) -> list[Fate]:
    """Decide on each batch in the order of arrival, moving `known`; `before` holds heads and digests."""
    fates: list[Fate] = []
    here: dict[Number, int] = {}
    for place, one in enumerate(parcels):
        seal = one.seal
        if seal is None:
            fates.append(Fate())
            continue
        producer, number = (
            known[one.account_id, seal.producer],
            (one.account_id, seal.producer, seal.sequence),
        )
        if seal.sequence <= producer.last:
            fates.append(_repeated(seal, here.get(number), parcels, before.get(number)))
            continue
        fates.append(Fate(gap=seal.sequence - producer.last - 1))
        here[number] = place
        producer.gaps += seal.sequence - producer.last - 1
        producer.last, producer.host, producer.moved = seal.sequence, one.host, True
        if one.dropped:
            producer.dropped = _sum(producer.dropped, one.dropped)
    return fates


def _repeated(
    seal: Seal, place: int | None, parcels: Sequence[Parcel], row: tuple[int, str | None] | None
) -> Fate:
    first = parcels[place].seal if place is not None else None
    if first is not None and first.digest == seal.digest:
        return Fate(like=place)
    if row is not None and row[1] == seal.digest:
        return Fate(head=row[0])
    return Fate(
        refused=Refused(
            f"producer {seal.producer} has used number {seal.sequence} before, for other bytes",
            code="sequence_reused",
            http_status=409,
            hint="take a new producer id, number from 1 and send again",
        )
    )


def _sum(before: Mapping[str, int], more: Mapping[str, int]) -> dict[str, int]:
    """Add losses by reason; the reasons of one producer are bounded, the counts are not."""
    total = dict(before)
    for reason, n in more.items():
        known = reason if reason in total or len(total) < _REASONS else "other"
        total[known] = total.get(known, 0) + n
    return total
