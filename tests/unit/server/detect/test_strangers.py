# ruff: noqa: E501 - lines of logs are as long as they are
"""Who speaks to strangers, or exchanges roles, has failures each day; who really reaches nobody is told."""
from __future__ import annotations

import pytest

from sra_server.domain.place import places_in

from .test_single import _each, _told

POSTFIX = "Mar  5 10:00:00 mx-1 postfix/smtp[812]: "
EXIM = "2024-03-05 10:00:00 1rA4{n}-000755-2x "
SQUID = "2024/03/05 10:00:00 kid1| ERROR: "
NGINX = "2024/03/05 10:00:00 [error] 7#7: *{n} "
PHP = ('FastCGI sent in stderr: "PHP message: PHP {}" while reading response header from upstream, client: 192.0.2.{{n}}, server: site, '
       'request: "GET /{{n}} HTTP/1.1", upstream: "fastcgi://unix:/run/php/php-fpm.sock:", host: "site"')
APP = "2024-03-05 10:00:00,123 ERROR shop: "
ONLY_READS = f"{APP}POST /order failed: psycopg.errors.ReadOnlySqlTransaction: cannot execute INSERT in a read-only transaction"

QUIET = {
    "no IPv6": sorted([*_each(f"{POSTFIX}connect to mx.big.example[2001:db8:400c::1b]:25: Network is unreachable", 60, 5),
                       *_each(f"{POSTFIX}1091CB4AF0: to=<a@big.example>, relay=mx.big.example[192.0.2.9]:25, dsn=2.0.0, status=sent (250 OK)", 60, 5)]),
    "dead places of a newsletter": _each(f"{POSTFIX}connect to mx.dead{{n}}.example[192.0.2.{{n}}]:25: No route to host", 60, 11),
    "slow places of a newsletter": _each(f"{POSTFIX}connect to mx.dead{{n}}.example[192.0.2.{{n}}]:25: Connection timed out", 60, 11),
    "dead places of Exim": _each(f"{EXIM}H=mx.dead{{n}}.example [192.0.2.{{n}}] Connection timed out", 60, 11),
    "robots at Exim": _each("2024-03-05 10:00:00 login authenticator failed for (User) [203.0.113.{n}]: 535 Incorrect "
                            "authentication data (set_id=info@ours.example)", 60, 11),
    "dead sites of a proxy": _each(f"{SQUID}Connection to dead{{n}}.example failed", 60, 9),
    "files that were never there": _each(
        f'{NGINX}FastCGI sent in stderr: "Primary script unknown" while reading response header from upstream, client: 192.0.2.{{n}}, '
        'server: site, request: "GET /wp-login{n}.php HTTP/1.1", upstream: "fastcgi://unix:/run/php/php-fpm.sock:", host: "site"', 40, 20),
    "warnings of PHP": _each(NGINX + PHP.format('Warning:  Undefined array key "id" in /srv/site/x.php on line 88'), 60, 9),
    "roles are exchanged": _each(ONLY_READS, 12, 0.5),
}
TOLD = {
    "a relay that is gone": (_each(f"{POSTFIX}connect to relay.isp.example[192.0.2.7]:25: Connection timed out", 60, 2), 20, "external_api_down high"),
    "a relay without a way": (_each(f"{POSTFIX}connect to relay.isp.example[192.0.2.7]:25: No route to host", 60, 2), 20, "external_api_down high"),
    "one who guesses at Exim": (_each("2024-03-05 10:00:00 login authenticator failed for (User) [203.0.113.7]: 535 Incorrect "
                                      "authentication data (set_id=info@ours.example)", 60, 1), 20, "auth_failures high"),
    "PHP without its database": (_each(
        NGINX + PHP.format("Fatal error:  Uncaught PDOException: SQLSTATE[HY000] [2002] Connection refused in /srv/site/db.php:8"), 60, 1), 20, "database_failure critical"),
    "PHP that hangs": (_each(
        f'{NGINX}upstream timed out (110: Connection timed out) while reading response header from upstream, client: 192.0.2.{{n}}, server: site, '
        'request: "GET / HTTP/1.1", upstream: "fastcgi://unix:/run/php/php-fpm.sock:", host: "site"', 60, 1), 20, "external_api_down high"),
    "a database that only reads": (_each(ONLY_READS, 60, 1), 20, "database_failure high"),
}


@pytest.mark.parametrize("name", QUIET)
def test_what_strangers_and_everyday_bring_is_quiet(name: str) -> None:
    assert _told(QUIET[name]) == []


@pytest.mark.parametrize("name", TOLD)
def test_the_real_thing_beside_it_is_told(name: str) -> None:
    lines, within, opened = TOLD[name]
    assert _told(lines, within=within) == [opened]


@pytest.mark.parametrize(("text", "place"), [
    ("connect to mx.far.example[192.0.2.7]:25: Connection timed out", "mx.far.example:25"),
    ("H=mx.far.example [192.0.2.7] Connection timed out", "mx.far.example"),
    ("== a@far.example R=dnslookup T=remote_smtp defer (110): Connection timed out", "far.example"),
    ("Connection to far.example failed", "far.example"),
    ("connecting to billing failed", None),
])
def test_to_whom_a_mail_server_or_proxy_speaks(text: str, place: str | None) -> None:
    assert places_in(text) == ((place,) if place else ())
