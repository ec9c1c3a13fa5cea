"""The feeder: reads prices in turns and prints; supervisord keeps it alive."""

import os
import sys
import time

n = 0
print("feeder: starting", flush=True)
if os.path.exists("/srv/shop/app/feeder.broken"):
    raise RuntimeError("price list has 0 columns")
while True:
    n += 1
    print(f"feeder: turn {n}, {40 + n % 9} prices", flush=True)
    if n % 50 == 0:
        print("feeder: warning: price of product 12 unchanged for 90 days", file=sys.stderr, flush=True)
    time.sleep(2)
