"""`sra analyze` on files as people have them: packed, mixed, broken, huge, or not there."""
from __future__ import annotations

import bz2
import gzip
import importlib
import io
import json
import os
import socket
import subprocess
import sys
from datetime import datetime
from pathlib import Path
from random import Random
from typing import Any

import pytest

from sra_cli.analyze import analyze_files
from sra_cli.logfiles import LONGEST, find
from sra_sdk.errors import BadInput

LINES = [f"2024-03-05 10:00:{n % 60:02d},000 INFO [shop] request {n} answered" for n in range(60)]
FULL = "2024-03-05 10:01:00,000 ERROR [shop] upload failed: [Errno 28] No space left on device"
LOG = "\n".join([*LINES, FULL]) + "\n"
NOW = 1_709_640_000_000_000


def sra(*arguments: str, given: bytes | None = None) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run([sys.executable, "-m", "sra_cli", "analyze", *arguments], input=given,
                          capture_output=True, check=False)


def test_json_has_the_promised_shape(tmp_path: Path) -> None:
    (tmp_path / "shop.log").write_text(LOG)
    done = sra("--json", str(tmp_path / "shop.log"))
    assert done.returncode == 0
    report = json.loads(done.stdout)
    assert report["records"] == 61
    assert report["unparsed"] == 0
    assert report["seconds"] >= 0
    incident, = report["incidents"]
    assert {"class", "severity", "title", "service", "started_at", "ended_at", "root_cause", "confidence",
            "evidence", "recommended_actions"} <= set(incident)
    assert (incident["class"], incident["service"], incident["ended_at"]) == ("disk_full", "shop", None)
    assert incident["started_at"].endswith("Z")
    evidence, = incident["evidence"]
    assert evidence["line"] == 61
    assert evidence["text"] in FULL
    assert evidence["source"].endswith("shop.log")
    assert incident["recommended_actions"][0]["action"] == "clear_disk"


def test_people_get_a_table_a_cause_and_the_line(tmp_path: Path) -> None:
    (tmp_path / "shop.log").write_text(LOG)
    text = sra(str(tmp_path / "shop.log")).stdout.decode()
    assert "disk_full" in text
    assert "cause: shop: no space left on the device" in text
    assert "shop.log:61: " in text


def test_exit_codes(tmp_path: Path) -> None:
    (tmp_path / "shop.log").write_text(LOG)
    (tmp_path / "calm.log").write_text("\n".join(LINES))
    assert sra("--fail-on-incident", str(tmp_path / "shop.log")).returncode == 1
    assert sra("--fail-on-incident", str(tmp_path / "calm.log")).returncode == 0
    missing = sra(str(tmp_path / "none.log"))
    assert missing.returncode == 2
    assert b"there is no file" in missing.stderr
    assert b"Traceback" not in missing.stderr


def test_standard_input_with_a_named_service() -> None:
    report = json.loads(sra("--json", "--service", "till", "-", given=LOG.encode()).stdout)
    assert [each["service"] for each in report["incidents"]] == ["till"]


@pytest.mark.parametrize(("name", "pack"), [("a.log.gz", gzip.compress), ("a.log.1.bz2", bz2.compress)])
def test_packed_files(tmp_path: Path, name: str, pack: object) -> None:
    (tmp_path / name).write_bytes(pack(LOG.encode()))  # type: ignore[operator]
    report = analyze_files([str(tmp_path / name)], now=NOW)
    assert report.records == 61
    assert [each.incident.service for each in report.incidents] == ["a"]


def test_a_broken_archive_keeps_what_could_be_read_and_says_so(tmp_path: Path) -> None:
    (tmp_path / "a.gz").write_bytes(gzip.compress(LOG.encode() * 500)[:3000])
    report = analyze_files([str(tmp_path / "a.gz")], now=NOW)
    assert report.records > 0
    assert "EOFError" in report.skipped[0][1]


def test_a_folder_passes_over_what_is_no_text(tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "shop.log").write_text(LOG)
    (tmp_path / "wtmp").write_bytes(b"\x01\x00\x00\x00" * 5000)
    (tmp_path / "empty.log").touch()
    report = analyze_files([str(tmp_path)], now=NOW)
    assert (report.files, report.records) == (1, 61)
    assert report.skipped == [(str(tmp_path / "wtmp"), "not a text file")]


def test_files_are_judged_together_in_the_order_of_time(tmp_path: Path) -> None:
    refused = "ERROR [shop] GET http://inventory:8081/ failed: Connection refused"
    (tmp_path / "shop.log").write_text(
        "".join(f"2024-03-05 10:00:{n:02d},000 {refused}\n" for n in range(5, 15)))
    (tmp_path / "inventory.log").write_text(
        "2024-03-05 10:00:00,000 INFO [inventory] up\n2024-03-05 10:00:03,000 CRITICAL [inventory] "
        "Fatal Python error: Segmentation fault\n")
    found, = analyze_files([str(tmp_path)], now=NOW).incidents
    assert (found.incident.cls, found.incident.service) == ("service_crash", "inventory")
    assert set(found.incident.services) == {"shop", "inventory"}


def test_whatever_the_bytes_every_line_is_kept_and_counted(tmp_path: Path) -> None:
    content = b"start\n\xff\xfe broken \x00 line\nplain words\n\n" + FULL.encode() + b"\r\n"
    (tmp_path / "odd.log").write_bytes(content + b"x" * 3_000_000 + b"\nlast")
    report = analyze_files([str(tmp_path / "odd.log")], now=NOW)
    assert report.records == 6
    assert report.unparsed == 5
    found, = report.incidents
    assert found.lines()[0].line == 5


def test_utf16_is_read(tmp_path: Path) -> None:
    (tmp_path / "win.log").write_bytes(LOG.encode("utf-16"))
    assert [each.incident.cls for each in analyze_files([str(tmp_path / "win.log")], now=NOW).incidents] == [
        "disk_full"]


def test_the_line_is_the_first_physical_one_of_a_trace(tmp_path: Path) -> None:
    trace = ["2024-03-05 10:00:01,000 ERROR [app] failed", "Traceback (most recent call last):",
             '  File "a.py", line 1, in f', "OSError: [Errno 28] No space left on device: '/srv/a'"]
    (tmp_path / "a.log").write_text("\n".join([*LINES, "", *trace, *LINES]))
    found, = analyze_files([str(tmp_path / "a.log")], now=NOW).incidents
    assert found.incident.cls == "disk_full"
    assert found.lines()[0].line == 62
    assert found.lines()[0].text in (tmp_path / "a.log").read_text()


def test_json_lines_show_text_of_the_file(tmp_path: Path) -> None:
    line = json.dumps({"time": "2024-03-05T10:00:00Z", "level": "error", "service": "pay",
                       "msg": 'write "x" failed: No space left on device'})
    (tmp_path / "pay.log").write_text(line + "\n")
    found, = analyze_files([str(tmp_path / "pay.log")], now=NOW).incidents
    assert found.incident.service == "pay"
    assert found.lines()[0].text in line


def test_since_skips_the_past_quickly_and_keeps_the_line_numbers(tmp_path: Path) -> None:
    path = tmp_path / "long.log"
    with path.open("w") as file:
        for n in range(86_400):
            file.write(f"2024-03-05 {n // 3600:02d}:{n // 60 % 60:02d}:{n % 60:02d},000 INFO [shop] n {n} "
                       "and some more words to be long\n")
        for _ in range(3):
            file.write("2024-03-06 00:00:01,000 ERROR [shop] No space left on device\n")
    report = analyze_files([str(path)], since=1_709_683_200_000_000 - 60_000_000, now=NOW)
    assert report.records < 40_000
    assert report.incidents[0].lines()[0].line == 86_401
    assert analyze_files([str(path)], now=NOW).records == 86_403


def test_progress_ends_at_the_whole(tmp_path: Path) -> None:
    (tmp_path / "shop.log").write_text(LOG)
    seen: list[tuple[int, int]] = []
    analyze_files([str(tmp_path / "shop.log")], on_progress=lambda done, total: seen.append((done, total)))
    assert seen[-1] == (len(LOG), len(LOG))


def test_a_quiet_service_with_life_ends_an_incident(tmp_path: Path) -> None:
    after = [f"2024-03-05 10:{n:02d}:00,000 INFO [shop] request answered" for n in range(2, 20)]
    (tmp_path / "shop.log").write_text(LOG + "\n".join(after))
    found, = analyze_files([str(tmp_path / "shop.log")], now=NOW).incidents
    assert found.as_json()["ended_at"] is not None


def test_a_file_server_that_never_answers_again_is_found_though_nothing_loud_follows(tmp_path: Path) -> None:
    lost = "Mar  5 10:00:01 web-1 kernel: [ 812.1] nfs: server storage1 not responding, still trying\n"
    back = "Mar  5 10:00:05 web-1 kernel: [ 816.1] nfs: server storage1 OK\n"
    quiet = "Mar  5 10:00:41 web-1 CRON[12]: (root) CMD (true)\n"
    for text, classes in ((lost + quiet, ["network_failure"]), (lost + back + quiet, [])):
        (tmp_path / "kern.log").write_text(text)
        report = analyze_files([str(tmp_path / "kern.log")], now=NOW)
        assert [each.incident.cls for each in report.incidents] == classes


def test_an_unreadable_path_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="no file"):
        find([str(tmp_path / "none")])
    assert find([str(tmp_path)]).sources == []


def test_standard_input_may_be_anything(monkeypatch: pytest.MonkeyPatch) -> None:
    class Input:
        buffer = io.BytesIO(LOG.encode())

    monkeypatch.setattr(sys, "stdin", Input())
    assert analyze_files(["-"], now=NOW).records == 61


@pytest.mark.parametrize("extra", [1, 300_000, 2 * LONGEST])
def test_a_line_too_long_is_one_cut_record_and_later_lines_keep_their_numbers(
        tmp_path: Path, extra: int) -> None:
    long = FULL + "é" * (LONGEST + extra)
    (tmp_path / "a.log").write_text(f"{LINES[0]}\n{long}\n{LINES[1]}\n{FULL}\n", encoding="utf-8")
    report = analyze_files([str(tmp_path / "a.log")], now=NOW)
    assert report.records == 4
    found, = report.incidents
    assert [each.line for each in found.lines()] == [2, 4]


def test_a_cut_record_says_how_long_it_was(tmp_path: Path) -> None:
    from sra_cli.distil import Tally, merged
    for end in ("\n", ""):
        (tmp_path / "a.log").write_text(f"{FULL}\n{FULL}{'x' * 2 * LONGEST}{end}")
        pieces = merged(find([str(tmp_path / "a.log")]).sources, Tally(), now=NOW, service=None, since=None,
                        on_bytes=None)
        records = [record for piece in pieces for record in piece.records]
        assert [record.line for record in records] == [1, 2]
        assert [record.metadata.get("cut_from_bytes") for record in records] == [
            None, len(FULL) + 2 * LONGEST]


def test_standard_input_named_twice_is_wrong_use() -> None:
    done = sra("-", "-", given=LOG.encode())
    assert done.returncode == 2
    assert b"standard input" in done.stderr
    assert b"Traceback" not in done.stderr


def test_a_file_named_twice_is_read_once(tmp_path: Path) -> None:
    path = tmp_path / "shop.log"
    path.write_text(LOG)
    (tmp_path / "same.log").symlink_to(path)
    report = analyze_files([str(path), str(path), str(tmp_path), f"{tmp_path}/./shop.log"], now=NOW)
    assert (report.files, report.records) == (1, 61)


def test_packing_is_told_by_the_content_not_by_the_name(tmp_path: Path) -> None:
    (tmp_path / "plain.log.gz").write_text(LOG)
    (tmp_path / "packed.log").write_bytes(gzip.compress(LOG.encode()))
    for name in ("plain.log.gz", "packed.log"):
        report = analyze_files([str(tmp_path / name)], now=NOW)
        assert (report.records, report.unparsed, report.skipped) == (61, 0, []), name


#: How content begins that Python's own library does not unpack, and what does.
STRANGE = [("a.log.lz4", b"\x04\x22\x4d\x18\x64", "lz4 -dc"), ("a.zip", b"PK\x03\x04\x14", "unzip -p"),
           ("a.log.Z", b"\x1f\x9d\x90", "zcat")]
PACKS = [gzip.compress, bz2.compress]
if sys.version_info >= (3, 14):
    PACKS.append(importlib.import_module("compression.zstd").compress)
else:
    STRANGE.append(("a.log.zst", b"\x28\xb5\x2f\xfd\x04", "zstd -dc"))


@pytest.mark.parametrize(("name", "head", "command"), STRANGE)
def test_what_only_another_program_unpacks_says_how(tmp_path: Path, name: str, head: bytes,
                                                    command: str) -> None:
    (tmp_path / name).write_bytes(head + bytes(range(256)))
    ran = sra(str(tmp_path / name))
    assert ran.returncode == 2 and f"{command} {tmp_path / name} | sra analyze -" in ran.stderr.decode()
    ran = sra("-", given=head + bytes(range(256)))
    assert ran.returncode == 2 and f"{command} FILE | sra analyze -" in ran.stderr.decode()
    (tmp_path / "a.log").write_text(LOG)
    report = analyze_files([str(tmp_path)], now=NOW)
    assert report.files == 1 and [path for path,
                                  why in report.skipped if command in why] == [str(tmp_path / name)]


@pytest.mark.parametrize("pack", PACKS)
def test_packed_standard_input(pack: object) -> None:
    report = json.loads(sra("--json", "-", given=pack(LOG.encode())).stdout)  # type: ignore[operator]
    assert (report["records"], len(report["incidents"])) == (61, 1)


def test_what_is_no_file_in_a_folder_is_named(tmp_path: Path) -> None:
    (tmp_path / "shop.log").write_text(LOG)
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "gone").symlink_to(tmp_path / "nothing")
    with socket.socket(socket.AF_UNIX) as door:
        door.bind(str(tmp_path / "door"))
        report = analyze_files([str(tmp_path)], now=NOW)
    assert report.files == 1
    assert report.skipped == [(str(tmp_path / "door"), "a socket, not a file"),
                              (str(tmp_path / "gone"), "a link to nothing"),
                              (str(tmp_path / "pipe"), "a pipe, not a file")]


def test_advice_about_an_address_names_the_place_and_no_service(tmp_path: Path) -> None:
    (tmp_path / "shop.log").write_text("".join(
        f"2024-03-05 10:00:{n:02d},000 ERROR [shop] redis.exceptions.ConnectionError: Error 111 connecting "
        "to 127.0.0.1:56379. Connection refused.\n" for n in range(5)))
    found, = analyze_files([str(tmp_path / "shop.log")], now=NOW).incidents
    advice = found.as_json()["recommended_actions"][0]
    assert (advice["action"], advice["service"]) == ("restart_service", None)
    assert "127.0.0.1:56379" in advice["reason"]
    text = sra(str(tmp_path / "shop.log")).stdout.decode()
    assert "would help: restart_service: " in text
    assert "(at 127.0.0.1:56379)" in text


@pytest.mark.parametrize(("name", "service"), [
    ("nginx/access.log", "nginx"), ("nginx-error.log.1", "nginx"), ("shop.log-20240305", "shop"),
    ("catalina.out", "catalina"), ("till.2024-03-05.log", "till"),
])
def test_a_file_is_of_the_service_that_an_agent_would_name(tmp_path: Path, name: str, service: str) -> None:
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    path.write_text("2024-03-05 10:01:00,000 ERROR upload failed: [Errno 28] No space left on device\n")
    assert [each.incident.service for each in analyze_files([str(path)], now=NOW).incidents] == [service]


@pytest.mark.parametrize(("hosts", "expected"), [
    (["web-1"], "web-1"), (["web-1", "web-1"], "web-1"), (["web-1", "web-2"], ""), ([], ""),
])
def test_lines_without_a_host_are_of_the_one_that_the_other_files_name(tmp_path: Path, hosts: list[str],
                                                                       expected: str) -> None:
    (tmp_path / "shop.log").write_text(LOG)
    for number, host in enumerate(hosts):
        (tmp_path / f"syslog.{number}").write_text(f"Mar  5 10:00:00 {host} cron[1]: (root) CMD (true)\n")
    found, = analyze_files([str(tmp_path)], now=NOW).incidents
    assert found.incident.host == expected


REFUSED = "Payment failed\n      System.Net.Http.HttpRequestException: Connection refused (payments:443)\n"


def test_what_has_no_times_is_read_as_one_line_a_second_and_the_reader_is_told(tmp_path: Path) -> None:
    path = tmp_path / "pay.log"
    path.write_text(f"fail: Shop.Pay[0]\n      {REFUSED}" * 12)
    found = analyze_files([str(path)])
    assert [each.incident.cls for each in found.incidents] == ["external_api_down"]
    moments = [each.at for each in found.incidents[0].evidence.values()]
    assert max(moments) - min(moments) >= 8_000_000
    assert max(moments) <= path.stat().st_mtime_ns // 1000
    assert found.untimed == [str(path)]
    shown = sra(str(path))
    assert b"says when it was written; they are read as one a second" in shown.stderr
    told = "Payment failed … System.Net.Http.HttpRequestException: Connection refused (payments:443)"
    assert told in shown.stdout.decode()


def test_lines_before_the_first_time_happen_then(tmp_path: Path) -> None:
    path = tmp_path / "app.log"
    lines = "".join(f"2026-01-31 10:00:{second:02},000 - app - ERROR - MemoryError\n" for second in range(20))
    path.write_text(f"the rest of an earlier line: out of memory\n{lines}")
    found = analyze_files([str(path)])
    assert found.untimed == []
    # not when the file was written, which would be months later
    assert {each.incident.created_at // 1_000_000 for each in found.incidents} <= {
        int(datetime(2026, 1, 31, 10, 0, second).timestamp()) for second in range(20)}
    assert found.incidents


def test_lines_without_a_time_are_spread_up_to_the_next_one_and_to_when_the_file_was_written(
        tmp_path: Path) -> None:
    path = tmp_path / "loop.log"
    crash = "Error: listen EADDRINUSE: address already in use :::3000\n    at Server.listen (node:net:1:1)\n"
    path.write_text("2026-01-31T10:00:00Z INFO started\n" + crash * 9 + "2026-01-31T10:00:05Z INFO started\n"
                    + crash * 40)
    found = analyze_files([str(path)])
    assert [each.incident.cls for each in found.incidents] == ["service_crash"]
    begin = int(datetime.fromisoformat("2026-01-31T10:00:00+00:00").timestamp()) * 1_000_000
    for each in found.incidents[0].evidence.values():
        assert each.line is not None
        if each.line < 20:
            assert begin < each.at < begin + 5_000_000
        else:
            assert begin + 5_000_000 < each.at <= begin + 46_000_000


def test_json_is_judged_by_its_message_whatever_is_escaped_in_it(tmp_path: Path) -> None:
    event = {"kind": "Event", "type": "Warning", "reason": "FailedCreate",
             "message": 'Error creating: pods "shop-1" is forbidden: exceeded quota: mem',
             "involvedObject": {"kind": "ReplicaSet", "name": "shop-7d9f8b6c5"}}
    (tmp_path / "events.log").write_text("".join(
        json.dumps({**event, "lastTimestamp": f"2026-01-31T10:00:{second:02}Z"}) + "\n"
        for second in range(0, 60, 10)))
    found, = analyze_files([str(tmp_path / "events.log")]).incidents
    assert (found.incident.cls, found.incident.service) == ("service_crash", "shop")


@pytest.mark.parametrize("indent", [None, 4])
@pytest.mark.parametrize("wrapped", [True, False])
def test_a_document_of_many_events_is_read_event_by_event(tmp_path: Path, indent: int | None,
                                                          wrapped: bool) -> None:
    events = [{"kind": "Event", "type": "Warning", "reason": "BackOff",
               "message": "Back-off restarting failed container", "lastTimestamp": f"2026-01-31T10:0{n}:00Z",
               "involvedObject": {"kind": "Pod", "name": "shop-7d9f8b6c5-x2x4z"}} for n in range(8)]
    stored = {"apiVersion": "v1", "items": events, "kind": "List"} if wrapped else events
    (tmp_path / "events.json").write_text(json.dumps(stored, indent=indent))
    report = analyze_files([str(tmp_path / "events.json")])
    assert report.records == 8
    assert [(each.incident.cls, each.incident.service) for each in report.incidents] == [
        ("service_crash", "shop")]


def test_what_only_begins_like_a_document_is_read_line_by_line(tmp_path: Path) -> None:
    (tmp_path / "a.log").write_text('{\n  "level": "error",\n  "message": "No space left on device"\n}\n' * 3)
    assert [each.incident.cls for each in analyze_files([str(tmp_path / "a.log")]).incidents] == ["disk_full"]


@pytest.mark.parametrize("pace", [5, 10, 20])
def test_an_outage_of_few_requests_after_quiet_hours_is_found(pace: int, tmp_path: Path) -> None:
    def line(second: int, text: str) -> str:
        return f"2024-03-05 {10 + second // 3600:02d}:{second // 60 % 60:02d}:{second % 60:02d},000 {text}\n"
    (tmp_path / "shop.log").write_text("".join(
        [line(n, f"INFO shop: order {n} stored") for n in range(0, 7200, pace)]
        + [line(n, f"ERROR shop: order {n} is not stored: it fails") for n in range(7200, 8400, pace)]))
    found, = analyze_files([str(tmp_path / "shop.log")], now=NOW).incidents
    assert (found.incident.cls, found.ended_at) == ("error_burst", None)


def test_of_a_long_json_line_a_part_is_shown_as_it_stands(tmp_path: Path) -> None:
    lines = [json.dumps({"time": f"2026-01-31T10:00:{n:02}Z", "level": "error", "rest": "x" * 100_000,
                         "msg": 'write "x" failed: No space left on device'}) for n in range(3)]
    (tmp_path / "long.log").write_text("\n".join(lines) + "\n")
    found, = analyze_files([str(tmp_path / "long.log")]).incidents
    shown = found.lines()
    assert shown
    for each in shown:
        assert each.line is not None
        assert 1000 < len(each.text) <= 4000 and each.text in lines[each.line - 1]


def test_what_is_odd_about_a_file_that_was_named_is_said(tmp_path: Path) -> None:
    (tmp_path / "shop.log").write_text(LOG)
    (tmp_path / "empty.log").touch()
    (tmp_path / "noise.log").write_bytes(Random(7).randbytes(20_000).replace(b"\0", b"x"))
    report = analyze_files([str(tmp_path / name) for name in ("shop.log", "empty.log", "noise.log")], now=NOW)
    assert report.files == 3 and len(report.incidents) == 1
    assert report.notes == [(str(tmp_path / "empty.log"), "is empty"),
                            (str(tmp_path / "noise.log"), "looks like no text; it was read all the same")]
    # of a folder they are passed over
    report = analyze_files([str(tmp_path)], now=NOW)
    assert (report.files, report.notes) == (1, [])
    assert report.skipped == [(str(tmp_path / "noise.log"), "not a text file")]


@pytest.mark.parametrize("text", [
    LOG.encode(), LOG.encode("utf-16"), LOG.encode() + b"\0" * 20, b"short",
    "ошибка: нет места на устройстве\n".encode("cp1251") * 50,
    "エラーです\n".encode("shift_jis") * 50, "エラーです\n".encode("iso2022_jp") * 50,
    b"\x1b[31mERROR\x1b[0m \x07no room\r\n" * 50,
    b"8=FIX.4.4\x019=120\x0135=A\x0149=SHOP\x0156=BANK\x01\n" * 50,
])
def test_text_in_any_encoding_is_text(tmp_path: Path, text: bytes) -> None:
    (tmp_path / "a.log").write_bytes(text)
    for path in (tmp_path / "a.log", tmp_path):
        report = analyze_files([str(path)], now=NOW)
        assert (report.files, report.notes, report.skipped) == (1, [], [])


def test_a_file_that_goes_away_meanwhile_ends_nothing(
        tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gone, shop = tmp_path / "gone.log", tmp_path / "shop.log"

    def found(paths: list[str], since: int | None = None) -> Any:
        files = find(paths, since)
        gone.unlink()
        return files
    monkeypatch.setattr("sra_cli.analyze.find", found)
    for since in (None, 1_700_000_000_000_000):  # with a time to begin at, a large file is searched for it
        shop.write_text(LOG)
        gone.write_text(LOG * 2000)
        report = analyze_files([str(shop), str(gone)], now=NOW, since=since)
        assert (report.files, report.records) == (1, 61)
        assert report.skipped == [(str(gone), "it went away")]


def test_where_nothing_was_read_that_alone_is_said(tmp_path: Path) -> None:
    (tmp_path / "empty.log").touch()
    (tmp_path / "none").mkdir()
    done = sra(str(tmp_path / "none"))
    assert (done.returncode, done.stdout) == (2, b"") and b"nothing to read there" in done.stderr
    done = sra(str(tmp_path / "empty.log"))
    assert done.returncode == 0 and b"empty.log is empty" in done.stderr
    assert b"Nothing was read, so nothing was found." in done.stdout + done.stderr
    assert b"No incident found" not in done.stdout + done.stderr


def test_a_folder_that_cannot_be_looked_into_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    closed = tmp_path / "closed"
    closed.mkdir()
    (closed / "inner.log").write_text(LOG)
    (tmp_path / "shop.log").write_text(LOG)
    scan = os.scandir

    def refused(path: Any) -> Any:
        if os.fspath(path) == str(closed):
            raise PermissionError(13, "Permission denied", str(closed))
        return scan(path)
    monkeypatch.setattr("os.scandir", refused)
    report = analyze_files([str(tmp_path)], now=NOW)
    assert (report.files, report.skipped) == (1, [(str(closed), "this user may not read it")])


@pytest.mark.parametrize(("name", "fields", "service"), [
    ("grafana.log", '"logger":"ngalert.scheduler"', "grafana"),
    ("caddy.log", '"logger":"http.log.error"', "caddy"),
    ("all.log", '"logger":"a.b","service":"shop"', "shop"), ("-", '"logger":"a.b"', "a.b")])
def test_a_logger_is_no_service_where_the_file_has_a_name(
        tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, fields: str, service: str) -> None:
    line = f'{{"level":"error","time":"2024-03-05T10:00:00Z",{fields},"msg":"No space left on device"}}\n'
    (tmp_path / name).write_text(line)
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(line.encode())))
    found, = analyze_files([name if name == "-" else str(tmp_path / name)], now=NOW).incidents
    assert found.incident.service == service
