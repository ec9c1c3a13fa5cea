"""Which file systems are measured, by what the kernel lists, and that none of them stops the measuring."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from sra_agent.measure.disks import MOUNTS, PATIENCE, Disks, Mount, Room, mounts

from .tmpfs import tmpfs

ROOM = Room(percent=12.5, free=1000, inodes=3.0)
#: A host of the usual kind, as its agent sees it from a unit that may write nowhere but to its own state.
LISTED = r"""
22 28 0:21 / /sys rw,nosuid shared:7 - sysfs sysfs rw
23 28 0:22 / /proc rw,nosuid shared:13 - proc proc rw
24 28 0:5 / /dev rw,nosuid shared:2 - devtmpfs udev rw,size=4000000k
26 28 0:24 / /run rw,nosuid shared:5 - tmpfs tmpfs rw,size=800000k
27 26 0:25 / /run/user/1000 rw,nosuid - tmpfs tmpfs rw,size=800000k
29 24 0:26 / /dev/shm rw,nosuid shared:3 - tmpfs tmpfs rw
28 1 259:2 / / ro,relatime shared:1 - ext4 /dev/nvme0n1p2 rw,errors=remount-ro
30 28 259:3 / /var/lib/postgresql rw,relatime shared:29 - xfs /dev/mapper/vg0-pg rw,attr2
31 28 259:3 / /srv/chroot/var/lib/postgresql rw,relatime shared:29 - xfs /dev/mapper/vg0-pg rw,attr2
32 28 0:40 / /var/cache/fast rw,relatime shared:30 - tmpfs tmpfs rw,size=500000k
33 28 0:41 / /tmp rw,nosuid shared:31 - tmpfs tmpfs rw
34 28 0:42 / /mnt/share rw,relatime shared:32 - nfs4 filer:/export rw,vers=4.2
35 28 0:43 / /mnt/isos ro,relatime shared:33 - nfs4 filer:/isos ro,vers=4.2
36 28 7:1 / /snap/core/1 ro,nodev shared:34 - squashfs /dev/loop1 ro
37 28 259:9 / /media/backup ro,relatime shared:35 - ext4 /dev/sdc1 ro
38 28 0:50 / /var/lib/docker/overlay2/x/merged rw,relatime - overlay overlay rw,lowerdir=/x
39 28 0:51 / /var/lib/kubelet/pods/7/volumes/token rw,relatime - tmpfs tmpfs rw,size=8000000k
40 28 0:52 /@home /home rw,relatime shared:36 - btrfs /dev/sdb1 rw,subvol=/@home
41 28 0:52 /@srv /srv/with\040space rw,relatime shared:37 - btrfs /dev/sdb1 rw,subvol=/@srv
42 28 0:53 / /tank/logs rw shared:38 - zfs tank/logs rw,xattr
43 28 259:2 /etc/hosts /etc/hosts rw - ext4 /dev/nvme0n1p2 rw
44 28 0:54 / /run/user/1000/gvfs rw,nosuid - fuse.gvfsd-fuse gvfsd-fuse rw
45 28 0:55 / /proc/sys/fs/binfmt_misc rw - autofs systemd-1 rw
"""


def test_what_is_written_to_is_measured_once_and_the_systems_own_is_not() -> None:
    found = mounts(LISTED, folder=lambda path: True)
    assert found[0] == Mount(path="/")
    assert {each.path for each in found} == {
        "/", "/var/lib/postgresql", "/var/cache/fast", "/tmp", "/mnt/share", "/home", "/tank/logs"}
    assert [each.path for each in found if each.network] == ["/mnt/share"]


def test_the_root_counts_though_it_is_no_disk_unless_nothing_can_be_written_there() -> None:
    layered = "1 0 0:99 / / rw,relatime - overlay overlay rw,lowerdir=/x"
    assert mounts(layered) == (Mount(path="/"),)
    assert mounts("1 0 0:1 / / rw - rootfs rootfs rw\n2 1 7:0 / / ro - squashfs /dev/loop0 ro") == ()


def test_a_volume_of_a_container_counts_and_a_single_file_does_not() -> None:
    bound = ("5 1 8:1 /docker/7/hosts /etc/hosts rw - ext4 /dev/sda1 rw\n"
             "6 1 8:1 /docker/volumes/pg /var/lib/postgresql/data rw - ext4 /dev/sda1 rw\n")
    found = mounts(bound, folder=lambda path: path != "/etc/hosts")
    assert found == (Mount(path="/var/lib/postgresql/data"),)


def test_what_the_kernel_lists_is_read_whatever_it_is() -> None:
    (escaped,) = mounts(r"41 28 8:2 / /srv/with\040space rw - ext4 /dev/sdb1 rw")
    assert escaped.path == "/srv/with space"
    assert mounts("") == mounts("nonsense\n1 2 3 - \n - ext4 /dev/sda rw\n") == ()


def test_the_number_of_mounts_is_bounded_and_the_root_is_among_them(tmp_path: Path) -> None:
    listed = tmp_path / "mountinfo"
    lines = [f"{n} 1 8:{n} / /data/{n} rw - ext4 /dev/sd{n} rw" for n in range(200)]
    listed.write_text("\n".join([*lines, "999 1 9:1 / / rw - ext4 /dev/root rw"]))
    points = Disks(mountinfo=listed, ask=lambda path: ROOM).collect(0.0)
    paths = {each["tags"]["mount"] for each in points}
    assert len(paths) == MOUNTS and "/" in paths and len(points) == 3 * MOUNTS


def test_a_file_server_that_does_not_answer_delays_once_and_hides_nothing_else(tmp_path: Path) -> None:
    listed, answers, asked = tmp_path / "mountinfo", threading.Event(), list[str]()
    listed.write_text("1 0 8:1 / / rw - ext4 /dev/sda rw\n2 1 0:9 / /mnt/share rw - nfs4 filer:/x rw\n")

    def ask(path: str) -> Room | None:
        asked.append(path)
        if path == "/mnt/share":
            answers.wait()
        return ROOM

    disks = Disks(mountinfo=listed, ask=ask)

    def collected() -> tuple[set[str], float]:
        began = time.monotonic()
        found = {each["tags"]["mount"] for each in disks.collect(0.0)}
        return found, time.monotonic() - began

    first, second = collected(), collected()
    assert first[0] == second[0] == {"/"} and second[1] < PATIENCE / 2
    assert asked.count("/mnt/share") == 1, "who does not answer is not asked by ever more threads"
    answers.set()
    until = time.monotonic() + 5
    while (now := collected()[0]) != {"/", "/mnt/share"} and time.monotonic() < until:
        time.sleep(0.01)
    assert now == {"/", "/mnt/share"}


@pytest.fixture
def memory(tmp_path: Path) -> Iterator[Path]:
    with tmpfs(tmp_path / "postgresql data", 1) as folder:
        yield folder


def test_data_in_memory_is_measured_with_its_mount(memory: Path) -> None:
    (memory / "file").write_bytes(b"x" * 786_432)
    values = {each["name"]: each["value"] for each in Disks().collect(0.0)
              if each["tags"]["mount"] == str(memory)}
    assert values["system.disk_percent"] == 75 and values["system.disk_free_bytes"] == 262_144
    assert 0 < values["system.inode_percent"] < 100


def test_this_machines_root_is_as_others_measure_it() -> None:
    percent = {each["tags"]["mount"]: each["value"] for each in Disks().collect(0.0)
               if each["name"] == "system.disk_percent"}
    assert abs(percent["/"] - psutil.disk_usage("/").percent) < 5


def test_without_a_list_of_mounts_the_disks_are_those_that_are_known_otherwise(tmp_path: Path) -> None:
    points = Disks(mountinfo=tmp_path / "none").collect(0.0)
    assert "/" in {each["tags"]["mount"] for each in points}
