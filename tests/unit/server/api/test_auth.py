"""Registration, sign-in, sessions, and the limit on failed sign-ins."""
from __future__ import annotations

import pytest

from .conftest import ADMIN_KEY, Api

GOOD = {"email": "you@example.com", "password": "long enough"}


async def test_register_login_me_logout(api: Api) -> None:
    registered = (await api.client.post("/auth/register", json={**GOOD, "name": "You"})).json()
    assert registered["token_type"] == "bearer"
    signed_in = (await api.client.post("/auth/login", json={**GOOD, "email": " YOU@example.com "})).json()
    assert signed_in["access_token"] != registered["access_token"]
    session = {"Authorization": f"bearer {signed_in['access_token']}"}
    me = (await api.client.get("/auth/me", headers=session)).json()
    assert me == registered["user"] == signed_in["user"]
    assert (me["email"], me["name"], me["is_active"]) == ("you@example.com", "You", True)
    assert (await api.client.post("/auth/logout", headers=session)).json()["status"] == "success"
    gone = await api.client.get("/auth/me", headers=session)
    assert (gone.status_code, gone.json()["code"]) == (401, "invalid_token")
    other = {"Authorization": f"Bearer {registered['access_token']}"}
    assert (await api.client.get("/auth/me", headers=other)).status_code == 200


async def test_no_secret_is_stored(api: Api) -> None:
    answer = (await api.client.post("/auth/register", json=GOOD)).json()
    key = await api.key({"Authorization": f"Bearer {answer['access_token']}"})
    stored = repr([api.sql(f"SELECT * FROM {table}") for table in ("users", "sessions", "api_keys")])
    for secret in (answer["access_token"], key["X-API-Key"], GOOD["password"]):
        assert secret not in stored
    assert "$argon2id$" in stored


@pytest.mark.parametrize(("body", "field"), [
    ({"email": "notanemail", "password": "long enough"}, "email"),
    ({"email": "a@b..c", "password": "long enough"}, "email"),
    ({"email": "you@example.com", "password": ""}, "password"),
    ({"email": "you@example.com"}, "password"),
    ({"email": 5, "password": "long enough"}, "email"),
])
async def test_a_bad_registration_names_the_field(api: Api, body: dict[str, object], field: str) -> None:
    answer = await api.client.post("/auth/register", json=body)
    assert (answer.status_code, answer.json()["code"]) == (422, "validation_failed")
    assert [problem["field"] for problem in answer.json()["errors"]] == [field]
    assert api.sql("SELECT count(*) FROM users") == [(0,)]


async def test_an_address_registers_once(api: Api) -> None:
    await api.register()
    answer = await api.client.post("/auth/register", json={**GOOD, "email": "YOU@example.com"})
    assert (answer.status_code, answer.json()["code"]) == (400, "email_taken")
    assert api.sql("SELECT count(*) FROM accounts WHERE id != 'admin'") == [(1,)]


async def test_unknown_person_and_wrong_password_look_the_same(api: Api) -> None:
    await api.register()
    wrong = await api.client.post("/auth/login", json={**GOOD, "password": "wrong"})
    unknown = await api.client.post("/auth/login", json={**GOOD, "email": "nobody@example.com"})
    assert (wrong.status_code, wrong.json()["code"]) == (401, "wrong_login")
    assert (wrong.status_code, wrong.content) == (unknown.status_code, unknown.content)


async def test_the_sixth_attempt_waits_even_with_the_right_password(api: Api) -> None:
    await api.register()
    for _ in range(5):
        assert (await api.client.post("/auth/login", json={**GOOD, "password": "x"})).status_code == 401
    refused = await api.client.post("/auth/login", json=GOOD)
    assert (refused.status_code, refused.json()["code"]) == (429, "too_many_failures")
    assert 800 < int(refused.headers["Retry-After"]) <= 900
    await api.register("other@example.com")
    other = await api.client.post("/auth/login", json={**GOOD, "email": "other@example.com"})
    assert other.status_code == 200


async def test_successful_logins_do_not_count(api: Api) -> None:
    await api.register()
    for _ in range(7):
        assert (await api.client.post("/auth/login", json=GOOD)).status_code == 200


async def test_a_session_ends_by_itself(api: Api) -> None:
    session = await api.register()
    api.sql("UPDATE sessions SET expires_at = 1")
    assert (await api.client.get("/auth/me", headers=session)).json()["code"] == "invalid_token"


async def test_an_inactive_person_is_out_at_once(api: Api) -> None:
    session = await api.register()
    api.sql("UPDATE users SET is_active = 0")
    assert (await api.client.get("/auth/me", headers=session)).status_code == 401
    assert (await api.client.post("/auth/login", json=GOOD)).json()["code"] == "wrong_login"


@pytest.mark.parametrize("headers", [
    {}, {"Authorization": "Basic abc"}, {"Authorization": "Bearer"}, {"X-API-Key": ADMIN_KEY},
])
async def test_what_is_no_session_is_not_signed_in(api: Api, headers: dict[str, str]) -> None:
    answer = await api.client.get("/auth/me", headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (401, "not_signed_in")
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")


@pytest.mark.parametrize("hidden", ["\x1b", "\n", "\x9b", "\u202e", "\u2066", "\u200f"])
async def test_names_show_what_they_are(api: Api, session: dict[str, str], hidden: str) -> None:
    for email, name in ((f"a{hidden}b@example.com", "Ann"), ("ab@example.com", f"A{hidden}nn")):
        answer = await api.client.post("/auth/register", json={
            "email": email, "name": name, "password": "long enough"})
        assert (answer.status_code, answer.json()["code"]) == (422, "validation_failed")
    answer = await api.client.post("/api-keys", json={"name": f"a{hidden}b"}, headers=session)
    assert answer.status_code == 422
