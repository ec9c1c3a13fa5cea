"""Load the policy from its file, or nothing at all. From executor and advise; to decide.

Fail closed: whatever is wrong with the file or its folders, the policy in force is the empty one,
and `problem` says why with a stable code.
"""

from __future__ import annotations

import os
import tomllib
from dataclasses import dataclass

from .policy import EMPTY, Policy
from .policy_read import Finding, read_policy
from .trust import Untrusted, read_trusted

DEFAULT_PATH = "/etc/sra/policy.toml"
MAX_BYTES = 256 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """The policy in force and, if it is not the file's, why."""

    path: str
    policy: Policy = EMPTY
    code: str | None = None
    message: str | None = None
    findings: tuple[Finding, ...] = ()

    @property
    def problem(self) -> str | None:
        """Return code and message in one line, or None when the file is in force."""
        return f"{self.code}: {self.message}" if self.code else None


def load_policy(path: str) -> Loaded:
    """Read the file anew; never raises."""
    path = os.path.abspath(path)
    try:
        content = read_trusted(path, MAX_BYTES)
    except FileNotFoundError:
        return Loaded(
            path=path,
            code="policy_missing",
            message=(
                f"{path} does not exist, so no action is allowed; write one with `sra agent policy init`"
            ),
        )
    except Untrusted as problem:
        if problem.kind == "invalid":
            return _invalid(path, (Finding(where="file", message=problem.message),))
        return Loaded(path=path, code=f"policy_{problem.kind}", message=problem.message)
    except OSError as problem:
        return Loaded(
            path=path,
            code="policy_unreadable",
            message=(
                f"{path} cannot be read ({problem.strerror}); the executor's user must be able to read it"
            ),
        )
    try:
        document = tomllib.loads(content.decode("utf-8-sig"))
    except UnicodeDecodeError as problem:
        return _invalid(path, (Finding(where="file", message=f"is not UTF-8 at byte {problem.start}"),))
    except (ValueError, RecursionError) as problem:  # ValueError also of a number with thousands of digits
        return _invalid(path, (Finding(where="file", message=f"is not valid TOML: {problem}"),))
    policy, findings = read_policy(document)
    if policy is None:
        return _invalid(path, findings)
    return Loaded(path=path, policy=policy, findings=findings)


def _invalid(path: str, findings: tuple[Finding, ...]) -> Loaded:
    errors = [str(finding) for finding in findings if finding.severity == "error"]
    more = f" (and {len(errors) - 1} more; see `sra agent policy check`)" if len(errors) > 1 else ""
    return Loaded(path=path, code="policy_invalid", message=f"{path}: {errors[0]}{more}", findings=findings)


def stop_path(policy_path: str) -> str:
    """Return the kill switch: a file STOP beside the policy forbids every act while it exists."""
    return os.path.join(os.path.dirname(os.path.abspath(policy_path)), "STOP")


def stopped(policy_path: str) -> bool:
    """Return whether the kill switch is on; one that cannot be seen counts as on."""
    try:
        os.lstat(stop_path(policy_path))
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError:
        return True
    return True
