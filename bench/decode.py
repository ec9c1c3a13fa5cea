"""Measure what the server pays for decoding, cleaning and counting a body of records: CPU µs a record.

    python bench/decode.py [--json]

No network and no database: CPU time of one thread, medians, so it can be compared on a busy machine.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import statistics
import time
from collections.abc import Callable

import msgspec
from load import records

from sra_server.api import fast
from sra_server.store.parcel import Parcel, record_rows, tally

NOW = 1_790_000_000_000_000


def cost(work: Callable[[], object], size: int) -> float:
    """Return the CPU time of one record in µs."""
    taken = []
    for _ in range(max(40, 20_000 // size)):
        begun = time.process_time()
        work()
        taken.append(time.process_time() - begun)
    return round(statistics.median(taken) / size * 1e6, 2)


def measure(size: int) -> dict[str, float]:
    """Return the cost of each step for a body of `size` records."""
    body = json.dumps({"logs": records(size)}, separators=(",", ":")).encode()
    found = fast.logs(body, NOW)
    assert found is not None
    rows = found[0]
    parcel = Parcel(account_id="a" * 36, received_at=NOW, records=rows, tally=tally(rows))
    return {
        "json_alone": cost(lambda: msgspec.json.decode(body), size),
        "decode_check_redact": cost(lambda: fast.logs(body, NOW), size),
        "digest": cost(lambda: hashlib.sha256(body).hexdigest(), size),
        "tally": cost(lambda: tally(rows), size),
        "rows": cost(lambda: record_rows(parcel, 7), size),
    }


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--json", action="store_true")
    found = {str(size): measure(size) for size in (50, 500)}
    if parser.parse_args().json:
        print(json.dumps(found))
        return 0
    for size, steps in found.items():
        print(f"bodies of {size} records, CPU µs a record:", steps)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
