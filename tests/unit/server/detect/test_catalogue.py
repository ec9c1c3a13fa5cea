"""What real software says of its troubles, class by class, and what it says while all is well."""
from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sra_sdk.errors import BadInput
from sra_server.detect.catalogue import Catalogue, load, load_with, read_file
from sra_server.detect.signature import HARMLESS, STOPPED, Signature, Way, read, words
from sra_server.detect.trial import faults
from sra_server.domain.signal import CLASSES

REAL = load()

_MESSAGES = Path(__file__).resolve().parents[3] / "data" / "messages"


def _lines(name: str) -> list[str]:
    text = (_MESSAGES / name).read_text(encoding="utf-8")
    return [line.replace("\\n", "\n").replace("\\t", "\t") for line in text.splitlines() if line[:1] != "#"]


TROUBLE = [tuple(line.split(": ", 1)) for line in _lines("trouble.txt")]
CALM = _lines("harmless.txt")


@pytest.mark.parametrize(("cls", "text"), TROUBLE, ids=lambda each: each[:40])
def test_names_the_class_of_what_software_says(cls: str, text: str) -> None:
    found = REAL.find(text, 40)
    assert found is not None, "not recognised at all"
    assert found.cls == cls, f"taken for {found.name}"


@pytest.mark.parametrize("text", CALM, ids=lambda each: each[:40])
def test_takes_no_notice_of_harmless_noise(text: str) -> None:
    found = REAL.find(text, 40)
    assert found is None or found.count > 1, f"one such line would be {found.name}"


_PIECES = sorted({way.fragment for each in REAL.signatures for way in each.alternatives})


@settings(max_examples=200, deadline=None)
@given(st.lists(st.one_of(st.sampled_from(_PIECES), st.text(alphabet="abc erus:_é1", max_size=5)),
                max_size=6),
       st.integers(0, 3))
def test_the_prefilter_finds_what_asking_each_signature_finds(pieces: list[str], overlap: int) -> None:
    text = ""
    for piece in pieces:
        text = text[:len(text) - overlap] + piece
    asked = next((each for each in REAL.signatures if each.fits(text.lower())), None)
    expected = None if asked is not None and asked.cls == HARMLESS else asked
    # the second answer is remembered
    assert REAL.find(text, 50) is REAL.find(text, 50) is expected
    assert REAL.all(text, 50)[:1] == ((asked,) if asked else ())


def test_what_a_text_means_is_remembered_for_its_level_only(tmp_path: Path) -> None:
    own = tmp_path / "own.toml"
    own.write_text('[[signature]]\nname = "shaky"\nclass = "service_crash"\nseverity = "low"\n'
                   'title = "it shakes"\nmeans = "it shakes"\nlevel = "error"\nany = ["shaky hinge"]\n')
    catalogue = Catalogue(read_file(own))
    for _ in range(2):
        assert catalogue.find("a shaky hinge", 30) is None
        assert catalogue.find("a shaky hinge", 40) is catalogue.signatures[0]


def test_what_is_remembered_of_texts_is_bounded() -> None:
    catalogue = Catalogue(REAL.signatures)
    wanted = catalogue.find("java.lang.OutOfMemoryError: Java heap space", 40)
    assert wanted is not None
    for n in range(3000):
        assert catalogue.find(f"{n} java.lang.OutOfMemoryError: Java heap space", 40) is wanted
        assert catalogue.find(f"{n} java.lang.OutOfMemoryError: Java heap space {'x' * 1500}", 40) is wanted
    kept = catalogue._lately
    assert 0 < len(kept) <= 1024 and max(len(text) for text, _ in kept) <= 1000


@pytest.mark.parametrize(("fragment", "text", "at"), [
    ("oom", "in the room", -1), ("oom", "oom", 0), ("oom", "oom_reaper", 0), ("oom", "oomph", -1),
    ("oom-kill", "oom-killer", -1),
    ("oom", "room oom", 5), ("emfile", "emfiles", -1), ("emfile", "xemfile", -1), ("emfile", "a.emfile", 2),
    ("disk full", "a disk fullness", -1), ("disk full", "éadisk full", -1), ("[emerg]", "x[emerg]x", 1),
    (" lag", "flag", -1), (" lag", "a lag", 1), (" lag", "a lagoon", -1), ("503", "5030", -1),
])
def test_a_fragment_is_made_of_whole_words(fragment: str, text: str, at: int) -> None:
    way = Way(fragment)
    assert way.find(text) == at
    assert at < 0 or way.keys.intersection(words(text)), "the prefilter would not see it"


def test_no_word_is_so_common_that_it_calls_up_many_signatures() -> None:
    assert not {key: len(found) for key, found in REAL.index.items() if len(found) > 12}


def test_covers_every_class_that_texts_can_show() -> None:
    assert {each.cls for each in REAL.signatures} == {*CLASSES, HARMLESS, STOPPED}


@pytest.mark.parametrize("signature", REAL.signatures, ids=lambda each: each.name)
def test_the_whole_catalogue_judges_its_examples_rightly(signature: Signature) -> None:
    assert list(faults(REAL, signature)) == []


MINE = """
[[signature]]
name = "{name}"
class = "{cls}"
severity = "high"
title = "the press is jammed"
means = "the printing press stands still"
any = ["press jammed"]
examples = ["2024-03-05 10:00:00,123 ERROR press jammed"]
"""


@pytest.mark.parametrize(("line", "told"), [
    ('class = "disk_ful"', "class is 'disk_ful'"),
    ('severity = "urgent"', "severity is 'urgent'"),
    ('any = ["No Space"]', "any has 'No Space'"),
    ('any = "no space"', "any is 'no space'"),
    ('any = []', "any is missing"),
    ('match = "("', "match is no pattern"),
    ('match = "Disk"', "match has capital letters"),
    ('patterns = [["disk"]]', "patterns has"),
    ('patterns = [["disk", "["]]', "patterns is no pattern"),
    ('remedies = ["reboot"]', "remedies has 'reboot'"),
    ('colour = "red"', "colour is no known field"),
    ('count = 0', "count is 0"),
    ('count = "3"', "count is '3'"),
    ('level = "loud"', "level is 'loud'"),
    ('means = ""', "means is missing"),
])
def test_a_wrong_entry_is_refused_with_file_signature_and_field(tmp_path: Path, line: str, told: str) -> None:
    path = tmp_path / "press.toml"
    good = MINE.format(name="mine", cls="disk_full").strip().split("\n")
    field = line.partition(" = ")[0]
    path.write_text("\n".join([*(each for each in good if not each.startswith(f"{field} = ")), line]))
    with pytest.raises(BadInput) as caught:
        read_file(path)
    assert f"{path}: signature mine: {told}" in caught.value.message
    assert caught.value.hint


@pytest.mark.parametrize(("text", "told"), [
    ("[[signature]", "is not valid TOML"),
    ("a = 1", "has a beside its signatures"),
    ("[[signature]]\nclass = 'disk_full'", "has no usable name"),
    (MINE.format(name="x", cls="disk_full") * 2, "name is used twice"),
])
def test_a_file_that_cannot_be_used_is_named(tmp_path: Path, text: str, told: str) -> None:
    path = tmp_path / "press.toml"
    path.write_text(text)
    with pytest.raises(BadInput, match=r"press\.toml") as caught:
        read_file(path)
    assert told in caught.value.message


def test_a_users_signatures_come_first_and_a_bad_file_is_left_out(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text(MINE.format(name="jam", cls="queue_backlog"))
    (tmp_path / "b.toml").write_text(MINE.format(name="b", cls="nonsense"))
    (tmp_path / "c.toml").write_text(MINE.format(name="jam", cls="disk_full"))
    loaded = load_with(tmp_path)
    assert [Path(each).name for each in loaded.files] == ["a.toml"]
    assert [each.split(": ", 1)[0] for each in loaded.problems] == ["b.toml", "c.toml"]
    assert "taken in a.toml" in loaded.problems[1]
    found = loaded.catalogue.find("the press jammed: no space left on device", 40)
    assert found is not None and found.cls == "queue_backlog"
    assert len(loaded.catalogue.signatures) == len(REAL.signatures) + 1


def test_a_user_can_call_harmless_what_ours_takes_for_trouble_and_replace_one(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text(MINE.format(name="no_space", cls=HARMLESS))
    catalogue = load_with(tmp_path).catalogue
    assert catalogue.find("press jammed: too many open files", 40) is None
    assert catalogue.find("no space left on device", 40) is None, "ours of the same name is replaced"
    assert catalogue.find("too many open files", 40) is not None


def test_without_a_folder_the_catalogue_is_ours(tmp_path: Path) -> None:
    for folder in (None, tmp_path / "none", tmp_path):
        assert load_with(folder).catalogue is REAL


def test_a_folder_that_cannot_be_read_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: Path) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "iterdir", refuse)
    loaded = load_with(tmp_path)
    assert loaded.problems == ("signatures_dir cannot be read: Permission denied",)
    assert loaded.catalogue is REAL


def test_only_regular_files_of_bounded_size_are_read(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.toml")
    (tmp_path / "device.toml").symlink_to("/dev/zero")
    (tmp_path / "folder.toml").mkdir()
    (tmp_path / "long.toml").write_text("# long\n" * 700_000)
    (tmp_path / "z.toml").write_text(MINE.format(name="jam", cls="queue_backlog"))
    loaded = load_with(tmp_path)
    assert [Path(each).name for each in loaded.files] == ["z.toml"]
    assert [each.split(": ", 1)[0] for each in loaded.problems] == [
        "device.toml", "folder.toml", "long.toml", "pipe.toml"]
    assert all("no regular file" in loaded.problems[each] for each in (0, 1, 3))
    assert "more than 4 MiB" in loaded.problems[2]


def _asks(about: str) -> Signature:
    return read({"name": "x", "class": "error_burst", "severity": "low", "title": "x", "means": "x",
                 "any": ["no answer"], "about": [about]})


def test_a_mark_of_the_byte_order_is_no_part_of_the_file(tmp_path: Path) -> None:
    path = tmp_path / "press.toml"
    path.write_text(MINE.format(name="jam", cls="queue_backlog").strip(), encoding="utf-8-sig")
    assert [each.name for each in read_file(path, own=True)] == ["jam"]


@pytest.mark.parametrize(("about", "text", "found"), [
    ("redis", "no answer from redis:6379", True), ("redis", "no answer: redis_cache", True),
    ("redis", "no answer to redistribute", False), ("redis", "no answer in redis.exceptions.timeout", True),
    ("redisson*", "no answer in redissonclient", True), ("*redis", "no answer in ioredis", True),
    ("*redis", "no answer to redistribute", False), ("ora-", "no answer by ora-12541", True),
    ("ora-", "no answer by aurora-1", False), (":5432", "no answer by db:54321", False),
    (":5432", "no answer by db:5432.", True), ("*sql*", "no answer by mysqld", True)])
def test_what_a_text_must_be_about_stands_there_as_a_whole_word(about: str, text: str, found: bool) -> None:
    assert _asks(about).fits(text) is found


def test_what_merely_contains_the_name_of_a_store_is_about_none() -> None:
    for text in ("could not connect to redistribution-hub", "cannot connect to aurora-2: connection lost"):
        found = REAL.find(text, 40)
        assert found is None or found.name != "database_unreachable", text


def test_an_about_of_stars_alone_is_refused() -> None:
    with pytest.raises(BadInput, match="about has"):
        _asks("*")
