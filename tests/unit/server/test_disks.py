# ruff: noqa: E501 - lines of logs are as long as they are
"""One dying disk is one trouble, whoever tells of it; of two disks people are told of two."""
from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from itertools import permutations

import pytest

from sra_server.detect.trial import arrived
from sra_server.domain.disk import disk_of
from sra_server.domain.record import Record

from .world import World, at, batch

KERNEL = "<3>Mar  5 10:00:00 db-1 kernel: [ 9912.123456] "
Lines = list[tuple[float, str]]


def block(disk: str) -> str:
    return f"{KERNEL}blk_update_request: I/O error, dev {disk}, sector 1953525160 op 0x0:(READ) flags 0x0 phys_seg 1 prio class 0"


def raid(part: str, array: str = "md0") -> str:
    return f"{KERNEL}md/raid1:{array}: Disk failure on {part}, disabling device."


def mdadm(part: str, array: str = "md0") -> str:
    return f"Mar  5 10:00:00 db-1 mdadm[812]: Fail event detected on md device /dev/{array}, component device /dev/{part}"


def smartd(disk: str) -> str:
    return f"<2>Mar  5 10:00:00 db-1 smartd[812]: Device: /dev/{disk} [SAT], 3 Currently unreadable (pending) sectors"


def smart_failed(disk: str) -> str:
    return f"<2>Mar  5 10:00:00 db-1 smartd[812]: Device: /dev/{disk} [SAT], FAILED SMART self-check. BACK UP DATA NOW!"


def ext4(part: str) -> str:
    return f"<2>Mar  5 10:00:00 db-1 kernel: [ 8812.123456] EXT4-fs error (device {part}): ext4_find_entry:1455: inode #2: comm bash: reading directory lblock 0"


def xfs(part: str) -> str:
    return f"<1>Mar  5 10:00:00 db-1 kernel: [ 8812.123456] XFS ({part}): log I/O error -5"


def btrfs(part: str) -> str:
    return f"{KERNEL}BTRFS error (device {part}): bdev /dev/{part} errs: wr 0, rd 812, flush 0, corrupt 0, gen 0"


FROZEN = f"{KERNEL}ata3.00: failed command: READ FPDMA QUEUED"
DEGRADED = "Mar  5 10:00:00 db-1 mdadm[812]: DegradedArray event detected on md device /dev/md0"
READ = '2024-03-05 10:00:00.123 UTC [4711] ERROR:  could not read block 17 in file "base/16384/16385": Input/output error'


def run(lines: Lines, *, until: float = 0, host: str = "db-1") -> World:
    """Fold lines at their seconds; each program writes something else each ten seconds."""
    seconds: dict[int, list[Record]] = defaultdict(list)
    for nth, (second, line) in enumerate(lines):
        for each in arrived([line], source=f"{nth}"):
            seconds[int(second)].append(replace(each, at=at(second), id=f"{nth}-{second}", service=each.service or "postgres",
                                                host=each.host or host))
    world = World()
    for second in range(-60, int(max(until, *(each for each, _ in lines)) + 5)):
        written = seconds.get(second, [])
        alive = ["kernel", "mdadm", "smartd", "postgres"] if second % 10 == 0 else []
        if written or alive:
            world.fold(batch(second, *written, alive=alive))
    return world


def also(world: World) -> list[str]:
    return [each.news[each.news.index("also "):] for each in world.changes if each.worse and "also " in each.news]


ONE = (block("sdb"), mdadm("sdb1"), smartd("sdb"))


@pytest.mark.parametrize("told", list(permutations(ONE)))
@pytest.mark.parametrize("apart", [1, 50])
def test_one_dying_disk_is_one_incident_whoever_tells_of_it_first(told: tuple[str, ...], apart: int) -> None:
    world = run([(n * apart, line) for n, line in enumerate(told)])
    world.only()
    reasons = " ".join(each.reason for each in world.changes)
    assert reasons.count("same disk sdb, of which ") == 2
    assert also(world) == []


def test_who_tells_of_a_disk_does_not_suffer_from_it() -> None:
    cause = run([(0, block("sdb")), (1, mdadm("sdb1")), (2, smartd("sdb")), (3, READ)]).only().root_cause
    assert cause is not None
    assert "mdadm, smartd tell of it as well; postgresql suffers from it." in cause


@pytest.mark.parametrize("told", list(permutations(ONE)))
def test_two_disks_that_two_programs_tell_of_are_two_incidents(told: tuple[str, ...]) -> None:
    world = run([(n, line.replace("sdb", "sdc") if "smartd" in line else line) for n, line in enumerate(told)])
    assert len(world.incidents) == 2
    assert "same disk sdc" not in " ".join(each.reason for each in world.changes)


@pytest.mark.parametrize(("disk", "part"), [("sdb", "sdb1"), ("nvme0n1", "nvme0n1p2"), ("vda", "vda1"), ("mmcblk0", "mmcblk0p2")])
@pytest.mark.parametrize("damage", [ext4, xfs, lambda part: "\n".join([btrfs(part)] * 3)])
@pytest.mark.parametrize("turned", [False, True])
def test_the_file_system_of_a_disk_follows_it_in_either_order(disk: str, part: str, damage: object, turned: bool) -> None:
    broken = damage(part).split("\n")  # type: ignore[operator]
    first, second = ([smartd(disk)], broken)[::-1 if turned else 1]
    world = run([*((0.0, line) for line in first), *((40.0, line) for line in second)])
    world.only()
    assert f"same disk {disk_of(disk)}, of which kernel and smartd tell" in world.changes[-1].reason


@pytest.mark.parametrize("damage", [ext4, xfs])
def test_the_file_system_of_another_disk_does_not(damage: object) -> None:
    world = run([(0, smartd("sdb")), (40, damage("sdc1"))])  # type: ignore[operator]
    assert len(world.incidents) == 2


@pytest.mark.parametrize("damage", [block, raid, ext4, xfs])
def test_another_disk_of_which_the_kernel_tells_is_told(damage: object) -> None:
    world = run([(0, block("sdb")), (60, block("sdb")), (100, block("sdb")), *(
        (second, damage("sdc1")) for second in (150, 200))])  # type: ignore[operator]
    world.only()
    assert len(also(world)) == 1
    assert also(world)[0].startswith("also sdc")


def test_another_disk_is_told_once_whoever_tells_of_it_and_waits_where_people_were_told_just_now() -> None:
    world = run([(0, block("sdb")), (1, mdadm("sdb1")), (60, block("sdb")), (100, ext4("sdc1")), (150, ext4("sdc1")),
                 *((second, line) for second in range(160, 1000, 50) for line in (block("sdc"), mdadm("sdc1")))])
    world.only()
    assert also(world) == ["also sdc1"]


def test_each_disk_of_an_array_is_told_and_the_array_joins_what_names_it() -> None:
    world = run([(0, raid("sdb1")), (1, DEGRADED), (100, raid("sdb1")), (150, mdadm("sdc1")), (170, mdadm("sdc1"))])
    world.only()
    assert "same array md0, of which kernel and mdadm tell" in world.changes[1].reason
    assert also(world) == ["also sdc"]


def test_two_arrays_are_two_troubles() -> None:
    assert len(run([(0, raid("sdb1")), (1, DEGRADED.replace("md0", "md1"))]).incidents) == 2


def test_the_same_name_on_another_host_is_another_disk() -> None:
    assert len(run([(0, block("sdb")), (1, smartd("sdb").replace("db-1", "db-2"))]).incidents) == 2


def test_who_cannot_read_while_a_disk_of_his_host_fails_joins_it_and_who_cannot_long_after_does_not() -> None:
    world = run([(0, block("sdb")), (2, READ)])
    assert world.only().service == "kernel"
    assert "postgresql cannot read or write, while sdb of the same host fails" in world.changes[-1].reason
    run([(0, READ), (2, block("sdb"))]).only()
    assert len(run([(0, block("sdb")), (80, READ)]).incidents) == 2
    assert len(run([(0, block("sdb")), (2, READ)], host="db-2").incidents) == 2


def test_two_incidents_of_which_it_shows_later_that_they_are_of_one_disk_become_one() -> None:
    world = run([(0, block("sdb")), (1, smartd("sdc")), (100, block("sdc")), (101, block("sdb"))])
    assert [each.status for each in world.incidents.values()] == ["open", "resolved"]
    assert "part of incident i1: same disk sdc" in (world.incidents["i2"].resolution or "")


def test_who_tells_of_the_same_disk_after_its_end_brings_it_back() -> None:
    world = run([(0, block("sdb")), (1, FROZEN), (300, smart_failed("sdb"))])
    assert [each.kind for each in world.changes if each.kind != "attached"] == ["opened", "resolved", "reopened"]
    assert len(run([(0, block("sdb")), (300, smart_failed("sdc"))]).incidents) == 2


@pytest.mark.parametrize(("name", "disk"), [
    ("sdb1", "sdb"), ("sdaa12", "sdaa"), ("nvme0n1p2", "nvme0"), ("nvme1", "nvme1"), ("mmcblk0p1", "mmcblk0"), ("xvda1", "xvda"),
    ("dm-3", "dm-3"), ("md0", "md0"), ("sdk-tools", "sdk-tools")])
def test_a_partition_belongs_to_its_disk(name: str, disk: str) -> None:
    assert disk_of(name) == disk
