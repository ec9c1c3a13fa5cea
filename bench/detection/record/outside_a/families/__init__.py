"""The families of programs and their cases."""

from . import cache, edge, edge_cases, my, office, pg, pg_cases, queues

__all__ = ["cache", "edge", "edge_cases", "my", "office", "pg", "pg_cases", "queues"]
