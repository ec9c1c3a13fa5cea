"""Which host does it: choose the one offer that an action on a service can mean. From api; pure."""
from __future__ import annotations

from collections.abc import Sequence

from sra_sdk.errors import IllegalMove

from ..domain.analysis import Offer


def choose(offers: Sequence[Offer], action: str, service: str | None, host: str | None) -> Offer:
    """Return the only offer that fits, or raise with what to add or what to say (409)."""
    fitting = [offer for offer in offers if offer.action == action
               and service in (None, offer.service) and host in (None, offer.host)]
    if len(fitting) == 1:
        return fitting[0]
    if fitting:
        named = ", ".join(sorted(f"{offer.service} on {offer.host}" for offer in fitting)[:20])
        raise IllegalMove(f"{action} can be done in {len(fitting)} places: {named}", code="ambiguous_target",
                          hint="say which in \"service\" and \"host\"")
    what = f"{action} of {service}" if service else action
    nobody = f"host {host} does not offer" if host else "no host offers"
    raise IllegalMove(f"{nobody} {what}", code="no_target",
                      hint="add to the policy of the host that runs it (/etc/sra/policy.toml): "
                           f"[[allow]] action = \"{action}\", service = \"{service or 'NAME'}\", "
                           "platform = \"systemd\" (or \"docker\", \"command\") and its target; "
                           "then `sra agent policy check`")


def offered(offers: Sequence[Offer], action: str, service: str, host: str) -> bool:
    """Say whether the host still offers exactly this."""
    return any((o.action, o.service, o.host) == (action, service, host) for o in offers)
