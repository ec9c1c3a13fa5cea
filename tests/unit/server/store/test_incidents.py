"""Incidents at rest: changes applied once and whole, races lost visibly, pages, people's moves."""
from __future__ import annotations

from dataclasses import replace

import pytest

from sra_sdk.errors import BadInput, IllegalMove, NotFound
from sra_server.store import Store, casefile, incidents, timeline
from tests.unit.server import making
from tests.unit.server.making import NOW


async def opened(store: Store, account: str, **given) -> None:
    async with store.writing() as conn:
        await incidents.apply(conn, account, [making.change(incident=making.incident(**given))], ())


async def test_a_change_comes_back_as_it_was(store: Store, account: str) -> None:
    change = making.change(signals=(making.signal(making.evidence(1), making.evidence(2)),),
                           analysis=making.analysis(making.recommendation()))
    async with store.writing() as conn:
        await incidents.apply(conn, account, [change], ())
    async with store.reading() as conn:
        assert await incidents.get(conn, account, "inc_1") == change.incident
        assert await incidents.active(conn, account) == (change.incident,)
        assert [e.id for e in await casefile.evidence_of(conn, account, "inc_1")] == ["r1-1-1", "r1-1-2"]
        written = await casefile.latest_analysis(conn, account, "inc_1")
        assert written is not None
        assert written.analysis == change.analysis
        assert [event.kind for event in await timeline.of(conn, account, "inc_1")] == ["opened", "analysed"]


async def test_another_account_sees_nothing_and_is_told_the_same_as_of_none(
    store: Store, account: str
) -> None:
    await opened(store, account)
    async with store.reading() as conn:
        with pytest.raises(NotFound) as strange:
            await incidents.get(conn, "account-2", "inc_1")
        with pytest.raises(NotFound) as missing:
            await incidents.get(conn, account, "inc_2")
        assert await incidents.active(conn, "account-2") == ()
    assert strange.value.message.replace("inc_1", "inc_2") == missing.value.message
    assert (strange.value.code, strange.value.hint) == (missing.value.code, missing.value.hint)


async def test_evidence_is_bounded_and_what_is_cited_is_kept(store: Store, account: str) -> None:
    many = [making.evidence(n) for n in range(1, 101)]
    first = making.change(signals=(making.signal(*many),))
    later = making.change("attached", signals=(making.signal(*many[:3], making.evidence(500)),),
                          analysis=making.analysis(cites=("r1-1-500",)))
    async with store.writing() as conn:
        await incidents.apply(conn, account, [first, later], ())
    async with store.reading() as conn:
        kept = [e.id for e in await casefile.evidence_of(conn, account, "inc_1")]
    assert len(kept) == casefile.KEPT + 1
    assert kept[-1] == "r1-1-500"


async def test_a_trouble_that_goes_on_does_not_fill_the_timeline(store: Store, account: str) -> None:
    await opened(store, account)
    for n in range(20):
        async with store.writing() as conn:
            before = await incidents.get(conn, account, "inc_1")
            now = replace(before, signals=n + 2, updated_at=NOW + n + 1)
            again = making.change("attached", incident=now, signals=(making.signal(),))
            await incidents.apply(conn, account, [again], (before,))
    worse = replace(now, severity="critical")
    async with store.writing() as conn:
        await incidents.apply(conn, account, [making.change("attached", incident=worse)], (now,))
    async with store.reading() as conn:
        assert [event.kind for event in await timeline.of(conn, account, "inc_1")] == ["opened", "attached"]
        assert (await incidents.get(conn, account, "inc_1")).signals == 21


async def test_a_fold_that_a_person_outran_writes_nothing(store: Store, account: str) -> None:
    await opened(store, account)
    async with store.reading() as conn:
        read = await incidents.active(conn, account)
    async with store.writing() as conn:
        await incidents.move(
            conn,
            account,
            "inc_1",
            "acknowledged",
            at=NOW + 5,
            actor="ann",
            kind="acknowledged",
            text="acknowledged by ann",
        )
    stale = making.change("attached", incident=replace(read[0], severity="critical"))
    fresh = making.change(incident=making.incident(id="inc_2"))
    with pytest.raises(incidents.Stale):
        async with store.writing() as conn:
            await incidents.apply(conn, account, [fresh, stale], read)
    async with store.reading() as conn:
        kept = await incidents.get(conn, account, "inc_1")
        assert (kept.status, kept.severity) == ("acknowledged", "high")
        with pytest.raises(NotFound):
            await incidents.get(conn, account, "inc_2")


async def test_moves_follow_the_table_and_are_told(store: Store, account: str) -> None:
    await opened(store, account)
    async with store.writing() as conn:
        await incidents.assign(conn, account, "inc_1", "ann", at=NOW + 1, actor="bob")
        await incidents.note(conn, account, "inc_1", "looking", at=NOW + 2, actor="ann")
        done = await incidents.move(conn, account, "inc_1", "resolved", at=NOW + 3, actor="ann",
                                    kind="resolved", text="disk replaced", resolution="disk replaced")
        closed = await incidents.move(conn, account, "inc_1", "closed", at=NOW + 4, actor="ann",
                                      kind="closed", text="closed by ann")
    assert (done.resolved_at, done.resolution, done.assignee) == (NOW + 3, "disk replaced", "ann")
    assert (closed.status, closed.closed_at) == ("closed", NOW + 4)
    with pytest.raises(IllegalMove, match="inc_1 is closed and cannot become open"):
        async with store.writing() as conn:
            await incidents.move(conn, account, "inc_1", "open", at=NOW, actor="ann", kind="x", text="x")
    async with store.reading() as conn:
        told = await timeline.of(conn, account, "inc_1")
        assert [(event.kind, event.actor) for event in told] == [
            ("opened", "sra"), ("assigned", "bob"), ("note", "ann"), ("resolved", "ann"), ("closed", "ann")]
        assert await incidents.active(conn, account, resolved_since=0) == ()


async def test_recently_resolved_ones_are_given_to_the_fold(store: Store, account: str) -> None:
    await opened(store, account, status="resolved", resolved_at=NOW)
    async with store.reading() as conn:
        assert [i.id for i in await incidents.active(conn, account, resolved_since=NOW)] == ["inc_1"]
        assert await incidents.active(conn, account, resolved_since=NOW + 1) == ()


async def test_pages_are_complete_without_repetition(store: Store, account: str) -> None:
    for n in range(7):
        await opened(
            store,
            account,
            id=f"inc_{n}",
            created_at=NOW + n // 2,
            severity="low" if n % 2 else "high",
            service="a" if n < 4 else "b",
        )
    seen: list[str] = []
    cursor = None
    async with store.reading() as conn:
        while True:
            found, cursor = await incidents.page(conn, account, incidents.Filter(), limit=2, cursor=cursor)
            seen += [incident.id for incident in found]
            if cursor is None:
                break
        assert seen == ["inc_6", "inc_5", "inc_4", "inc_3", "inc_2", "inc_1", "inc_0"]
        wanted = incidents.Filter(severity=frozenset({"low"}), service="a", status=frozenset({"open"}))
        found, cursor = await incidents.page(conn, account, wanted, limit=10)
        assert ([incident.id for incident in found], cursor) == (["inc_3", "inc_1"], None)
        with pytest.raises(BadInput, match="cursor"):
            await incidents.page(conn, account, incidents.Filter(), limit=2, cursor="nonsense")


async def test_an_incident_is_found_by_each_of_its_services(store: Store, account: str) -> None:
    await opened(store, account, service="web", services=("web", "press", "b_r", 'a"b', "größe"))
    async with store.reading() as conn:
        for name, n in (("web", 1), ("press", 1), ('a"b', 1), ("größe", 1), ("b_r", 1), ("pres", 0),
                        ("bar", 0), ("%", 0)):
            found, _ = await incidents.page(conn, account, incidents.Filter(service=name), limit=5)
            assert len(found) == n, name


async def test_a_full_timeline_says_so(store: Store, account: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timeline, "LIMIT", 3)
    await opened(store, account)
    async with store.writing() as conn:
        for n in range(5):
            await timeline.add(conn, account, "inc_1", at=NOW, kind="note", actor="ann", text=str(n))
    async with store.reading() as conn:
        assert [event.kind for event in await timeline.of(conn, account, "inc_1")] == [
            "opened",
            "note",
            "full",
        ]
