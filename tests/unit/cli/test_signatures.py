"""`sra server signatures`: a file is tried before the server reads it."""
from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from sra_cli.signatures import LOOKS, app
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


@pytest.mark.parametrize(("change", "told", "code"), [
    (("ERROR press jammed", "INFO press jammed"), "its level is below warning", 1),
    (("ERROR press jammed", "ERROR press stuck"), "nothing fits it", 1),
    (("ERROR press oiled", "ERROR the press jammed"), "the counterexample is found", 1),
    (('class = "queue_backlog"', 'class = "jam"'), "signature press_jammed: class is 'jam'", 2),
    (("examples = [", "counterexample = ["), "counterexample is no known field", 2),
    (("name", "nam"), "has no usable name", 2),
    (("examples = [", "match = '(a+)+$'\nexamples = ["),
     "match could search one line for minutes: '(a+)+$'", 2),
    (("[[signature]]", "[[signature]"), "is not valid TOML", 2),
])
def test_a_wrong_example_ends_with_1_and_a_file_that_cannot_be_used_with_2(
        press: Path, change: tuple[str, str], told: str, code: int) -> None:
    press.write_text(PRESS.replace(*change, 1))
    ran = CliRunner().invoke(app, ["check", str(press.parent)])
    assert ran.exit_code == code
    assert told in ran.output and LOOKS not in ran.output


@pytest.mark.parametrize("text", ["", "# nothing yet\n", None])
def test_where_no_signature_is_it_says_so_and_how_one_looks(press: Path, text: str | None) -> None:
    if text is None:
        press.unlink()
    else:
        press.write_text(text)
    path = press.parent if text is None else press
    ran = CliRunner().invoke(app, ["check", str(path)])
    assert ran.exit_code == 2
    assert f"{path}: there is no signature" in ran.output and LOOKS in ran.output
    told = CliRunner().invoke(app, ["check", str(path), "--json"])
    assert told.exit_code == 2 and len(json.loads(told.stdout)["problems"]) == 1


def test_the_one_that_is_shown_is_in_order(press: Path) -> None:
    press.write_text(LOOKS)
    ran = CliRunner().invoke(app, ["check", str(press)])
    assert (ran.exit_code, ran.output) == (0, "1 signature can be read; 1 of 1 example judged rightly\n")


def test_a_name_that_two_files_use_is_told_as_the_server_would(press: Path) -> None:
    (press.parent / "second.toml").write_text(PRESS)
    ran = CliRunner().invoke(app, ["check", str(press.parent)])
    assert ran.exit_code == 2
    assert "second.toml: signature press_jammed: name is taken in press.toml" in ran.output


@pytest.mark.parametrize("way", ["environment", "data folder", "option", "sra.toml"])
def test_own_ones_are_listed_wherever_the_server_finds_them(
        press: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, way: str) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SRA_DATA_DIR", str(tmp_path / "data"))
    own = (tmp_path / "data/signatures.d") if way == "data folder" else tmp_path / "own"
    own.mkdir(parents=True)
    (own / "press.toml").write_text(PRESS)
    (own / "bad.toml").write_text("[[signature]")
    if way == "environment":
        monkeypatch.setenv("SRA_SIGNATURES_DIR", str(own))
    if way == "sra.toml":
        (tmp_path / "sra.toml").write_text(f'[server]\nsignatures_dir = "{own}"\n')
    more = ["--dir", str(own)] if way == "option" else []
    ran = CliRunner().invoke(app, ["list", "press_jammed", "--json", *more])
    assert [each["name"] for each in json.loads(ran.stdout)] == ["press_jammed"]
    assert "left out: bad.toml" in ran.stderr


def test_a_pattern_of_which_only_a_part_of_long_lines_is_searched_is_told(press: Path) -> None:
    press.write_text(PRESS.replace("\nexamples", "\nexclude = ['oil .* ink .* dust']\nexamples"))
    ran = CliRunner().invoke(app, ["check", str(press)])
    assert ran.exit_code == 0
    assert "notice  signature press_jammed: of a longer line only" in ran.output
    assert "oil .* ink .* dust" in ran.output
    press.write_text(PRESS.replace("\nexamples", "\nexclude = ['oil .{0,80} ink']\nexamples"))
    assert "notice" not in CliRunner().invoke(app, ["check", str(press)]).output


@pytest.mark.parametrize(("field", "told"), [
    ('any = ["error"]', "very general: it fits what"), ('any = ["failed", "refused"]', "of ours are for"),
    ('any = ["press jammed"]', ""), ('any = ["connection refused"]', "of ours are for"),
])
def test_a_signature_that_fits_what_many_of_ours_are_for_is_told(press: Path, field: str, told: str) -> None:
    press.write_text(PRESS.replace('any = ["press jammed"]', field).replace(
        "ERROR press jammed", "ERROR press jammed, error: failed: connection refused"))
    ran = CliRunner().invoke(app, ["check", str(press)])
    assert ran.exit_code == 0, ran.output
    assert (told in ran.output) if told else ("notice" not in ran.output)


@pytest.mark.parametrize(("others", "general"), [(4, True), (200, False)])
def test_a_signature_that_fits_most_of_a_log_is_told(press: Path, others: int, general: bool) -> None:
    log = press.parent / "press.log"
    log.write_text("2024-03-05 10:00:00,123 ERROR press jammed\n" * 50
                   + "2024-03-05 10:00:00,123 ERROR out of paper\n" * others
                   + "2024-03-05 10:00:00,123 INFO sheet printed\n" * 400)
    ran = CliRunner().invoke(app, ["check", str(press), str(log), "--json"])
    assert ran.exit_code == 0
    assert json.loads(ran.stdout)["remarks"] == (
        [f"signature press_jammed is very general: it fits 50 of {50 + others} records"] if general else [])


def test_the_catalogue_can_be_listed_by_software(press: Path) -> None:
    ran = CliRunner().invoke(app, ["list", "rabbitmq", "--json"])
    assert {"low_disk", "queue_backlog"} <= {each["name"] for each in json.loads(ran.stdout)}
    assert "press_jammed" in CliRunner().invoke(app, ["list", "press", "--dir", str(press.parent)]).stdout


def test_a_path_that_is_not_there_is_named(tmp_path: Path) -> None:
    ran = CliRunner().invoke(app, ["check", str(tmp_path / "none")])
    assert isinstance(ran.exception, BadInput) and "none" in str(ran.exception)


def test_it_says_how_many_examples_are_judged_rightly_and_which_is_not(press: Path) -> None:
    ran = CliRunner().invoke(app, ["check", str(press)])
    assert "1 signature can be read; 2 of 2 examples judged rightly" in ran.output
    stuck = 'examples = ["2024-03-05 10:00:00 ERROR press stuck", "'
    press.write_text(PRESS.replace('examples = ["', stuck, 1))
    ran = CliRunner().invoke(app, ["check", str(press)])
    assert ran.exit_code == 1
    assert "2 of 3 examples judged rightly" in ran.output and "ERROR press stuck" in ran.output
    told = json.loads(CliRunner().invoke(app, ["check", str(press), "--json"]).stdout)
    assert (told["examples"], told["passed"]) == (3, 2)


def test_one_signature_is_shown_without_a_server_or_a_data_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    ran = CliRunner().invoke(app, ["show", "no_space"])
    assert ran.exit_code == 0, ran.output
    assert "class disk_full, critical; needs one line" in ran.output
    told = json.loads(CliRunner().invoke(app, ["show", "no_space", "--json"]).stdout)
    assert told["examples"] and all(each in ran.output for each in told["examples"][:1])
    wrong = CliRunner().invoke(app, ["show", "no_spac"])
    assert isinstance(wrong.exception, BadInput) and "no_space" in (wrong.exception.hint or "")
    assert list(tmp_path.iterdir()) == []
