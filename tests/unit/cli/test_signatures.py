"""`sra server signatures`: a file is tried before the server reads it."""
from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from sra_cli.signatures import app
from sra_sdk.errors import BadInput

PRESS = """
[[signature]]
name = "press_jammed"
class = "queue_backlog"
severity = "high"
title = "the press is jammed"
means = "the printing press stands still"
any = ["press jammed"]
examples = ["2024-03-05 10:00:00,123 ERROR press jammed"]
counterexamples = ["2024-03-05 10:00:00,123 ERROR press oiled"]
"""
LOG = """2024-03-05 10:00:00,123 ERROR press jammed at roll 7
2024-03-05 10:00:01,123 INFO press jammed at roll 8
2024-03-05 10:00:02,123 ERROR OSError: [Errno 28] No space left on device
2024-03-05 10:00:03,123 ERROR duplicate key value violates unique constraint
"""


@pytest.fixture
def press(tmp_path: Path) -> Path:
    path = tmp_path / "press.toml"
    path.write_text(PRESS)
    return path


def test_a_good_file_is_tried_on_its_examples_and_on_log_lines(press: Path, tmp_path: Path) -> None:
    log = tmp_path / "press.log"
    log.write_text(LOG)
    ran = CliRunner().invoke(app, ["check", str(press), str(log), "--json"])
    assert ran.exit_code == 0, ran.output
    told = json.loads(ran.stdout)
    assert (told["signatures"], told["problems"], told["records"]) == (["press_jammed"], [], 4)
    assert [(each["line"], each["class"], each["signature"]) for each in told["found"]] == [
        (1, "queue_backlog", "press_jammed"), (3, "disk_full", "no_space"), (4, "harmless", None)]


@pytest.mark.parametrize(("change", "told"), [
    (("ERROR press jammed", "INFO press jammed"), "its level is below warning"),
    (("ERROR press jammed", "ERROR press stuck"), "nothing fits it"),
    (("ERROR press oiled", "ERROR the press jammed"), "the counterexample is found"),
    (('class = "queue_backlog"', 'class = "jam"'), "signature press_jammed: class is 'jam'"),
    (("examples = [", "counterexample = ["), "counterexample is no known field"),
    (("name", "nam"), "has no usable name"),
])
def test_what_is_wrong_is_said_and_ends_with_1(press: Path, change: tuple[str, str], told: str) -> None:
    press.write_text(PRESS.replace(*change, 1))
    ran = CliRunner().invoke(app, ["check", str(press.parent)])
    assert ran.exit_code == 1
    assert told in ran.output


def test_the_catalogue_can_be_listed_by_software(press: Path) -> None:
    ran = CliRunner().invoke(app, ["list", "rabbitmq", "--json"])
    assert {"low_disk", "queue_backlog"} <= {each["name"] for each in json.loads(ran.stdout)}
    assert "press_jammed" in CliRunner().invoke(app, ["list", "press", "--dir", str(press.parent)]).stdout


def test_a_path_that_is_not_there_is_named(tmp_path: Path) -> None:
    ran = CliRunner().invoke(app, ["check", str(tmp_path / "none")])
    assert isinstance(ran.exception, BadInput) and "none" in str(ran.exception)
