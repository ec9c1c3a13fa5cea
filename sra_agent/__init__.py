"""The agent of SRA: tails, measures and ships on a host, and executes approved remedies there.

`async with Agent(config): ...` or `await Agent(config).run()`, with an AgentConfig. The names are loaded
when they are used, so that the executor, which shares this package, loads nothing of the shipper.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .app import Agent
    from .config import AgentConfig, Probe

__version__ = "0.1.0"
__all__ = ["Agent", "AgentConfig", "Probe", "__version__"]


def __getattr__(name: str) -> Any:
    """Load a public name at its first use."""
    if name == "Agent":
        from .app import Agent

        return Agent
    if name in ("AgentConfig", "Probe"):
        from . import config

        return getattr(config, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
