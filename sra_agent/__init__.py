"""The agent of SRA: tails, measures and ships on a host, and executes approved remedies there."""

__version__ = "0.1.0"
