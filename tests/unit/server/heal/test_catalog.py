"""The catalogue and the choice of a host: unknown, none, several, one."""
from __future__ import annotations

import pytest

from sra_sdk.errors import IllegalMove, NotFound
from sra_server.domain.analysis import Offer
from sra_server.heal import catalog, inventory


def offer(host: str, service: str, action: str = "restart_service") -> Offer:
    return Offer(host=host, service=service, action=action, platform="command", mode="live")


@pytest.mark.parametrize(
    ("given", "action"),
    [
        ("restart", "restart_service"),
        ("restart_service", "restart_service"),
        ("Restart-Service", "restart_service"),
        ("scale", "scale_replicas"),
        ("flush", "flush_cache"),
        ("clear-queue", "clear_queue"),
        ("reroute", "reroute_traffic"),
        ("rollback", "rollback_deployment"),
        ("clear_disk", "clear_disk"),
    ],
)
def test_names_and_short_names(given: str, action: str) -> None:
    assert catalog.named(given) == action


def test_an_unknown_action_names_all_seven() -> None:
    with pytest.raises(NotFound) as raised:
        catalog.named("rm -rf")
    assert raised.value.code == "unknown_action"
    assert all(action in (raised.value.hint or "") for action in catalog.ACTIONS)


def test_the_list_tells_where_and_what_is_missing() -> None:
    found = {action.name: action for action in catalog.listed([offer("web-1", "checkout")])}
    assert len(found) == 7
    assert [(t.host, t.service) for t in found["restart_service"].targets] == [("web-1", "checkout")]
    assert found["restart_service"].configured
    assert found["restart_service"].message is None
    assert not found["flush_cache"].configured
    assert 'action = "flush_cache"' in (found["flush_cache"].message or "")


OFFERS = (offer("web-1", "checkout"), offer("web-2", "checkout"), offer("web-1", "cart"),
          offer("web-1", "cart", "flush_cache"))


@pytest.mark.parametrize(("action", "service", "host", "chosen"), [
    ("restart_service", "cart", None, ("web-1", "cart")),
    ("restart_service", "checkout", "web-2", ("web-2", "checkout")),
    ("flush_cache", None, None, ("web-1", "cart")),
])
def test_the_only_one_is_chosen(action: str, service: str | None, host: str | None, chosen: tuple) -> None:
    found = inventory.choose(OFFERS, action, service, host)
    assert (found.host, found.service) == chosen


def test_several_are_listed_and_none_tells_what_to_add() -> None:
    with pytest.raises(IllegalMove, match="checkout on web-1, checkout on web-2") as several:
        inventory.choose(OFFERS, "restart_service", "checkout", None)
    assert several.value.code == "ambiguous_target"
    with pytest.raises(IllegalMove, match="host web-9 does not offer restart_service of cart") as none:
        inventory.choose(OFFERS, "restart_service", "cart", "web-9")
    assert none.value.code == "no_target"
    assert none.value.http_status == 409
    assert "policy.toml" in (none.value.hint or "")
    assert 'action = "restart_service", service = "cart"' in (none.value.hint or "")
