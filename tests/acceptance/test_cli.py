"""The command line against a real server process: an account, keys, logs, an incident from open to closed."""
from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from sra_sdk.api import Client
from sra_server.detect.baseline import WATCHED

from .shell import Shell

#: one account, told from its first day to its last
pytestmark = pytest.mark.xdist_group("cli")

PASSWORD = "correct horse battery"
HOSTILE = "database \x1b[2J\x1b]0;owned\x07 refused: could not connect to server: Connection refused"


@pytest.fixture(scope="module")
def sra(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shell]:
    folder = tmp_path_factory.mktemp("cli")
    environment = {name: value for name, value in os.environ.items() if not name.startswith("SRA_")}
    environment["XDG_CONFIG_HOME"] = str(folder / "config")
    with (folder / "server.err").open("wb") as errors:
        server = subprocess.Popen(
            [sys.executable, "-m", "sra_cli", "serve", "--port", "0", "--data-dir", str(folder / "data")],
            env=environment, stdout=subprocess.PIPE, stderr=errors, text=True, cwd=folder)
    assert server.stdout is not None
    line = server.stdout.readline()
    assert line.startswith("SRA listens on "), (folder / "server.err").read_text()
    url = line.split()[-1]
    shell = Shell(environment={**environment, "SRA_SERVER": url}, url=url)
    shell("register", "ada@example.com", "--password-stdin", "--insecure-storage", stdin=PASSWORD + "\n")
    yield shell
    server.terminate()
    assert server.wait(20) == 0
    server.stdout.close()


@pytest.fixture(scope="module")
def incident(sra: Shell) -> str:
    """An incident of a database that refuses connections, told with a hostile log line."""
    token = json.loads((Path(sra.environment["XDG_CONFIG_HOME"]) / "sra/session.json").read_text())
    with Client(sra.url, token=token["sessions"][sra.url]["token"]) as client:
        now = datetime.now(UTC)  # once may be a restart; this goes on
        client.ingest_logs([{"message": HOSTILE, "level": "error",
                             "timestamp": (now - timedelta(seconds=20 - n)).isoformat()} for n in range(20)],
                           service="checkout", host="web-1")
    end = time.monotonic() + 20
    while time.monotonic() < end:
        if found := sra.json("incidents", "list", "--status", "open"):
            return str(found[0]["id"])
        time.sleep(0.3)
    raise AssertionError("no incident within 20 s")


def test_who_is_signed_in_and_the_session_is_private(sra: Shell) -> None:
    assert "ada@example.com" in sra("whoami")
    assert sra.json("whoami")["email"] == "ada@example.com"
    files = list((Path(sra.environment["XDG_CONFIG_HOME"]) / "sra").iterdir())
    assert [oct(file.stat().st_mode & 0o777) for file in files] == ["0o600"]


def test_a_wrong_password_fails_and_keeps_the_session(sra: Shell) -> None:
    assert "wrong" in sra("login", "ada@example.com", "--password-stdin", stdin="nonsense\n", code=1)
    assert "ada@example.com" in sra("whoami")


def test_keys_from_birth_to_deletion(sra: Shell) -> None:
    made = sra.json("keys", "create", "ci", "--scope", "read")
    assert made["scopes"] == ["read"] and made["key"].startswith(made["prefix"])
    with_key = Shell(environment={**sra.environment, "SRA_API_KEY": made["key"]}, url=sra.url)
    assert "operational" in with_key("status") or "critical" in with_key("status")
    assert made["prefix"] in sra("keys", "list")
    sra("keys", "revoke", made["prefix"])
    assert "what to do" in with_key("status", code=1)
    assert "--yes" in sra("keys", "delete", made["prefix"], code=2)
    sra("keys", "delete", made["prefix"], "--yes")
    assert made["prefix"] not in sra("keys", "list")


def test_an_incident_is_listed_and_told_whole(sra: Shell, incident: str) -> None:
    assert incident in sra("incidents") and incident in sra("incidents", "list", "--service", "checkout")
    told = sra("incidents", "show", incident)
    assert "\x1b" not in told and "\x07" not in told and "\\x1b[2J" in told
    for part in ("Root cause", "confidence", "Evidence", "Timeline", "checkout"):
        assert part in told
    whole = sra.json("incidents", "show", incident)
    assert whole["class"] == "database_failure" and whole["evidence"] and whole["timeline"]
    assert "critical" in sra("status") or "degraded" in sra("status")


def test_an_incident_is_worked_on_to_its_end(sra: Shell, incident: str) -> None:
    assert "acknowledged" in sra("incidents", "ack", incident)
    sra("incidents", "assign", incident, "ada")
    sra("incidents", "note", incident, "looking at the pool")
    told = sra("incidents", "show", incident)
    assert "assigned to ada" in told and "looking at the pool" in told
    watched = sra("incidents", "watch", "--json", "--for", "0").splitlines()
    assert incident in {json.loads(line)["id"] for line in watched}
    assert "resolved" in sra("incidents", "resolve", incident, "--summary", "pool enlarged")
    assert "closed" in sra("incidents", "close", incident)
    assert "closed" in sra("incidents", "ack", incident, code=1)
    assert sra.json("incidents", "show", incident)["resolution_summary"] == "pool enlarged"


def test_silences_from_birth_to_end(sra: Shell) -> None:
    made = sra.json("silence", "add", "--service", "search", "--for", "2h", "--why", "moving racks")
    assert (made["service"], made["why"]) == ("search", "moving racks")
    weekly = sra.json("silence", "add", "--class", "disk_full", "--every", "sun", "02:00", "--for", "1h",
                      "--timezone", "Europe/Berlin", "--why", "backup")
    assert weekly["window"] == {"every": "sun", "at": "02:00", "seconds": 3600, "timezone": "Europe/Berlin"}
    planned = sra("silence", "add", "--service", "db", "--from", "in 3h", "--for", "1h",
                  "--why", "new kernel")
    assert "(it starts in 3h)" in planned
    told = sra("silence")
    assert "new kernel" in told and "starts in 3h" in told
    assert "moving racks" in told and "every sun 02:00 Europe/Berlin for 60m" in told and "now" in told
    assert "is over" in sra("silence", "end", made["id"])
    assert made["id"] not in sra("silence", "list") and made["id"] in sra("silence", "list", "--all")
    for wrong in (("--service", "a"), ("--for", "2h"), ("--service", "a", "--for", "soon"),
                  ("--service", "a", "--for", "1h", "--every", "day", "25:00"),
                  ("--service", "a", "--for", "2d", "--every", "day", "00:00"),
                  ("--service", "a", "--for", "7d", "--every", "sun", "00:00")):
        assert "error: " in sra("silence", "add", *wrong, "--why", "x", code=2)
    sra("silence", "end", weekly["id"])


def test_a_false_alarm_teaches_and_is_forgotten(sra: Shell, incident: str) -> None:
    kept = json.loads((Path(sra.environment["XDG_CONFIG_HOME"]) / "sra/session.json").read_text())
    with Client(sra.url, token=kept["sessions"][sra.url]["token"]) as client:
        client.ingest_logs([{"message": "No space left on device", "level": "error"}], service="archive")
    end = time.monotonic() + 20
    while not (found := sra.json("incidents", "list", "--service", "archive")) and time.monotonic() < end:
        time.sleep(0.3)
    everywhere = ("incidents", "close", found[0]["id"], "--false-alarm", "--everywhere")
    asked = sra(*everywhere, code=2)  # nobody is there to answer
    assert "ANY service on ANY host" in asked and "--yes" in asked
    assert sra.json("lessons", "list") == []
    assert sra.json("incidents", "show", found[0]["id"])["status"] == "open"
    assert "of any service on any host" in sra(*everywhere, "--yes")
    assert "is forgotten; what it holds back and still goes on is told" in sra(
        "lessons", "forget", "--incident", found[0]["id"])
    sra("incidents", "close", found[0]["id"], "--false-alarm", "--why", "a test disk")
    [lesson] = sra.json("lessons", "list")
    assert (lesson["service"], lesson["host"]) == ("archive", None) and "space" in lesson["sign"]
    asked = f"{lesson['sign']} of archive on any host: needs 2 records or must go on for "
    assert asked in sra("incidents", "show", found[0]["id"])
    told = sra("lessons")
    assert lesson["id"] in told and lesson["sign"] in told and "archive" in told
    assert "forgotten" in sra("lessons", "forget", lesson["id"])
    assert sra.json("lessons", "list") == []


def test_all_that_one_incident_taught_is_forgotten_at_once(sra: Shell) -> None:
    kept = json.loads((Path(sra.environment["XDG_CONFIG_HOME"]) / "sra/session.json").read_text())
    with Client(sra.url, token=kept["sessions"][sra.url]["token"]) as client:
        client.ingest_logs([
            {"message": "No space left on device", "level": "error"},
            {"message": "tls: x509: certificate has expired or is not yet valid", "level": "error"}],
            service="vault", host="v-1")
    end = time.monotonic() + 20
    while not (found := sra.json("incidents", "list", "--service", "vault")) and time.monotonic() < end:
        time.sleep(0.3)
    sra("incidents", "close", found[0]["id"], "--false-alarm")
    taught = sra.json("lessons", "list")
    assert len({(each["sign"], each["service"], each["host"]) for each in taught}) == len(taught) == 2
    sra("lessons", "forget", code=2)
    sra("lessons", "forget", taught[0]["id"], "--incident", found[0]["id"], code=2)
    gone = sra.json("lessons", "forget", "--incident", found[0]["id"])
    assert {each["id"] for each in gone} == {each["id"] for each in taught}
    assert sra.json("lessons", "list") == []
    assert "`sra lessons list`" in sra("lessons", "forget", "--incident", found[0]["id"], code=1)


@pytest.mark.parametrize(("asked", "lists"), [
    (("silence", "end", "sil_0"), "sra silence list"), (("lessons", "forget", "les_0"), "sra lessons list"),
    (("incidents", "close", "inc_0"), "sra incidents list"),
    (("remedies", "show", "rem_0"), "sra remedies list"),
    (("hosts", "show", "nowhere"), "sra hosts"), (("keys", "revoke", "sra_nosuchkey"), "sra keys list"),
])
def test_what_is_not_there_is_answered_with_the_command_that_lists(
        sra: Shell, asked: tuple[str, ...], lists: str) -> None:
    told = sra(*asked, code=1)
    assert f"what to do: `{lists}` lists" in told and "GET /" not in told


def test_logs_are_found_and_harmless(sra: Shell, incident: str) -> None:
    out = sra("logs", "--service", "checkout", "--level", "error", "--since", "1h", "--limit", "3")
    assert len(out.splitlines()) == 3 and "\x1b" not in out and "checkout@web-1" in out
    assert sra.json("logs", "-q", "Connection refused")["logs"][0]["message"] == HOSTILE
    assert sra("logs", "--service", "nobody") == ""


def test_followed_logs_show_each_record_once(sra: Shell, incident: str) -> None:
    kept = json.loads((Path(sra.environment["XDG_CONFIG_HOME"]) / "sra/session.json").read_text())
    with Client(sra.url, token=kept["sessions"][sra.url]["token"]) as client:
        client.ingest_logs([{"message": "before"}], service="stream")
        process = subprocess.Popen(
            [sys.executable, "-m", "sra_cli", "logs", "--follow", "--json", "--limit", "2",
             "--service", "stream"],
            env={**sra.environment, "PYTHONUNBUFFERED": "1"}, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            text=True)
        assert process.stdout is not None
        assert json.loads(process.stdout.readline())["message"] == "before"
        for start in (0, 1500):
            client.ingest_logs([{"message": f"line {start + n}"} for n in range(1500)], service="stream")
            time.sleep(1.2)
    said = [json.loads(process.stdout.readline())["message"] for _ in range(3000)]
    process.send_signal(signal.SIGINT)
    rest, errors = process.communicate(timeout=20)
    assert process.returncode == 130 and rest == "" and "Traceback" not in errors
    assert sorted(said) == sorted(f"line {n}" for n in range(3000))


def test_the_dry_run_switch(sra: Shell) -> None:
    assert sra("dry-run", "status").startswith("on")
    assert sra("dry-run", "off").startswith("off") and sra.json("dry-run", "status")["dry_run"] is False
    assert sra("dry-run", "on").startswith("on")


def test_an_action_that_no_host_offers_is_refused_with_the_way_out(sra: Shell) -> None:
    assert sra("hosts") == "" and sra.json("hosts") == [] and sra("remedies") == ""
    assert "policy" in sra("remedies", "run", "restart_service", "checkout", "--yes", code=1)
    assert "param" in sra("remedies", "run", "scale_replicas", "web", "--param", "three", "--yes", code=2)


def test_what_does_not_exist_is_said_so(sra: Shell) -> None:
    for arguments in (("incidents", "show", "nope"), ("remedies", "show", "nope"), ("hosts", "show", "nope")):
        assert "nope" in sra(*arguments, code=1)


def test_the_doctor_names_what_is_missing(sra: Shell) -> None:
    states = {each["check"]: each["state"] for each in json.loads(sra.all("doctor", "--json").stdout)}
    assert states["server"] == states["database"] == states["sign-in"] == states["clock"] == "ok"
    assert states["agent"] == "warning"


def test_series_for_which_there_is_no_room_are_told_with_what_to_do(sra: Shell) -> None:
    assert "no room" not in sra("status") and sra.json("status")["series_unwatched"] == {}
    token = json.loads((Path(sra.environment["XDG_CONFIG_HOME"]) / "sra/session.json").read_text())
    with Client(sra.url, token=token["sessions"][sra.url]["token"]) as client:
        for n in range(WATCHED + 3):
            client.ingest_metrics([{"name": "latency", "value": 1.0}], service=f"s{n}")
    end = time.monotonic() + 20
    while sra.json("status")["series_unwatched"] != {"baseline": 3} and time.monotonic() < end:
        time.sleep(0.3)
    said = sra("status")
    assert "no room for series: 3 of baseline (their usual is not learned)" in said
    assert "what to do: " in said and "docs/detection-metrics.md" in said
    [row] = [each for each in json.loads(sra.all("doctor", "--json").stdout) if each["check"] == "series"]
    assert row["state"] == "warning" and "3 of baseline" in row["text"] and "fewer" in row["hint"]


def test_signing_out_ends_the_session_on_the_server_too(sra: Shell) -> None:
    token = json.loads((Path(sra.environment["XDG_CONFIG_HOME"]) / "sra/session.json").read_text())
    sra("logout")
    assert "not signed in" in sra("whoami", code=1)
    known = token["sessions"][sra.url]["token"]
    old = Shell(environment={**sra.environment, "SRA_TOKEN": known}, url=sra.url)
    assert "what to do" in old("whoami", code=1)
