"""The server of SRA: takes logs and metrics in, stores, detects, analyses, notifies, keeps approvals."""

__version__ = "0.1.0"
