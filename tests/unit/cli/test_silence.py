"""`sra silence add`: what cannot be meant is said before a server is asked."""

from __future__ import annotations

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
        (["--for", "1h", "--why", "  "], "why: it is empty"),
        (["--for", "1h", "--service", "*"], "service: a * alone would silence everything"),
        (["--for", "1h", "--server", "nonsense"], "server: 'nonsense' is not a URL"),
    ],
)
def test_what_cannot_be_meant_is_said_in_words(given: list[str], words: str) -> None:
    ran = CliRunner().invoke(app, ["add", "--service", "shop", "--why", "x", *given])
    assert isinstance(ran.exception, BadInput) and ran.exception.message == words
    assert ran.exception.hint
