"""How many records of WARNING and above a CPU second judges by their text, and at four times the catalogue.

    python bench/detection/texts.py [--json] [--records 20000] [--rounds 5]

Six kinds of text, the worst counts: `recorded` is what the programs of the corpus wrote, `plain` says nothing
known, `trouble` is what every signature has as its example, `almost` is made of the fragments of many
signatures (what costs most is a text that calls up many and is none of them, or only the last; one in eight
fits none), `long` is stack traces of 2,000 characters. Records are judged in batches of 500, as the fold
does, and no two texts are the same, but in `recorded`, and of `again`: there 500 of `almost` come back over
and over, as what troubles a program does. The goal is 20,000. Printed beside it: how fast a bare loop is in
the same run, for machines differ by their hour.
"""
from __future__ import annotations

import argparse
import json
import random
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

from recordings import cases
from recordings import records as written

from sra_server.detect.catalogue import Catalogue, load
from sra_server.detect.memory import Memory
from sra_server.detect.signature import Signature, Way
from sra_server.detect.signatures import Signatures
from sra_server.detect.trial import arrived
from sra_server.domain.record import SECOND, Batch, Record

GOAL = 20_000
_START = 1_709_640_000_000_000
_WORDS = """order customer invoice basket shipment article price page session worker request answer table
cache index message partition segment snapshot region bucket token header field value limit retry attempt
could was not has been while after before during without because again
later""".split()  # noqa: SIM905 - a list would be a page


def plain(dice: random.Random) -> str:
    """Return a sentence that means nothing to the catalogue."""
    words = dice.choices(_WORDS, k=20)
    words[dice.randrange(20)] = f"{dice.getrandbits(48):x}"
    words[dice.randrange(20)] = f"{dice.randrange(10**6)}"
    return " ".join(words)


def almost(fragments: list[str]) -> Callable[[random.Random], str]:
    """Return what makes texts of fragments, most of which lack what their signatures ask for as well."""
    def make(dice: random.Random) -> str:
        parts = dice.sample(fragments, 4)
        mixed = " ".join(f"{dice.choice(_WORDS)} {part} {dice.getrandbits(20):x}" for part in parts)
        return f"{mixed} {plain(dice)}"
    return make


def long(dice: random.Random) -> str:
    """Return an exception with the trace of a web framework."""
    frames = "\n".join(f"\tat com.example.{dice.choice(_WORDS)}.{dice.choice(_WORDS).title()}Service"
                       f".{dice.choice(_WORDS)}({dice.choice(_WORDS).title()}Service.java:{dice.randrange(900)})"
                       for _ in range(26))
    return f"java.lang.IllegalStateException: {dice.choice(_WORDS)} {dice.getrandbits(30)}\n{frames}"


def artificial(catalogue: Catalogue, times: int) -> Catalogue:
    """Return a catalogue so many times the size: the same signatures with other words in their fragments."""
    more: list[Signature] = list(catalogue.signatures)
    for copy in range(1, times):
        for each in catalogue.signatures:
            changed = tuple(Way(_other(way.fragment, copy), way.pattern) for way in each.alternatives)
            more.append(replace(each, name=f"{each.name}_{copy}", alternatives=changed))
    return Catalogue(tuple(more))


def _other(fragment: str, copy: int) -> str:
    """Return the fragment with each letter moved on, so that beginnings and lengths stay alike."""
    return "".join(chr((ord(c) - 97 + 7 * copy) % 26 + 97) if c.isascii() and c.isalpha() else c
                   for c in fragment)


def texts(catalogue: Catalogue, n: int) -> Iterator[tuple[str, list[Record]]]:
    """Yield each kind of text with its records."""
    dice = random.Random(1)
    weak = [way.fragment for each in catalogue.signatures for way in each.alternatives
            if way.pattern is not None or each.about or each.match]
    for kind, make in (("plain", plain), ("almost", almost(weak)), ("long", long)):
        said = [make(dice) for _ in range(n)]
        yield kind, [_record(number, text, 40) for number, text in enumerate(said)]
        if kind == "almost":
            yield "again", [_record(number, said[number % 500], 40) for number in range(n)]
    yield "recorded", _recorded(n)
    known = [record for each in catalogue.signatures for example in each.examples
             for record in arrived(example.replace("\\n", "\n").split("\n")) if record.level >= 30]
    picked = ((number, known[number % len(known)]) for number in range(n))
    yield "trouble", [replace(one, id=f"r{number}", at=_START + number * SECOND // 50,
                              message=f"{one.message} {number}") for number, one in picked]


def _recorded(n: int) -> list[Record]:
    """Return the first records of WARNING and above of the corpus, over and over if it has fewer."""
    normal, broken = cases("corpus")
    told = [record for case in (*normal, *broken) for record in written(case) if record.level >= 30]
    return [replace(told[number % len(told)], id=f"r{number}", at=_START + number * SECOND // 50)
            for number in range(n)]


def _record(number: int, text: str, level: int) -> Record:
    return Record(id=f"r{number}", at=_START + number * SECOND // 50, level=level, message=text,
                  service=f"s{number % 20}", host="h")


def rate(detector: Signatures, records: list[Record]) -> float:
    """Return records judged per CPU second."""
    batches = [Batch(account_id="a", head=n, received_at=_START, records=tuple(records[n:n + 500]))
               for n in range(0, len(records), 500)]
    memory = Memory()
    began = time.process_time()
    for batch in batches:
        detector.detect(memory, batch)
    return len(records) / (time.process_time() - began)


def bare() -> int:
    """Return how many turns a second a loop takes that only updates one mean."""
    began, mean = time.process_time(), 0.0
    for n in range(1, 1_000_001):
        mean += (n - mean) / n
    return round(1_000_000 / (time.process_time() - began))


def main() -> int:
    """Measure and print."""
    options = argparse.ArgumentParser(description=__doc__.split("\n\n", 1)[0])
    options.add_argument("--json", action="store_true")
    options.add_argument("--records", type=int, default=20_000)
    options.add_argument("--rounds", type=int, default=5)
    given = options.parse_args()
    ours = load()
    catalogues = {1: ours, 4: artificial(ours, 4)}
    kinds = dict(texts(ours, given.records))
    rates: dict[tuple[int, str], list[float]] = {}
    loops: list[int] = []
    for _ in range(given.rounds):
        loops.append(bare())
        for times, catalogue in catalogues.items():
            for kind, records in kinds.items():
                rates.setdefault((times, kind), []).append(rate(Signatures(catalogue), records))
    rows = [{"catalogue": times, "signatures": len(catalogues[times].signatures), "text": kind,
             "records_per_cpu_second": round(statistics.median(found)), "best": round(max(found))}
            for (times, kind), found in rates.items()]
    worst = {times: min(row["records_per_cpu_second"] for row in rows if row["catalogue"] == times)
             for times in catalogues}
    if given.json:
        print(json.dumps({"goal": GOAL, "python": sys.version.split()[0], "rounds": given.rounds,
                          "worst": worst, "bare_loop_per_cpu_second": max(loops), "rows": rows}))
        return 0
    print(f"{'catalogue':>9} {'signatures':>10}  {'text':8} {'records/CPU s':>14} {'best':>8}")
    for row in rows:
        print(f"{row['catalogue']:>8}x {row['signatures']:>10}  {row['text']:8} "
              f"{row['records_per_cpu_second']:>14,} {row['best']:>8,}")
    print(f"worst: {worst[1]:,} at 1x, {worst[4]:,} at 4x; the goal is {GOAL:,}; "
          f"a bare loop: {max(loops):,} turns per CPU second")
    return 0


if __name__ == "__main__":
    sys.exit(main())
