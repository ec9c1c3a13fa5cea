"""Checks the API's configuration before it starts."""

import json
import sys

settings = json.load(open(sys.argv[1]))
for name in ("port", "currency"):
    if name not in settings:
        print(f"configuration: {name} is missing in {sys.argv[1]}", file=sys.stderr)
        sys.exit(2)
print("configuration is well")
