"""/lessons: what false alarms have taught, and forgetting it. From people; to store.lessons."""
from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from itertools import groupby
from operator import itemgetter

from sqlalchemy.ext.asyncio import AsyncConnection

from sra_sdk.errors import NotFound
from sra_sdk.models import LessonOut

from ..detect.catalogue import Catalogue, load_with
from ..domain.lesson import Lesson
from ..present import lesson_out
from ..store import incidents, lessons
from .route import Call, Route


async def listing(call: Call) -> list[LessonOut]:
    """List the lessons that have not faded, the newest first."""
    async with call.store.reading() as conn:
        found = await lessons.listed(conn, call.principal.account_id, call.now())
    return [lesson_out(lesson, call.now(), _catalogue(call)) for lesson in found]


async def forget(call: Call) -> LessonOut:
    """Forget a lesson; its trouble opens an incident as it did before."""
    async with call.store.writing(urgent=True) as conn:
        gone = await lessons.forget(conn, call.principal.account_id, call.path["lesson_id"])
        await _told(conn, call, [gone])
    return lesson_out(gone, call.now(), _catalogue(call))


async def forget_of(call: Call) -> list[LessonOut]:
    """Forget all that closing one incident taught, or nothing."""
    async with call.store.writing(urgent=True) as conn:
        gone = await lessons.forget_of(conn, call.principal.account_id, call.path["incident_id"])
        await _told(conn, call, gone)
    return [lesson_out(lesson, call.now(), _catalogue(call)) for lesson in gone]


async def _told(conn: AsyncConnection, call: Call, gone: Sequence[Lesson]) -> None:
    """Say in the timelines of the incidents that taught them that lessons are forgotten, and by whom."""
    who = call.principal.name
    for incident_id, ids in groupby(sorted((each.incident_id, each.id) for each in gone), itemgetter(0)):
        text = f"{who} forgot what it taught: {', '.join(lesson for _, lesson in ids)}"
        with suppress(NotFound):  # a lesson outlives its incident
            await incidents.note(conn, call.principal.account_id, incident_id, text, at=call.now(), actor=who,
                                 kind="forgotten")


def _catalogue(call: Call) -> Catalogue:
    return load_with(call.context.config.signatures).catalogue


ROUTES: tuple[Route, ...] = (
    Route(method="GET", path="/lessons", handler=listing, tag="Lessons", scope="read",
          summary="List what false alarms have taught", answer=list[LessonOut]),
    Route(method="DELETE", path="/lessons/{lesson_id}", handler=forget, tag="Lessons", scope="operate",
          summary="Forget a lesson", answer=LessonOut, errors=(404,)),
    Route(method="DELETE", path="/incidents/{incident_id}/lessons", handler=forget_of, tag="Lessons",
          scope="operate", summary="Forget what closing an incident taught", answer=list[LessonOut],
          errors=(404,)),
)
