# ruff: noqa: E501 - lines of logs are as long as they are
"""Objects: a second thing that the same sign of the same service complains of is told in the open one."""
from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise

import pytest

from sra_server.domain.incident import Change
from sra_server.domain.lesson import Lesson

from .world import World, at, batch, record

#: So much later than the first the second fails, and as long both do.
SECOND, END = 600, 700
A_KIND = Callable[[str, int], str]


def refused(where: str, second: int) -> str:
    return ('2024/03/05 10:00:00 [error] 7#7: *9 connect() failed (111: Connection refused) while connecting '
            f'to upstream, client: 192.168.7.{second % 200}, server: shop, request: "GET /{second}", '
            f'upstream: "http://{where}/", host: "shop"')


def said(text: str) -> A_KIND:
    return lambda name, second: text.replace("NAME", name).replace("PID", str(20_000 + second))


KINDS: dict[str, tuple[str, int, tuple[str, str], A_KIND]] = {
    "upstream": ("nginx", 1, ("10.0.1.5:8081", "10.0.1.6:8081"), refused),
    "killed": ("kernel", 40, ("java", "postgres"), said(
        "Out of memory: Killed process PID (NAME) total-vm:9kB")),
    "killed in a unit": ("kernel", 40, ("shop", "mail"), said(
        "oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),cpuset=/,mems_allowed=0,oom_memcg=/system.slice,"
        "task_memcg=/system.slice/NAME.service,task=node,pid=PID,uid=0")),
    "certificate": ("gateway", 5, ("pay.example.com:443", "mail.example.com:443"), said(
        'tls: x509: certificate has expired or is not yet valid: Get "https://NAME/x"')),
    "database": ("shop", 2, ("db-orders:5432", "db-users:5432"), lambda name, second: (
        f'psycopg2.OperationalError: connection to server at "{name[:-5]}", port 5432 failed: '
        'Connection refused')),
    "file system": ("shop", 2, ("/data", "/mnt/export"), said(
        "OSError: [Errno 28] No space left on device: 'NAME/PID.bin'")),
    "unit": ("systemd", 30, ("billing", "mailer"), said("NAME.service: Failed with result 'signal'.")),
    "pod": ("kubelet", 20, ("billing", "mailer"), said(
        'Error syncing pod err="CrashLoopBackOff: back-off 5m0s restarting failed container=app '
        'pod=NAME-7d9c8b6f5d-x2xfk"')),
    "name": ("shop", 2, ("a.example", "b.example"), said("Error: getaddrinfo ENOTFOUND NAME")),
    "broker": ("shop", 3, ("kafka-a:9092", "kafka-b:9092"), said(
        "NoBrokersAvailable: NoBrokersAvailable NAME")),
    "disk": ("kernel", 10, ("sda", "sdb"), said(
        "blk_update_request: I/O error, dev NAME, sector PID op 0x0")),
    "share": ("kernel", 20, ("nas1", "nas2"), said("nfs: server NAME not responding, still trying")),
}


def run(world: World, service: str, every: int, text: A_KIND, failing: dict[str, range]) -> World:
    """Fold failures, every so many seconds for each name as long as it fails, beside other work."""
    for second in range(max(each.stop for each in failing.values())):
        wrong = [record(text(name, second), second, service=service) for name, when in failing.items()
                 if second in when and (second - when.start) % every == 0]
        well = [record("served", second, service=service, level=20)] * (second % 2)
        world.fold(batch(second, *wrong, *well))
    return world


def told(world: World) -> list[tuple[int, str]]:
    """Return when people were told of what else there is, and of what."""
    return [((each.at - at(0)) // 1_000_000, each.news[each.news.index("also "):])
            for each in world.changes if each.worse and "also " in each.news]


@pytest.mark.parametrize("kind", KINDS)
def test_a_second_object_is_told_within_seconds_and_once(kind: str) -> None:
    service, every, (first, second), text = KINDS[kind]
    world = run(World(), service, every, text, {first: range(200, END), second: range(SECOND, END)})
    world.only()
    [(when, also)] = told(world)
    assert also == f"also {second}"
    assert SECOND <= when <= SECOND + max(10, 2 * every)


@pytest.mark.parametrize("kind", KINDS)
def test_what_goes_on_at_one_object_is_told_once(kind: str) -> None:
    service, every, (first, _), text = KINDS[kind]
    world = run(World(), service, every, text, {first: range(200, END)})
    world.only()
    assert not told(world)


def test_a_pool_that_is_gone_as_a_whole_is_told_once() -> None:
    pool = {f"10.0.1.{n}:8081": range(200 + 3 * n, END) for n in range(5)}
    assert not told(run(World(), "nginx", 1, refused, pool))


def test_the_more_are_known_the_longer_the_next_one_waits() -> None:
    pool = {f"10.0.1.{n}:8081": range(200 + 130 * n, 1500) for n in range(9)}
    world = run(World(), "nginx", 1, refused, pool)
    world.only()
    found = told(world)
    assert found[0][1] == "also 10.0.1.1:8081"
    assert 2 <= len(found) <= 4
    assert all(later - sooner > 200 for (sooner, _), (later, _) in pairwise(found))


def test_ten_thousand_objects_are_one_incident_few_messages_and_a_bounded_state() -> None:
    world = World()
    run(world, "nginx", 1, refused, {"10.0.1.5:8081": range(200, 260)})
    for second in range(260, 1260):
        names = [f"10.{second // 200}.{second % 200}.{n}:8081" for n in range(10)]
        world.fold(batch(second, *(record(refused(name, second), second, service="nginx")
                                   for name in names for _ in range(3))))
    world.only()
    assert len(told(world)) <= 4
    assert sum(len(names) for case in world.state.cases.values() for names in case.objects.values()) <= 8


def test_callers_their_ports_and_what_fails_for_a_moment_are_no_objects() -> None:
    world = run(World(), "nginx", 1, refused, {
        "10.0.1.5:8081": range(200, END), "10.0.1.6:8081": range(SECOND, SECOND + 5),
        **{f"10.0.1.5:{40_000 + n}": range(300 + n, 400 + n) for n in range(3)}})
    assert "10.0.1.6" not in str(told(world))
    assert len(told(world)) <= 1


def test_what_is_over_for_the_first_and_not_for_the_second_is_not_over() -> None:
    world = run(World(), "nginx", 1, refused, {"10.0.1.5:8081": range(200, 640),
                                               "10.0.1.6:8081": range(SECOND, 1100)})
    assert world.only().status == "open"
    for second in range(1100, 1400):
        world.fold(batch(second, alive=["nginx"]))
    assert world.only().status == "resolved"


def test_who_returns_after_its_end_is_told_by_the_reopening() -> None:
    world = run(World(), "kernel", 20, KINDS["killed"][3], {
        "java": range(200, 300), "postgres": range(600, 640)})
    changes: list[Change] = [each for each in world.changes if each.kind in ("opened", "reopened")]
    assert [each.kind for each in changes] == ["opened", "reopened"]
    assert not told(world)


def test_what_a_lesson_is_about_tells_of_no_further_object() -> None:
    service, every, (first, second), text = KINDS["killed"]
    lesson = Lesson(id="les_1", fingerprint="signature|kernel_oom|kernel|web-1", title="t",
                    cls="memory_exhaustion", severity="low", count=1, alarms=1, incident_id="i0", why=None,
                    taught_by="u1", taught_at=at(0))
    world = World(replace(World().settings, lessons={lesson.fingerprint: lesson}))
    run(world, service, every, text, {first: range(200, END), second: range(SECOND, END)})
    assert world.only().severity == "critical"
    assert not told(world)


#: Names of containers as the kernel writes them: Docker's own, by systemd, Podman's, and a pod of Kubernetes.
PATHS = {
    "docker": "/docker/{0}{0}{0}{0}",
    "docker by systemd": "/system.slice/docker-{0}{0}{0}{0}.scope",
    "podman": "/machine.slice/libpod-{0}{0}{0}{0}.scope/container",
    "pod": "/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod{1}_aaaa_bbbb_cccc_0123456789ab.slice/"
           "cri-containerd-{2}{0}{0}{0}.scope",
    "older pod": "/kubepods/burstable/pod{1}-aaaa-bbbb-cccc-0123456789ab/{2}{0}{0}{0}",
}
PATHS |= {"LXC of Proxmox": "/lxc/{1}/ns/system.slice/shop.service", "LXC": "/lxc.payload.{1}/system.slice/shop.service"}
ONE, OTHER = "4f66ad9a12345678", "8b99999999990c3d"


def limit(path: str, container: str, second: int) -> list[str]:
    where = path.format(container, container[:8], f"{second:016x}")
    return [f"oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),cpuset=x,mems_allowed=0,oom_memcg={where},"
            f"task_memcg={where},task=java,pid={20_000 + second},uid=0",
            f"Memory cgroup out of memory: Killed process {20_000 + second} (java) total-vm:9kB, anon-rss:8kB"]


def test_a_container_that_has_a_name_is_told_by_it() -> None:
    world = limits(PATHS["LXC of Proxmox"].replace("{1}", "{0}"), {"101": range(200, END), "web-2": range(SECOND, END)})
    assert [also for _, also in told(world)] == ["also java in web-2"]


def limits(path: str, killed: dict[str, range]) -> World:
    world = World()
    for second in range(max(each.stop for each in killed.values())):
        lines = [line for container, when in killed.items() if second in when and (second - when.start) % 40 == 0
                 for line in limit(path, container, second)]
        world.fold(batch(second, *(record(line, second, service="kernel") for line in lines),
                         *[record("x", second, service="kernel", level=20)] * (second % 2)))
    return world


@pytest.mark.parametrize("path", PATHS.values(), ids=PATHS)
def test_the_same_program_that_is_killed_in_a_second_container_is_told(path: str) -> None:
    world = limits(path, {ONE: range(200, END), OTHER: range(SECOND, END)})
    world.only()
    [(when, also)] = told(world)
    assert also.startswith("also java in 8b999999")
    assert when <= SECOND + 10


@pytest.mark.parametrize("path", PATHS.values(), ids=PATHS)
def test_one_container_in_which_it_is_killed_again_and_again_is_told_once(path: str) -> None:
    world = limits(path, {ONE: range(200, END)})
    world.only()
    assert not told(world)


def test_containers_by_the_hundred_are_few_messages() -> None:
    world = limits(PATHS["docker"], {f"{n:08x}{n:08x}": range(200 + 5 * n, 201 + 5 * n) for n in range(200)})
    world.only()
    assert len(told(world)) <= 4


JOBS = {
    "APScheduler": 'Job "{} (trigger: interval[0:01:00], next run at: 2024-03-05 10:01:00 UTC)" raised an exception',
    "Quartz": "Job DEFAULT.{} threw an unhandled Exception:",
    "Airflow": "Marking run <DagRun {} @ 2024-03-05 09:00:00+00:00: scheduled__2024-03-05T09:00:00, state:running, "
               "queued_at: 2024-03-05 10:00:00+00:00. externally triggered: False> failed",
}


@pytest.mark.parametrize("kind", JOBS)
def test_a_second_job_that_fails_each_time_is_a_line_of_the_open_incident(kind: str) -> None:
    def fails(jobs: dict[str, range]) -> list[str]:
        world = run(World(), "jobs", 60, lambda name, _: JOBS[kind].format(name), jobs)
        world.only()
        return [each.note.partition("also ")[2] for each in world.changes if "also " in each.note]

    [also] = fails({"report": range(100, 1400), "mail": range(700, 1400)})
    assert also.endswith("mail")
    assert fails({"report": range(100, 1400)}) == []
    # a job that fails once is everyday life, whatever else fails
    assert fails({"report": range(100, 1400), "mail": range(700, 750)}) == []
