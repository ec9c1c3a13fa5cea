"""What the policy's owner is told."""

from __future__ import annotations

import os
import tomllib
from pathlib import Path

import pytest

from sra_agent.heal.advise import check_policy, explain_policy, policy_template, write_policy
from sra_agent.heal.policy_file import load_policy
from sra_agent.heal.policy_read import read_policy
from sra_sdk.errors import BadInput, Refused


def test_the_first_file_allows_nothing(tmp_path: Path):
    path = str(tmp_path / "sra" / "policy.toml")
    old = os.umask(0o002)
    try:
        write_policy(path, policy_template(["nginx.service", "-evil.service"], path))
    finally:
        os.umask(old)
    loaded = load_policy(path)
    assert loaded.problem is None and loaded.policy.rules == () and loaded.policy.mode == "dry-run"
    assert os.stat(path).st_mode & 0o777 == 0o644 and os.stat(path).st_uid == os.geteuid()
    assert "evil" not in Path(path).read_text()


def test_uncommented_it_is_a_valid_policy():
    text = policy_template(["nginx.service", "postgresql@15-main.service", "redis"])
    head, _, tables = text.partition("\n# [[allow]]")
    uncommented = "\n".join(line.removeprefix("# ") for line in ("\n# [[allow]]" + tables).splitlines())
    policy, findings = read_policy(tomllib.loads(head + "\n" + uncommented))
    assert policy is not None, findings
    assert [rule.service for rule in policy.rules] == ["nginx", "postgresql", "redis", "web", "inventory"]
    assert policy.rules[1].check is not None and policy.rules[1].check.port == 5432


def test_an_existing_file_is_kept_unless_forced(tmp_path: Path):
    path = str(tmp_path / "policy.toml")
    write_policy(path, "mode = 'live'\n")
    with pytest.raises(Refused) as caught:
        write_policy(path, policy_template())
    assert caught.value.code == "policy_exists" and Path(path).read_text() == "mode = 'live'\n"
    write_policy(path, policy_template(), force=True)
    assert "dry-run" in Path(path).read_text() and os.listdir(tmp_path) == ["policy.toml"]


def test_where_it_cannot_be_written(tmp_path: Path):
    (tmp_path / "file").write_text("")
    with pytest.raises(BadInput) as caught:
        write_policy(str(tmp_path / "file" / "policy.toml"), "")
    assert caught.value.code == "policy_unwritable" and caught.value.hint


def test_check_names_what_is_wrong(tmp_path: Path):
    path = tmp_path / "policy.toml"
    assert "policy_missing" in check_policy(str(path))[0].message
    path.write_text("mode = 'on'\n[limits]\nx = 1\n")
    path.chmod(0o600)
    assert [finding.severity for finding in check_policy(str(path))] == ["error", "error"]
    path.write_text(
        '[[allow]]\naction = "restart_service"\nservice = "a"\nplatform = "command"\nargv = ["/nowhere/x"]\n'
    )
    (tmp_path / "STOP").touch()
    messages = " | ".join(str(finding) for finding in check_policy(str(path)))
    assert "no check" in messages and "kill switch is on" in messages and "/nowhere/x" in messages
    path.chmod(0o666)
    found = check_policy(str(path))
    assert len(found) == 1 and "policy_writable_by_others" in found[0].message


def test_explain_says_what_and_why_not(tmp_path: Path):
    path = tmp_path / "policy.toml"
    path.write_text(
        'mode = "live"\n[[allow]]\naction = "restart_service"\nservice = "a"\nplatform = "systemd"\n'
        'unit = "a.service"\n'
    )
    path.chmod(0o600)
    lines = explain_policy(str(path), ["b"])
    assert (
        lines[0].allowed
        and lines[0].text == "restart_service on a: systemd, a.service: would be done after approval"
    )
    assert (lines[1].service, lines[1].code) == ("b", "out_of_policy")
    assert {line.code for line in lines[2:]} == {"no_target"} and len(lines) == 8
    (tmp_path / "STOP").touch()
    assert explain_policy(str(path))[0].code == "stopped"
