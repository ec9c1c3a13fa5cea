"""Keys: shown once, at most three, revoked at once, named by a prefix, limited by scopes."""
from __future__ import annotations

import re

import pytest

from .conftest import ADMIN_KEY, Api

LOGS = {"logs": [{"message": "x"}]}


async def test_a_key_is_shown_whole_once(api: Api, session: dict[str, str]) -> None:
    made = (await api.client.post("/api-keys", headers=session, json={"name": "my-production-app"})).json()
    assert re.fullmatch(r"sra_[0-9a-f]{12}_[A-Za-z0-9_-]{43}", made["key"])
    assert (made["name"], made["is_active"]) == ("my-production-app", True)
    (listed,) = (await api.client.get("/api-keys", headers=session)).json()
    assert listed["key"] == made["key"][:16] + "..." == made["prefix"] + "..."
    assert (listed["is_active"], listed["last_used"]) == (True, None)
    await api.client.post("/ingest/logs", headers={"X-API-Key": made["key"]}, json=LOGS)
    (listed,) = (await api.client.get("/api-keys", headers=session)).json()
    assert listed["last_used"] is not None


async def test_a_fourth_key_is_refused_until_one_is_revoked(api: Api, session: dict[str, str]) -> None:
    keys = [await api.key(session) for _ in range(3)]
    fourth = await api.client.post("/api-keys", headers=session, json={"name": "4"})
    assert (fourth.status_code, fourth.json()["code"]) == (400, "key_limit")
    await api.client.delete(f"/api-keys/{keys[0]['X-API-Key'][:16]}", headers=session)
    assert await api.key(session)


async def test_a_revoked_key_ends_at_once_and_stays_listed(api: Api, session: dict[str, str],
                                                            key: dict[str, str]) -> None:
    assert (await api.client.post("/ingest/logs", headers=key, json=LOGS)).status_code == 200
    answer = await api.client.delete(f"/api-keys/{key['X-API-Key'][:10]}", headers=session)
    assert answer.json() == {"status": "revoked", "name": "app", "prefix": key["X-API-Key"][:16]}
    refused = await api.client.post("/ingest/logs", headers=key, json=LOGS)
    assert (refused.status_code, refused.json()["code"]) == (401, "revoked_key")
    (listed,) = (await api.client.get("/api-keys", headers=session)).json()
    assert listed["is_active"] is False


async def test_a_deleted_key_is_gone(api: Api, session: dict[str, str], key: dict[str, str]) -> None:
    answer = await api.client.delete(f"/api-keys/{key['X-API-Key'][:10]}/delete", headers=session)
    assert answer.json()["status"] == "deleted"
    assert (await api.client.get("/api-keys", headers=session)).json() == []
    refused = await api.client.post("/ingest/logs", headers=key, json=LOGS)
    assert (refused.status_code, refused.json()["code"]) == (401, "invalid_key")


async def test_an_ambiguous_prefix_is_refused_and_lists_the_keys(api: Api, session: dict[str, str]) -> None:
    for n in range(2):
        made = await api.key(session)
        api.sql("UPDATE api_keys SET id = ? WHERE id = ?", f"abcdef00000{n}", made["X-API-Key"][4:16])
    answer = await api.client.delete("/api-keys/sra_abcdef", headers=session)
    assert (answer.status_code, answer.json()["code"]) == (409, "ambiguous_prefix")
    assert "sra_abcdef000000" in answer.json()["detail"]
    assert api.sql("SELECT count(*) FROM api_keys WHERE revoked_at IS NULL") == [(2,)]
    assert (await api.client.delete("/api-keys/sra_abcdef000001", headers=session)).status_code == 200


async def test_keys_of_others_are_not_found(api: Api, key: dict[str, str]) -> None:
    stranger = await api.register("stranger@example.com")
    assert (await api.client.get("/api-keys", headers=stranger)).json() == []
    for path in (f"/api-keys/{key['X-API-Key']}", f"/api-keys/{key['X-API-Key'][:10]}/delete"):
        answer = await api.client.delete(path, headers=stranger)
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    assert (await api.client.post("/ingest/logs", headers=key, json=LOGS)).status_code == 200


async def test_a_key_can_do_what_its_scopes_say(api: Api, session: dict[str, str]) -> None:
    ingest = await api.key(session, scopes=["ingest"])
    assert (await api.client.post("/ingest/logs", headers=ingest, json=LOGS)).status_code == 200
    refused = await api.client.get("/logs", headers=ingest)
    assert (refused.status_code, refused.json()["code"]) == (403, "scope_missing")
    read = await api.key(session, scopes=["read"])
    assert (await api.client.get("/logs", headers=read)).status_code == 200
    assert (await api.client.post("/ingest/logs", headers=read, json=LOGS)).status_code == 403


async def test_a_key_cannot_make_keys(api: Api, key: dict[str, str]) -> None:
    assert (await api.client.post("/api-keys", headers=key, json={"name": "x"})).status_code == 401


@pytest.mark.parametrize("wrong", [
    "nonsense", "sra_a1b2c3d4e5f6...", "sra_000000000000_" + "x" * 43, ADMIN_KEY + "x", "ü",
])
async def test_a_wrong_key(api: Api, wrong: str) -> None:
    answer = await api.client.get("/logs", headers={"X-API-Key": wrong.encode()})
    assert (answer.status_code, answer.json()["code"]) == (401, "invalid_key")


async def test_a_key_with_another_secret_is_wrong(api: Api, key: dict[str, str]) -> None:
    text = key["X-API-Key"]
    forged = text[:-1] + ("A" if text[-1] != "A" else "B")
    answer = await api.client.get("/logs", headers={"X-API-Key": forged})
    assert answer.json()["code"] == "invalid_key"


async def test_the_admin_key_speaks_for_an_account_of_its_own(api: Api, key: dict[str, str]) -> None:
    admin = {"X-API-Key": ADMIN_KEY}
    await api.client.post("/ingest/logs", headers=key, json=LOGS)
    assert (await api.client.get("/logs", headers=admin)).json()["logs"] == []
    await api.client.post("/ingest/logs", headers=admin, json=LOGS)
    assert len((await api.client.get("/logs", headers=admin)).json()["logs"]) == 1
