"""`sra silence add`: what cannot be meant is said before a server is asked."""

from __future__ import annotations

from typing import Any

import pytest
from typer.testing import CliRunner

from sra_cli.silence import app
from sra_sdk.errors import BadInput


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (["--for", "0"], "for: '0' is no length of time"),
        (["--for", "-5m"], "for: '-5m' is no length of time"),
        (["--for", "400d"], "for: 400d is longer than 366 days"),
        ([], "for: how long is needed"),
        (["--for", "1h", "--timezone", "Europe/Berlin"], "timezone: it is of --every and --from"),
        (["--for", "1h", "--from", "soon"], "from: 'soon' is no time to come"),
        (["--for", "1h", "--from", "2026-01-31"], "from: '2026-01-31' is no time to come"),
        (["--for", "1h", "--from", "25:00"], "from: '25:00' is no time to come"),
        (["--for", "1h", "--from", "in a while"], "from: 'in a while' is no time to come"),
        (["--for", "1h", "--from", "02:00", "--timezone", "Nowhere/Land"],
         "timezone: 'Nowhere/Land' is no time zone that this machine knows"),
        (["--for", "1h", "--every", "whenever", "02:00"], "every: 'whenever' is no day"),
        (["--for", "1h", "--every", "sunday", "25:00"], "every: '25:00' is no time of day"),
        (["--for", "1h", "--every", "sun", "2"], "every: '2' is no time of day"),
        (["--every", "02:00", "--for", "1h"], "every: '02:00' is a time without a day"),
        (["--every=02:00", "--for", "1h"], "every: '02:00' is a time without a day"),
        (["--every", "sun", "--for", "1h"], "every: 'sun' is a day without a time"),
        (["--for", "1h", "--every", "sun"], "every: 'sun' is a day without a time"),
        (["--for", "1h", "--every", "often"], "every: 'often' is neither a day nor a time"),
        (["--every", "--for", "1h"], "every: a day and a time are needed"),
        (["--for", "1h", "--every", ""], "every: a day and a time are needed"),
        (["--for", "1h", "--every"], "every: a day and a time are needed"),
        (["--for", "1h", "--every", "sun at 02:00"], "every: 'at 02:00' is no time of day"),
        (["--for", "1h", "--every", "sun 02:00 h"], "every: '02:00 h' is no time of day"),
        (["--for", "1h", "--why", "  "], "why: it is empty"),
        (["--for", "1h", "--service", "*"], "service: a * alone would silence everything"),
        (["--for", "1h", "--server", "nonsense"], "server: 'nonsense' is not a URL"),
    ],
)
def test_what_cannot_be_meant_is_said_in_words(given: list[str], words: str) -> None:
    ran = CliRunner().invoke(app, ["add", "--service", "shop", "--why", "x", *given])
    assert isinstance(ran.exception, BadInput) and ran.exception.message == words
    assert ran.exception.hint


class Asked:
    """Stands for the client; keeps what it was asked for."""

    def __init__(self) -> None:
        self.window: dict[str, Any] = {}

    def __enter__(self) -> Asked:
        return self

    def __exit__(self, *error: object) -> None:
        pass

    def silence(self, why: str, **asked: Any) -> Any:
        self.window = asked["window"]
        raise BadInput("enough")


@pytest.mark.parametrize("words", [
    ["--every", "sun", "02:00"], ["--every", "sun 02:00"], ["--every=sun 02:00"], ["--every=sun", "02:00"],
    ["--every", " Sunday  2:00 "],
])
def test_day_and_time_are_two_words_or_one_that_is_quoted(
        words: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    asked = Asked()
    monkeypatch.setattr("sra_cli.silence.session.connect", lambda server: asked)
    CliRunner().invoke(app, ["add", "--service", "shop", *words, "--for", "1h",
                             "--timezone", "UTC", "--why", "x"])
    assert asked.window == {"every": "sun", "at": "02:00", "seconds": 3600, "timezone": "UTC"}


def test_another_option_may_have_the_word_every_for_its_value(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = Asked()
    monkeypatch.setattr("sra_cli.silence.session.connect", lambda server: asked)
    CliRunner().invoke(app, ["add", "--service", "every", "--every", "day 23:30", "--for", "1h",
                             "--timezone", "UTC", "--why", "the backup, --every day"])
    assert asked.window["every"] == "day"
