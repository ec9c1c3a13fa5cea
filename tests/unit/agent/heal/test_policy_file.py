"""The policy file: whatever another user could have written is not believed, and nothing is allowed."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from sra_agent.heal.advise import check_policy
from sra_agent.heal.policy_file import load_policy, stop_path, stopped
from sra_agent.heal.trust import why_untrusted
from tests.services import needs

RULE = '[[allow]]\naction = "restart_service"\nservice = "web"\nplatform = "systemd"\nunit = "web.service"\n'


@pytest.fixture
def policy(tmp_path: Path) -> Path:
    folder = tmp_path / "etc"
    folder.mkdir(mode=0o755)
    path = folder / "policy.toml"
    path.write_text('mode = "live"\n' + RULE)
    path.chmod(0o644)
    return path


def test_a_trusted_file_is_in_force(policy: Path):
    loaded = load_policy(str(policy))
    assert loaded.problem is None
    assert loaded.policy.mode == "live" and loaded.policy.rules[0].unit == "web.service"


def _symlink(policy: Path) -> None:
    real = policy.with_name("real.toml")
    policy.rename(real)
    policy.symlink_to(real)


def _linked_folder(policy: Path) -> None:
    real = policy.parent.with_name("real")
    policy.parent.rename(real)
    policy.parent.symlink_to(real)


def _fifo(policy: Path) -> None:
    policy.unlink()
    os.mkfifo(policy, 0o600)


UNTRUSTED: dict[str, tuple[Callable[[Path], object], str]] = {
    "by others": (lambda path: path.chmod(0o646), "policy_writable_by_others"),
    "by its group": (lambda path: path.chmod(0o664), "policy_writable_by_others"),
    "folder by others": (lambda path: path.parent.chmod(0o777), "policy_writable_by_others"),
    "sticky folder": (lambda path: path.parent.chmod(0o1777), "policy_writable_by_others"),
    "folder above by its group": (lambda path: path.parent.parent.chmod(0o770), "policy_writable_by_others"),
    "link": (_symlink, "policy_symlink"),
    "linked folder": (_linked_folder, "policy_symlink"),
    "missing": (lambda path: path.unlink(), "policy_missing"),
    "not TOML": (lambda path: path.write_text("mode = = 1"), "policy_invalid"),
    "not UTF-8": (lambda path: path.write_bytes(b'mode = "\xff"'), "policy_invalid"),
    "a mistake": (lambda path: path.write_text("mood = 1"), "policy_invalid"),
    "huge": (lambda path: path.write_text("#" * 300_000), "policy_invalid"),
    "deep": (lambda path: path.write_text("a = " + "[" * 20_000 + "]" * 20_000), "policy_invalid"),
    "a number of 5,000 digits": (lambda path: path.write_text("a = " + "1" * 5000), "policy_invalid"),
    "a pipe": (_fifo, "policy_invalid"),
    "a folder": (lambda path: (path.unlink(), path.mkdir()), "policy_invalid"),
}


@pytest.mark.parametrize("name", UNTRUSTED)
def test_a_file_not_to_be_believed_allows_nothing(policy: Path, name: str):
    change, code = UNTRUSTED[name]
    change(policy)
    try:
        loaded = load_policy(str(policy))
    finally:
        policy.parent.parent.chmod(0o700)
    assert loaded.code == code
    assert loaded.problem is not None and loaded.problem.startswith(code + ": ")
    assert str(policy.parent.parent) in loaded.problem
    assert loaded.policy.rules == () and loaded.policy.mode == "dry-run"


@pytest.mark.parametrize("name", UNTRUSTED)
def test_the_owner_is_told_of_it_as_an_error(policy: Path, name: str):
    UNTRUSTED[name][0](policy)
    try:
        found = check_policy(str(policy))
    finally:
        policy.parent.parent.chmod(0o700)
    assert "error" in {finding.severity for finding in found}


@needs("root")
@pytest.mark.parametrize("which", ["file", "folder"])
def test_somebody_elses_file_or_folder(policy: Path, which: str):
    os.chown(policy if which == "file" else policy.parent, 12345, 12345)
    loaded = load_policy(str(policy))
    assert loaded.code == "policy_owner" and "12345" in (loaded.message or "")
    assert loaded.policy.rules == ()


def test_judging_a_file_needs_no_root(policy: Path):
    found = os.stat(policy)
    own = frozenset({found.st_uid})
    assert why_untrusted("p", found, folder=False, last=True, uids=own) is None
    problem = why_untrusted("p", found, folder=False, last=True, uids=frozenset({found.st_uid + 1}))
    assert problem is not None and problem.kind == "owner"


def test_a_mark_of_the_byte_order_is_no_part_of_the_policy(policy: Path):
    policy.write_text("\ufeff" + policy.read_text())
    assert load_policy(str(policy)).problem is None


def test_the_kill_switch_is_a_file_beside_the_policy(policy: Path):
    assert not stopped(str(policy))
    Path(stop_path(str(policy))).symlink_to("/nowhere")
    assert stopped(str(policy))
