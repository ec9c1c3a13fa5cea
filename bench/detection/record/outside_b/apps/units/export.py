"""Exports the day's invoices."""

import sys
import time
from pathlib import Path

target = Path("/srv/tickets/unit/export.target")
print("export of invoices begins", flush=True)
time.sleep(0.4)
if target.exists():
    print(f"cannot reach the bank's inbox {target.read_text().strip()}: 550 mailbox moved", file=sys.stderr, flush=True)
    sys.exit(2)
print("17 invoices exported", flush=True)
