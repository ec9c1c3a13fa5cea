"""What the label worker does."""

import ctypes
import os
import time

RELEASE = os.environ.get("RELEASE", "")


def label(number):
    time.sleep(0.15)
    if RELEASE == "codec" and number % 2:
        ctypes.string_at(0)
    if RELEASE == "layout":
        return {"a6": (105, 148)}["A5"]
    return f"label of {number}: {number * 7919 % 99991:05d}"
