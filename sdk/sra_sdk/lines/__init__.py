"""Reading log lines: multiline, parse, level, redact. Standard library only.

From raw text lines (agent sources, files of `sra analyze`, /ingest/logs/raw); to records.
"""
