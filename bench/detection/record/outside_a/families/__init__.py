"""The families of programs and their cases."""

from . import cache, edge, my, office, pg, queues

__all__ = ["cache", "edge", "my", "office", "pg", "queues"]
