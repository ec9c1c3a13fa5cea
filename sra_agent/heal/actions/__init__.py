"""The actions of the catalogue: for each, how a rule becomes steps. From plan; to the platforms."""

from __future__ import annotations

from collections.abc import Callable

from ..platforms import Seen
from ..policy import Rule
from ..run import Step
from . import restart_service

#: action → how its steps are made; what is missing here is answered `no_target` or `unsupported`
STEPS: dict[str, Callable[[Rule, Seen], tuple[Step, ...]]] = {"restart_service": restart_service.steps}
