"""Where the token is kept and to whom it goes: a real keyring class, real files, the real environment."""
from __future__ import annotations

import json
import stat
import time
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

import keyring
import pytest
from keyring.backend import KeyringBackend

from sra_cli import credentials, session
from sra_sdk.errors import BadInput, NotSignedIn, SraError

URL = "http://127.0.0.1:8000"
OTHER = "https://other.example"


class Safe(KeyringBackend):
    """A keyring as a system has it, in memory."""

    priority = 1.0  # type: ignore[assignment]
    kept: ClassVar[dict[tuple[str, str], str]] = {}

    def get_password(self, service: str, username: str) -> str | None:
        return self.kept.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self.kept[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        del self.kept[service, username]


class Plaintext(Safe):
    """A keyring that keeps secrets readable."""


Plaintext.__module__ = "keyrings.alt.file"


class Slow(Safe):
    """A keyring that waits for somebody to unlock it."""

    def set_password(self, service: str, username: str, password: str) -> None:
        time.sleep(30)


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    for name in ("SRA_SERVER", "SRA_TOKEN", "SRA_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    before = keyring.get_keyring()
    Safe.kept.clear()
    keyring.set_keyring(Plaintext())
    yield tmp_path / "sra" / "session.json"
    keyring.set_keyring(before)


def test_a_file_that_only_its_owner_reads_holds_the_token_where_no_keyring_is_safe(home: Path) -> None:
    assert session.remember(URL, "a@b.example", "tok") == str(home)
    assert stat.S_IMODE(home.stat().st_mode) == 0o600 and stat.S_IMODE(home.parent.stat().st_mode) == 0o700
    assert Safe.kept == {}
    found = session.find()
    assert (found.server, found.token, found.email, found.source) == (URL, "tok", "a@b.example", "file")
    assert list(home.parent.iterdir()) == [home]


def test_a_safe_keyring_holds_the_token_and_the_file_does_not(home: Path) -> None:
    keyring.set_keyring(Safe())
    assert session.remember(URL, "a@b.example", "tok-secret") == "keyring"
    assert "tok-secret" not in home.read_text()
    assert session.find().token == "tok-secret" and session.find().source == "keyring"
    assert session.drop(URL) and Safe.kept == {} and session.find().token is None


def test_insecure_storage_forces_the_file(home: Path) -> None:
    keyring.set_keyring(Safe())
    assert session.remember(URL, "a@b.example", "tok", insecure=True) == str(home)
    assert Safe.kept == {} and session.find().token == "tok"


def test_a_keyring_that_does_not_answer_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(credentials, "KEYRING_SECONDS", 0.2)
    keyring.set_keyring(Slow())
    begun = time.monotonic()
    assert session.remember(URL, "a@b.example", "tok") != "keyring"
    assert time.monotonic() - begun < 5 and session.find().token == "tok"


def test_a_token_goes_to_no_other_server(monkeypatch: pytest.MonkeyPatch) -> None:
    session.remember(URL, "a@b.example", "tok")
    assert session.find(OTHER).token is None
    with pytest.raises(NotSignedIn, match=r"other\.example"):
        session.connect(OTHER)
    monkeypatch.setenv("SRA_SERVER", OTHER)
    assert session.find().token is None


def test_the_environment_comes_first(monkeypatch: pytest.MonkeyPatch) -> None:
    session.remember(URL, "a@b.example", "tok")
    monkeypatch.setenv("SRA_API_KEY", "sra_k")
    assert (session.find().api_key, session.find().token) == ("sra_k", None)
    monkeypatch.setenv("SRA_TOKEN", "envtok")
    assert (session.find().token, session.find().source) == ("envtok", "SRA_TOKEN")


def test_the_last_sign_in_is_the_present_server_and_the_default_is_this_machine() -> None:
    assert session.find().server == "http://127.0.0.1:8000"
    session.remember(URL, "a@b.example", "one")
    session.remember(OTHER + "/", "a@b.example", "two")
    assert (session.find().server, session.find().token) == (OTHER, "two")
    session.remember(URL, "a@b.example", "three", current=False)
    assert session.find().server == OTHER and session.find(URL).token == "three"


def test_a_damaged_file_says_what_to_do(home: Path) -> None:
    home.parent.mkdir(parents=True)
    home.write_text("{")
    with pytest.raises(SraError) as caught:
        session.find()
    assert str(home) in caught.value.message and "sign in again" in (caught.value.hint or "")


def test_saving_keeps_what_was_there(home: Path) -> None:
    session.remember(URL, "a@b.example", "one")
    session.remember(OTHER, "c@d.example", "two")
    assert set(json.loads(home.read_text())["sessions"]) == {URL, OTHER}
    assert session.drop(OTHER) and not session.drop(OTHER)
    assert session.find(URL).token == "one"


@pytest.mark.parametrize("url", ["http://sra.example.com", "http://10.0.0.7:8000", "http://127.0.0.1.example.com"])
def test_no_key_goes_over_plain_http_to_another_machine(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SRA_API_KEY", "sra_key")
    with pytest.raises(BadInput, match="plain http"):
        session.connect(url)
    with pytest.raises(BadInput, match="plain http"):
        session.connect(url, signed_in=False)  # register and login send a password
    monkeypatch.setenv("SRA_INSECURE", "1")
    session.connect(url).disconnect()


@pytest.mark.parametrize("url", ["https://sra.example.com", "http://127.0.0.1:8000", "http://[::1]:8000"])
def test_https_and_this_machine_need_no_word(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SRA_API_KEY", "sra_key")
    session.connect(url).disconnect()
