"""Settings: what is accepted, and what an error says."""

from __future__ import annotations

from pathlib import Path

import pytest

from sra_agent.config import AgentConfig, Probe
from sra_sdk.errors import BadInput

GOOD = """
[agent]
server = "https://sra.example.com"
key = "sra_k"
files = ["/var/log/syslog", "shop=/srv/shop/*.log"]
poll_seconds = 0.5

[[agent.probes]]
name = "health"
service = "shop"
http = "http://127.0.0.1:8081/health"
seconds = 2
"""


def test_a_file_is_read(tmp_path: Path) -> None:
    path = tmp_path / "sra.toml"
    path.write_text(GOOD)
    config = AgentConfig.load(path, host="web-1", state_dir=str(tmp_path), key=None)
    assert config.files == ("/var/log/syslog", "shop=/srv/shop/*.log")
    assert config.probes == (
        Probe(name="health", service="shop", http="http://127.0.0.1:8081/health", seconds=2),
    )
    assert (config.key, config.host, config.poll_seconds) == ("sra_k", "web-1", 0.5)


def test_environment_fills_gaps_and_words_win(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SRA_API_KEY", "from-env")
    monkeypatch.setenv("SRA_STATE_DIR", str(tmp_path))
    assert AgentConfig.load(None).key == "from-env"
    assert AgentConfig.load(None, key="given").key == "given"
    assert AgentConfig.load(None).state_dir == str(tmp_path)


def test_the_key_is_not_shown() -> None:
    assert "sra_secret" not in repr(AgentConfig(key="sra_secret"))


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('[agent]\nserver = "ftp://x"', "server"),
        ('[agent]\nserver = "http://sra.example.com"', "insecure"),
        ("[agent]\npol_seconds = 1", "poll_seconds"),
        ('[agent]\nfiles = "x"', "files"),
        ("[agent]\nfiles = [1]", "files"),
        ('[agent]\nhost = ""', "host"),
        ('[agent]\nhost = "a\\u0000b"', "host"),
        ("[agent]\npoll_seconds = 0", "poll_seconds"),
        ("[agent]\npoll_seconds = true", "poll_seconds"),
        ("[agent]\nspool_bytes = 10", "spool_bytes"),
        ('[agent]\nfrom_start = "yes"', "from_start"),
        ('[agent]\nexecutor = "maybe"', "executor"),
        ("[agent]\nprobes = 3", "probes"),
        ('[[agent.probes]]\nservice = "x"\ntcp = "h:1"', "name"),
        ('[[agent.probes]]\nname = "n"\nservice = "x"', "exactly one"),
        ('[[agent.probes]]\nname = "n"\nservice = "x"\ntcp = "h:1"\nhttp = "http://h"', "exactly one"),
        ('[[agent.probes]]\nname = "n"\nservice = "x"\ntcp = "h"', "host:port"),
        ('[[agent.probes]]\nname = "n"\nservice = "x"\ntcp = "h:1"\nseconds = 0.1', "seconds"),
        ('[[agent.probes]]\nname = "n"\nservice = "x"\ntcp = "h:1"\ntimout = 1', "timeout"),
        ("agent = 3", "agent"),
        ("[agents]\nhost = 'a'", "there is no section [agents]"),
        ("[agents]\nhost = 'a'", "did you mean [agent]?"),
        ("[service.a]\ndepends_on = []", "did you mean [services]?"),
        ("[[probes]]\nname = 'x'", "the sections are [server], [services.NAME], [agent]"),
        ("files = ['/a']\n[agent]", "'files' stands outside of every section"),
        ("[agent", "TOML"),
    ],
)
def test_an_error_names_the_setting_and_the_remedy(tmp_path: Path, text: str, says: str) -> None:
    path = tmp_path / "sra.toml"
    path.write_text(text)
    with pytest.raises(BadInput) as caught:
        AgentConfig.load(path)
    assert says in f"{caught.value.message} {caught.value.hint}"
    assert caught.value.hint


def test_plain_http_is_for_this_machine_or_by_wish() -> None:
    assert AgentConfig(server="http://localhost:1").server
    assert AgentConfig(server="http://sra.example.com", insecure=True).insecure


def test_a_missing_file_is_a_clear_error(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="cannot read"):
        AgentConfig.load(tmp_path / "none.toml")


def test_the_servers_sections_are_the_servers_to_check(tmp_path: Path) -> None:
    path = tmp_path / "sra.toml"
    path.write_text("[server]\nport = 1\ncolour = 'blue'\n[services.a]\ndepends_on = ['b']\n" + GOOD)
    assert AgentConfig.load(path, state_dir=str(tmp_path)).poll_seconds == 0.5


def test_a_mark_of_the_byte_order_is_no_part_of_the_file(tmp_path: Path) -> None:
    path = tmp_path / "sra.toml"
    path.write_text(GOOD.strip(), encoding="utf-8-sig")
    assert AgentConfig.load(path, state_dir=str(tmp_path)).poll_seconds == 0.5
