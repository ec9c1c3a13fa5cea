"""Redaction: every known kind in plain, JSON, URL and header forms; and text that must stay."""
from __future__ import annotations

import json
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sra_sdk.lines.redact import redact

A = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"


def made(prefix: str, n: int, alphabet: str = A, suffix: str = "") -> str:
    """A canary, put together here so that no scanner of repositories takes it for a real one."""
    return prefix + "".join(alphabet[(i * 7 + 3) % len(alphabet)] for i in range(n)) + suffix


HEX, UPPER = "0123456789abcdef", "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
TOKENS = {
    "sra-key": made("sra_", 48), "sra-key with id": made("sra_k1d2_", 43), "aws-key-id": made("AK" + "IA",
                                                                                              16, UPPER),
    "aws session": made("AS" + "IA", 16, UPPER), "github": made("gh" + "p_", 36),
    "github oauth": made("gh" + "o_", 36),
    "github fine": made("github_" + "pat_", 60), "gitlab": made("gl" + "pat-", 20),
    "slack": made("xo" + "xb-123-", 24),
    "slack app": made("xa" + "pp-1-", 30), "stripe": made("sk_" + "live_", 24),
    "stripe restricted": made("rk_" + "live_", 24),
    "stripe hook": made("wh" + "sec_", 32), "google": made("AI" + "za", 35),
    "google token": made("ya" + "29.", 60),
    "google secret": made("GOC" + "SPX-", 28), "openai": made("s" + "k-proj-", 40),
    "anthropic": made("s" + "k-ant-api03-", 60),
    "npm": made("np" + "m_", 36), "pypi": made("py" + "pi-", 80), "digitalocean": made("do" + "p_v1_", 64,
                                                                                       HEX),
    "huggingface": made("h" + "f_", 34), "shopify": made("shp" + "at_", 32, HEX),
    "square": made("sq" + "0csp-", 43),
    "telegram": made("123456789:A" + "A", 33), "vault": made("hv" + "s.", 24),
    "databricks": made("da" + "pi", 32, HEX),
    "atlassian": made("ATA" + "TT3", 60), "age": made("AGE-SECRET-" + "KEY-1", 58, UPPER),
    "grafana": made("gl" + "sa_", 40),
    "sendgrid": "SG" + "." + made("", 22) + "." + made("", 43),
    "jwt": "ey" + "J" + made("", 20) + ".ey" + "J" + made("", 40) + "." + made("", 43),
}


@pytest.mark.parametrize("kind", TOKENS)
def test_tokens_in_every_form(kind: str) -> None:
    token = TOKENS[kind]
    for text in (f"using {token} now", f"({token})", json.dumps({"deep": {"value": token}}),
                 f"GET https://x.example/a?k={token}&b=1 HTTP/1.1", f"k={token};", f"'{token}',",
                 f"line one\n{token}\n"):
        cleaned = redact(text)
        assert token not in cleaned
        assert token[8:] not in cleaned, "nothing of it may be left"
        assert "[redacted:" in cleaned
    assert redact(f"GET https://x.example/a?k={token}&b=1") .endswith("&b=1")


S3CRET = "hunter2-S3cr3t"
PEM = "-----BEGIN RSA PRIVATE " + "KEY-----\nMIIEow\nabc\n-----END RSA PRIVATE " + "KEY-----"


@pytest.mark.parametrize("text", [
    f"password={S3CRET}", f"password = {S3CRET}", f"PASSWORD: {S3CRET}", f"db_password='{S3CRET}'",
    f"PGPASSWORD={S3CRET} psql",
    f'{{"password": "{S3CRET}"}}', f'{{\\"password\\":\\"{S3CRET}\\"}}', f"{{'passwd': '{S3CRET}'}}",
    f"pwd={S3CRET};",
    f"mysql --password={S3CRET} -u root", f"spring.datasource.password={S3CRET}",
    f"DB_PASS_PHRASE passphrase={S3CRET}",
    f"https://x.example/?user=a&password={S3CRET}&b=1", f"client_secret={S3CRET}",
    f'"client_secret":"{S3CRET}"',
    f"api_key={S3CRET}", f"apikey: {S3CRET}", f"X-API-Key: {S3CRET}", f"access_token={S3CRET}",
    f'"refresh_token": "{S3CRET}"',
    f"aws_secret_access_key = {S3CRET}", f"AWS_SECRET_ACCESS_KEY={S3CRET}", f"private_key={S3CRET}",
    f"SECRET_KEY='{S3CRET}'",
    f"https://x.example/c?sv=1&sig=abc{S3CRET.replace('-', '%2B')}def&se=2",
    f"Authorization: Bearer {S3CRET}", f"authorization: Basic {S3CRET}",
    f'"Authorization": "Bearer {S3CRET}"',
    f"curl -H 'Authorization: token {S3CRET}'", f"sent bearer {S3CRET}",
    f"Proxy-Authorization: Basic {S3CRET}",
    f"Cookie: session={S3CRET}; a=b", f"Set-Cookie: id={S3CRET}; Path=/",
    f'{{"password": ["{S3CRET}", "{S3CRET}"], "n": 1}}', f"postgres://app:{S3CRET}@db-1:5432/shop",
    f"redis://:{S3CRET}@cache:6379/0",
    f"https://bob:{S3CRET}@x.example/a?b=1",
    f"amqp://guest:{S3CRET}@mq/", f"mongodb+srv://u:{S3CRET}@c.example/d",
    f"jdbc:mysql://h/d?user=a&password={S3CRET}",
    f"Server=db;User Id=sa;Password={S3CRET};Encrypt=true",
    f"AccountName=x;AccountKey={S3CRET}9==;EndpointSuffix=y",
    f"SharedAccessKey={S3CRET}12345=", f"auth_token={S3CRET}", f"csrf_token={S3CRET}",
    f"user_secret={S3CRET}",
    f'level=info msg="login" password="{S3CRET}"', f"password%3D{S3CRET}", f"password => {S3CRET}",
    f"DB_PASS={S3CRET}", f"db.pass: {S3CRET}", f'{{"pass": "{S3CRET}", "n": 1}}', f"user=bob pass={S3CRET}",
    f"tool --password {S3CRET} -u root", f"tool --db-password '{S3CRET}'", f"tool --api-key {S3CRET}",
    f"curl -u admin:{S3CRET} https://x.example", f"curl -s --user 'admin:{S3CRET}' https://x.example",
    f"CMD (curl -uadmin:{S3CRET} x)", f"mysql -uroot -p{S3CRET} shop", f"mysqldump -u root -p'{S3CRET}' a",
    f"sshpass -p {S3CRET} ssh a@b", f"passwd is {S3CRET}", f"the password was: '{S3CRET}'.",
    f"Password is {S3CRET}, do not tell",
])
def test_named_secrets_in_every_form(text: str) -> None:
    cleaned = redact(text)
    assert S3CRET not in cleaned, cleaned
    assert "S3cr3t" not in cleaned, cleaned
    assert "[redacted:" in cleaned
    assert redact(cleaned) == cleaned, "redacting twice changes nothing"


def test_what_stands_around_a_secret_stays() -> None:
    assert redact(f"postgres://app:{S3CRET}@db-1:5432/shop refused") == (
        "postgres://app:[redacted:url-password]@db-1:5432/shop refused")
    assert redact(f'{{"user":"bob","password":"{S3CRET}","n":1}}') == (
        '{"user":"bob","password":"[redacted:password]","n":1}')
    assert json.loads(redact(json.dumps({"password": 'a"b\\c', "n": 1})))["n"] == 1
    assert redact(f"a=1 api_key={S3CRET} b=2") == "a=1 api_key=[redacted:secret] b=2"


def test_private_keys_whole_and_cut() -> None:
    assert redact(f"key:\n{PEM}\nafter") == "key:\n[redacted:private-key]\nafter"
    assert "MIIEow" not in redact(PEM[:60])
    assert "MIIEow" not in redact(json.dumps({"key": PEM}))


@pytest.mark.parametrize("number", ["4111 1111 1111 1111", "4111111111111111", "5500-0000-0000-0004",
                                    "378282246310005",
                                    "6011111111111117"])
def test_cards_that_are_cards(number: str) -> None:
    assert redact(f"paid with {number}.") == "paid with [redacted:card]."
    assert number not in redact(json.dumps({"card": number}))


@pytest.mark.parametrize("text", [
    "Failed password for invalid user bob from 10.0.0.9 port 22 ssh2", "password authentication failed "
    "for user \"app\"",
    "password: required", "token expired", "Invalid token: unexpected end of input", "token=expired",
    "secret: none",
    "max_tokens=4096 prompt_tokens=12", "password_attempts=3", "primary_key=42", "keyboard=us",
    "secretary: Ann",
    "key=value", "cache key: user:42:profile", "https://x.example/a@b", "mail bob@x.example: ok",
    "http://127.0.0.1:8080/@me",
    "ssh://git@x.example:22/r", "block blk_38865049064139660", "blk_-6952295868487656571",
    "id 4111111111111112",
    "at 1700000000000000 ns", "trace 4bf92f3577b34da6a3ce929d0e0e4736",
    "10.251.73.220:50010 4111-1111-1111", "eyJ is short",
    "sk-ip the rest", "task-runner-for-something-long-here", "-----BEGIN CERTIFICATE-----",
    "Cookie policy shown",
    "The bearer of this letter", "password=${DB_PASSWORD}", "password=********",
    "risk-assessment-of-the-quarter-2026",
    "tests_pass=12", "first_pass: 0.93", "--password-file /run/x", "--token --verbose",
    "password is required",
    "password is too short", "the passwd was changed.", "docker run -u 1000:1000 x", "curl -u bob https://x",
    "mysql -u root -p shop", "mysqld: ready for connections", "pass=ok", "password is not-set",
    "the password is re-used", "mysql -h db -P 3306",
    "authorization failed", "session=42", "xoxo", "pass=1 fail=0", "compass: north", "bypass=true",
    "ghp_ is a prefix",
    "2026-01-31 10:00:00.123 INFO c.e.App - served 4 requests", "desk-1234567890-1234567890-123",
])
def test_other_text_is_not_touched(text: str) -> None:
    assert redact(text) == text


@pytest.mark.parametrize("text", [
    "password" * 20_000, "password=" * 20_000, "://a:" * 30_000 + "@", "eyJ" * 50_000,
    "authorization:" * 20_000,
    'password="' + "\\a" * 80_000, "4" * 200_000, "-----BEGIN PRIVATE KEY-----" * 5000,
    "a_" * 80_000 + "password=x",
    "4111 " * 40_000, "cookie:" * 30_000, "sk-" * 60_000, "a.secret_" * 20_000,
    "curl " * 40_000, "curl -u a" * 20_000, "mysql " * 40_000, "mysql -" * 30_000, "--pass-" * 30_000,
    "password is " * 20_000, "--a" * 60_000 + "password", "sshpass -p" * 20_000])
def test_hostile_text_takes_no_time(text: str) -> None:
    started = time.process_time()
    redact(text)
    assert time.process_time() - started < 1.0


SECRET_KEYS = st.sampled_from(["password", "api_key", "card", "token", "Authorization", "cookie", "note",
                               "client_secret", "pass", "db_pass"])
SECRETS = st.one_of(st.sampled_from([*TOKENS.values(), S3CRET, PEM, "4111111111111111",
                                     f"redis://:{S3CRET}@cache/0"]),
                    st.integers(0, 10**16), st.text(max_size=12), st.just(4111111111111111), st.none(),
                    st.floats(0, 1e9))


@settings(deadline=None)
@given(st.dictionaries(SECRET_KEYS, st.one_of(SECRETS, st.lists(SECRETS, max_size=3),
                                              st.dictionaries(SECRET_KEYS, SECRETS, max_size=3)), max_size=5))
def test_json_stays_json(fields: dict[str, object]) -> None:
    cleaned = redact(json.dumps(fields))
    assert set(json.loads(cleaned)) == set(fields)
    assert json.loads(json.loads(redact(json.dumps(json.dumps(fields))))) is not None


def test_a_card_in_a_list_is_quoted_as_its_neighbours_are() -> None:
    fields = {"card": [4111111111111111], "note": '"', "path": "\\"}
    for each in (fields, dict(reversed(fields.items()))):
        assert json.loads(redact(json.dumps(each)))["card"] == ["[redacted:card]"]
        assert json.loads(json.loads(redact(json.dumps(json.dumps(each)))))["card"] == ["[redacted:card]"]


def test_no_secret_hides_behind_colours() -> None:
    assert redact(f"token\x1b[0m=\x1b[32m{S3CRET}1234\x1b[0m") == "token=[redacted:secret]"


@settings(deadline=None)
@given(st.text())
def test_never_raises(text: str) -> None:
    assert isinstance(redact(text), str)
