"""What a run finds on disk becomes what is indexed: nothing twice, nothing too many, and nothing dropped by a slip."""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from helpers.desk import Desk, Words, as_somebody_else
from helpers.opened import limits
from helpers.stored import local_store

from indexer.chunk import chunker
from indexer.index import forget, index, roots_of
from indexer.read import reader
from indexer.sandbox.process import SandboxLimits
from nearest.settings import from_environment
from storage.errors import MassDeleteError, NearestError
from storage.files import SkipCode

posix = pytest.mark.skipif(os.name != "posix", reason="needs the file system of a POSIX system")
TEN = [f"note-{number}.md" for number in range(10)]


def edit(path: Path, text: str) -> None:
    """Other bytes at a path, and another time."""
    path.write_text(text, encoding="utf-8")
    earlier = path.stat().st_mtime_ns - 5_000_000_000  # what has a time to come is never trusted
    os.utime(path, ns=(earlier, earlier))


def touch(root: Path) -> None:
    """Other times for all files."""
    for path in root.rglob("*"):
        if path.is_file():
            earlier = path.stat().st_mtime_ns - 5_000_000_000
            os.utime(path, ns=(earlier, earlier))


# ---- what is embedded again


def test_the_first_run_adds_and_embeds_everything_once(desk: Desk) -> None:
    desk.write(TEN)
    assert desk.index() == {"added": 10}
    assert sorted(desk.embedder.embedded) == sorted((desk.root / name).read_text().strip() for name in TEN)
    report = desk.report
    assert (report.chunks, report.embedded, report.reused, report.pending) == (10, 10, 0, 0)
    assert desk.found("all about note 7", 1) == ["note-7.md"]


def test_where_nothing_changed_nothing_is_read_and_nothing_embedded(desk: Desk) -> None:
    desk.write(TEN)
    desk.index()
    assert desk.index() == {"unchanged": 10}
    assert (desk.read, desk.embedder.asked) == ([], [])
    assert (desk.report.chunks, desk.report.embedded, desk.report.reused) == (10, 0, 10)


def test_what_was_too_young_to_be_sure_of_is_read_again_and_not_embedded(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.write(TEN)
    monkeypatch.setattr(reader, "SETTLED_NS", 10**15)
    desk.index()
    assert desk.index() == {"unchanged": 10}
    assert sorted(desk.read) == TEN
    assert desk.embedder.asked == []


def test_touching_all_files_embeds_nothing_and_is_read_only_once(desk: Desk) -> None:
    desk.write(TEN)
    desk.index()
    touch(desk.root)
    assert desk.index() == {"unchanged": 10}
    assert sorted(desk.read) == TEN
    assert desk.index() == {"unchanged": 10}
    assert (desk.read, desk.embedder.asked) == ([], [])


def test_a_renamed_file_is_moved_and_not_embedded(desk: Desk) -> None:
    desk.write(TEN)
    desk.index()
    (before,) = desk.search("about note 3", 1)
    (desk.root / "note-3.md").rename(desk.root / "renamed.md")
    assert desk.index() == {"unchanged": 9, "moved": 1}
    assert desk.embedder.asked == []
    (after,) = desk.search("about note 3", 1)
    assert after.path == str(desk.root / "renamed.md")
    assert (after.chunk_id, after.score) == (before.chunk_id, before.score)
    assert len(desk.documents()) == 10


def test_a_renamed_folder_of_fifty_files_is_moved_and_not_embedded(desk: Desk) -> None:
    desk.write([*TEN, *(f"old/{number}/page-{number}.txt" for number in range(50))])
    desk.index()
    (desk.root / "old").rename(desk.root / "new")
    assert desk.index() == {"unchanged": 10, "moved": 50}
    assert desk.embedder.asked == []
    assert desk.documents() == sorted([*TEN, *(f"new/{number}/page-{number}.txt" for number in range(50))])
    assert desk.index() == {"unchanged": 60}
    assert desk.read == []


def test_two_files_that_change_their_names_are_told_apart(desk: Desk) -> None:
    desk.write([*TEN, "a.md", "b.md"])
    desk.index()
    (desk.root / "a.md").rename(desk.root / "c.md")
    (desk.root / "b.md").rename(desk.root / "a.md")
    assert desk.index() == {"added": 1, "changed": 1, "unchanged": 10, "removed": 1}
    assert desk.embedder.asked == []
    assert desk.found("about b", 1) == ["a.md"]
    assert desk.found("about a", 1) == ["c.md"]


def test_a_file_of_another_kind_is_no_rename_and_its_text_is_reused(desk: Desk) -> None:
    desk.write(TEN)
    desk.index()
    (desk.root / "note-3.md").rename(desk.root / "note-3.txt")
    assert desk.index() == {"added": 1, "unchanged": 9, "removed": 1}
    assert desk.embedder.asked == []


def test_an_edited_file_embeds_only_its_new_passages(desk: Desk) -> None:
    parts = [f"# Part {number}\n\n" + f"Here are words of number {number}. " * 15 for number in range(8)]
    desk.write(TEN)
    (desk.root / "long.md").write_text("\n\n".join(parts), encoding="utf-8")
    desk.index()
    assert desk.report.chunks == 18
    parts[4] = "# Part 4\n\n" + "Something else stands here now. " * 15
    edit(desk.root / "long.md", "\n\n".join(parts))
    assert desk.index() == {"changed": 1, "unchanged": 10}
    assert desk.read == ["long.md"]
    assert desk.embedder.embedded == [parts[4].strip()]
    assert (desk.report.chunks, desk.report.embedded, desk.report.reused) == (18, 1, 17)
    assert desk.found("something else stands here now", 1) == ["long.md"]
    assert not any("number 4" in hit.chunk.text for hit in desk.search("words of number 4", 20))


def test_a_deleted_file_is_gone_from_results_at_once(desk: Desk) -> None:
    desk.write(TEN)
    desk.index()
    (desk.root / "note-3.md").unlink()
    assert desk.index() == {"unchanged": 9, "removed": 1}
    assert desk.embedder.asked == []
    assert "note-3.md" not in desk.found("about note 3", 99)
    assert len(desk.found("about note 3", 99)) == 9


def test_one_text_in_two_files_is_embedded_once_and_found_twice(desk: Desk) -> None:
    desk.write(TEN)
    desk.write(["copy-1.md", "copy-2.md"], "The very same words.")
    assert desk.index() == {"added": 12}
    assert desk.embedder.embedded.count("The very same words.") == 1
    assert (desk.report.chunks, desk.report.embedded) == (12, 11)
    assert desk.found("the very same words", 2) == ["copy-1.md", "copy-2.md"]
    (desk.root / "copy-1.md").unlink()
    desk.index()
    assert desk.found("the very same words", 2)[0] == "copy-2.md"
    assert "copy-1.md" not in desk.found("the very same words", 99)


def test_a_copy_is_added_and_nothing_embedded(desk: Desk) -> None:
    desk.write(TEN)
    desk.index()
    (desk.root / "copy.md").write_bytes((desk.root / "note-3.md").read_bytes())
    assert desk.index() == {"added": 1, "unchanged": 10}
    assert (desk.embedder.asked, desk.report.reused, desk.report.chunks) == ([], 10, 11)


def test_what_comes_back_with_a_branch_is_not_embedded_again(desk: Desk) -> None:
    desk.write([*TEN, *(f"lib/{number}.md" for number in range(20))])
    desk.index()
    main = {path: path.read_text() for path in (desk.root / "lib").iterdir()}
    for number, path in enumerate(main):  # switch to another branch: some files differ, some are not there
        if number % 5:
            edit(path, f"On the branch, {path.name} is different.")
        else:
            path.unlink()
    assert desk.index() == {"changed": 16, "unchanged": 10, "removed": 4}
    assert len(desk.embedder.embedded) == 16
    for path, text in main.items():  # and back
        edit(path, text)
    assert desk.index() == {"added": 4, "changed": 16, "unchanged": 10}
    assert desk.embedder.asked == []
    assert len(desk.found("on the branch", 99)) == 30
    assert not any("branch" in hit.chunk.text for hit in desk.search("on the branch", 99))


def test_a_file_whose_bytes_change_behind_its_time_is_noticed_by_the_time_of_the_change(desk: Desk) -> None:
    desk.write(TEN)
    desk.index()
    path = desk.root / "note-3.md"
    before = path.stat()
    path.write_text(path.read_text().replace("3", "8"), encoding="utf-8")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert desk.index() == {"changed": 1, "unchanged": 9}


# ---- what is no longer to be indexed


Change = Callable[[Path], object]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda path: path.write_bytes(b"\0\1\2\3" * 100), "binary"),
        (lambda path: os.truncate(path, 64_000_001), r"64\.0 MB, more than the limit of 64 MB"),
        (lambda path: path.with_name(".gitignore").write_text("note-3*"), r"ignored by \.gitignore:1: note-3\*"),
        (
            lambda path: path.with_name(".nearestignore").write_text("note-3*"),
            r"ignored by \.nearestignore:1: note-3\*",
        ),
        (lambda path: path.write_text(""), "empty"),
        (lambda path: path.write_text("..."), "no words"),
    ],
    ids=["binary", "too large", "ignored by git", "ignored by nearest", "empty", "wordless"],
)
def test_a_file_that_is_nothing_to_index_any_more_is_dropped_with_its_reason(
    desk: Desk, change: Change, reason: str
) -> None:
    desk.write(TEN)
    (desk.root / ".git").mkdir()
    desk.index()
    change(desk.root / "note-3.md")
    counts = desk.index()
    assert (counts["unchanged"], counts["removed"]) == (9, 1)
    assert re.fullmatch(reason, desk.reasons()["note-3.md"])
    assert "note-3.md" not in desk.found("about note 3", 99)
    again = desk.index()
    assert again == {"unchanged": 9, "skipped": counts["skipped"]}


@posix
def test_a_file_that_became_a_link_is_dropped_and_its_target_is_not_taken(desk: Desk, tmp_path: Path) -> None:
    desk.write(TEN)
    desk.index()
    (tmp_path / "secret.md").write_text("A secret of somebody else.")
    (desk.root / "note-3.md").unlink()
    (desk.root / "note-3.md").symlink_to(tmp_path / "secret.md")
    assert desk.index() == {"unchanged": 9, "removed": 1, "skipped": 1}
    assert desk.reasons() == {"note-3.md": "link out of the folder"}


# ---- roots


def test_the_globs_of_a_root_are_remembered(desk: Desk) -> None:
    desk.write([*TEN, "a.txt", "b.txt", "drafts/c.md"])
    assert desk.index(include=["*.md"], exclude=["drafts/"]) == {"added": 10, "skipped": 3}
    assert desk.index() == {"unchanged": 10, "skipped": 3}
    desk.write(["new.md", "new.txt", "drafts/new.md"])
    assert desk.index() == {"added": 1, "unchanged": 10, "skipped": 4}
    assert desk.documents() == sorted([*TEN, "new.md"])
    assert desk.reasons()["drafts"] == "excluded by --exclude drafts/"
    assert desk.index(include=["*.txt", "*.md"]) == {"added": 5, "unchanged": 11}


def test_other_roots_keep_their_own_globs(desk: Desk) -> None:
    desk.write([f"{folder}/{name}" for folder in ("one", "two") for name in ("a.md", "a.txt")])
    desk.index("one", include=["*.md"])
    desk.index("two", include=["*.txt"])
    assert desk.documents() == ["one/a.md", "two/a.txt"]
    with local_store("default") as collection:
        assert {root.path: root.include for root in collection.documents.roots()} == {
            os.fsencode(desk.root / "one"): ("*.md",),
            os.fsencode(desk.root / "two"): ("*.txt",),
        }


def test_without_a_path_all_roots_are_brought_up_to_date(desk: Desk) -> None:
    desk.write(["one/a.md", "two/b.md"])
    desk.index("one")
    desk.index("two")
    desk.write(["one/c.md", "two/d.md"])
    desk.embedder.embedded.clear()
    with local_store("default", write=True) as collection:
        report = index(collection, desk.embedder, roots_of(collection, [], (), ()), limits())
    assert (report.documents.added, report.documents.unchanged) == (2, 2)


def test_only_what_was_named_is_looked_at(desk: Desk) -> None:
    desk.write(["one/a.md", "two/b.md"])
    desk.index("one")
    desk.index("two")
    (desk.root / "one/a.md").unlink()
    desk.write(["two/c.md"])
    assert desk.index("two") == {"added": 1, "unchanged": 1}
    assert desk.documents() == ["one/a.md", "two/b.md", "two/c.md"]


def test_a_root_within_a_root_is_indexed_once_and_by_either_name(desk: Desk) -> None:
    desk.write([*TEN, "inner/a.md", "inner/b.md"])
    assert desk.index(".", "inner") == {"added": 12}
    assert desk.index() == {"unchanged": 12}
    assert desk.index("inner") == {"unchanged": 2}
    desk.write(["inner/c.md"])
    assert desk.index("inner") == {"added": 1, "unchanged": 2}
    assert desk.index() == {"unchanged": 13}


def test_a_root_within_a_root_is_kept_though_the_outer_one_passes_it_over(desk: Desk) -> None:
    desk.write([*TEN, ".hidden/a.md", "drafts/b.md", "drafts/c.md"])
    desk.index(exclude=["drafts/"])
    assert desk.documents() == TEN
    assert desk.index(".hidden") == {"added": 1}
    assert desk.index("drafts/b.md") == {"added": 1}
    assert desk.index() == {"unchanged": 12, "skipped": 1}
    assert desk.documents() == sorted([".hidden/a.md", *TEN, "drafts/b.md"])
    (desk.root / "drafts/b.md").write_text("Changed words.")
    assert desk.index()["changed"] == 1


def test_a_root_that_is_a_file(desk: Desk) -> None:
    desk.write(TEN)
    assert desk.index("note-3.md") == {"added": 1}
    assert desk.index("note-3.md") == {"unchanged": 1}
    edit(desk.root / "note-3.md", "Something new.")
    assert desk.index("note-3.md") == {"changed": 1}
    assert desk.documents() == ["note-3.md"]


@posix
def test_a_root_that_is_a_link_to_a_folder_keeps_the_name_it_was_called_by(desk: Desk, tmp_path: Path) -> None:
    desk.write(TEN)
    link = tmp_path / "link"
    link.symlink_to(desk.root)
    assert desk.index(link) == {"added": 10}
    assert desk.index(link) == {"unchanged": 10}
    assert desk.read == []
    assert {Path(hit.path).parent for hit in desk.search("note", 99)} == {link}
    (desk.root / "note-3.md").unlink()
    assert desk.index(link) == {"unchanged": 9, "removed": 1}


@posix
def test_a_root_that_is_a_link_to_a_file_is_that_file(desk: Desk) -> None:
    desk.write([*TEN, ".elsewhere/target.md"])
    link = desk.root / ".link.md"
    link.symlink_to(".elsewhere/target.md")
    assert desk.index(link) == {"added": 1}
    assert desk.index(link) == {"unchanged": 1}
    assert desk.documents() == [".elsewhere/target.md"]
    edit(desk.root / ".elsewhere/target.md", "Something new.")
    assert desk.index(link) == {"changed": 1}
    edit(desk.root / ".elsewhere/target.md", "")
    with pytest.raises(MassDeleteError):
        desk.index(link)
    assert desk.index(link, yes=True) == {"removed": 1, "skipped": 1}
    assert desk.reasons() == {".elsewhere/target.md": "empty"}


def test_nearest_s_own_data_is_not_indexed(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEAREST_HOME", str(desk.root / "data"))
    desk.write([*TEN, "data/collections/default/stray.md", "data/cache/stray.md"])
    assert desk.index() == {"added": 10, "skipped": 2}
    assert set(desk.reasons().values()) == {"nearest's own data"}
    assert desk.index() == {"unchanged": 10, "skipped": 2}
    assert desk.documents() == TEN
    assert from_environment().home.is_relative_to(desk.root)


def test_a_path_that_does_not_exist_is_named_before_anything_is_done(desk: Desk) -> None:
    desk.write(TEN)
    with pytest.raises(NearestError, match=r"^there is no file or folder '.*nowhere'$"):
        desk.index(".", "nowhere")
    with local_store("default") as collection:
        assert collection.identity is None  # so that the next run may choose another embedder
        assert collection.documents.count() == 0
    assert desk.index() == {"added": 10}


def test_an_empty_path_is_not_the_folder_one_is_in(desk: Desk) -> None:
    with local_store("default", write=True) as collection:
        for job in (lambda: roots_of(collection, [""], (), ()), lambda: forget(collection, [""])):
            with pytest.raises(NearestError, match="an empty path names nothing"):
                job()


def test_globs_without_a_path_are_refused_rather_than_passed_over(desk: Desk) -> None:
    desk.write(TEN)
    desk.index()
    with local_store("default") as collection, pytest.raises(NearestError, match="name the one they are for"):
        roots_of(collection, [], ["*.md"], ())


# ---- slips


def test_a_vanished_root_drops_nothing_until_told_to(desk: Desk, tmp_path: Path) -> None:
    desk.write([*TEN, *(f"usb/{number}.md" for number in range(2))])
    desk.index(*TEN, "usb")
    (desk.root / "usb").rename(tmp_path / "unmounted")
    for _ in range(2):
        with pytest.raises(MassDeleteError, match="usb has none of its 2 documents any more: a disk not mounted"):
            desk.index("usb")
    assert len(desk.documents()) == 12
    assert desk.found("about usb 1", 1) == ["usb/1.md"]
    (tmp_path / "unmounted").rename(desk.root / "usb")  # mounted again
    assert desk.index("usb") == {"unchanged": 2}
    (desk.root / "usb").rename(tmp_path / "unmounted")
    assert desk.index("usb", yes=True) == {"removed": 2}
    assert desk.documents() == TEN
    with local_store("default") as collection:  # and nobody asks for it again
        assert os.fsencode(desk.root / "usb") not in {root.path for root in collection.documents.roots()}


def test_an_emptied_root_drops_nothing_until_told_to(desk: Desk) -> None:
    desk.write([*TEN, "mount/a.md"])
    desk.index()
    desk.index("mount")
    (desk.root / "mount/a.md").unlink()
    with pytest.raises(MassDeleteError, match="has none of its 1 documents any more"):
        desk.index()
    assert len(desk.documents()) == 11
    assert desk.index(yes=True) == {"unchanged": 10, "removed": 1}
    assert desk.index() == {"unchanged": 10}


def test_a_root_that_never_had_a_document_and_vanished_is_told_and_stops_nobody(desk: Desk) -> None:
    desk.write([*TEN, "bare/image.png"])
    desk.index()
    desk.index("bare")
    (desk.root / "bare/image.png").unlink()
    (desk.root / "bare").rmdir()
    assert desk.index() == {"unchanged": 10, "failed": 1}
    assert desk.reasons() == {"bare": "!does not exist"}


def test_a_root_under_a_new_name_is_moved_with_no_question_asked(desk: Desk) -> None:
    desk.write([f"one/{name}" for name in TEN])
    desk.index("one")
    (desk.root / "one").rename(desk.root / "two")
    assert desk.index("one", "two") == {"moved": 10}
    assert desk.embedder.asked == []
    assert desk.index("two") == {"unchanged": 10}
    with pytest.raises(NearestError, match="there is no file or folder"):
        desk.index("one")


@pytest.mark.parametrize(("gone", "stops"), [(1, False), (2, False), (3, True), (9, True)])
def test_more_than_a_fifth_gone_stops_and_a_fifth_goes(desk: Desk, gone: int, stops: bool) -> None:
    desk.write(TEN)
    desk.index()
    for name in TEN[:gone]:
        (desk.root / name).unlink()
    desk.write(["new.md"])
    if stops:
        with pytest.raises(
            MassDeleteError, match=rf"^{gone} of 10 documents are gone, .*note-0.md the first; nothing was"
        ):
            desk.index()
        assert desk.documents() == TEN
        assert desk.found("about note 0", 1) == ["note-0.md"]
    assert desk.index(yes=stops) == {"added": 1, "unchanged": 10 - gone, "removed": gone}


def test_a_fifth_is_counted_over_the_collection_and_not_over_the_root(desk: Desk) -> None:
    desk.write([*(f"many/{name}" for name in TEN), "few/a.md", "few/b.md"])
    desk.index("many")
    desk.index("few")
    (desk.root / "few/a.md").unlink()
    assert desk.index("few") == {"unchanged": 1, "removed": 1}


@pytest.mark.parametrize(("emptied", "stops"), [(2, False), (3, True)])
def test_files_that_hold_no_text_any_more_count_as_gone(desk: Desk, emptied: int, stops: bool) -> None:
    desk.write(TEN)
    desk.index()
    for name in TEN[:emptied]:
        edit(desk.root / name, "")
    edit(desk.root / "note-9.md", "Fresh words.")
    if stops:
        with pytest.raises(
            MassDeleteError, match=rf"^{emptied} files hold no text any more, .*their documents were kept"
        ):
            desk.index()
        assert desk.documents() == TEN
    counts = desk.index(yes=stops)
    assert (counts["removed"], counts["skipped"]) == (emptied, emptied)
    assert desk.documents() == TEN[emptied:]
    assert desk.found("fresh words", 1) == ["note-9.md"]


def test_a_file_and_a_folder_that_changed_places_lose_nothing(desk: Desk) -> None:
    desk.write([*TEN, "a.md", "b/c.md"])
    desk.index()
    (desk.root / "a.md").rename(desk.root / "keep")
    (desk.root / "b").rename(desk.root / "a.md")
    (desk.root / "keep").rename(desk.root / "b")
    desk.index()
    assert desk.documents() == sorted([*TEN, "a.md/c.md", "b"])
    assert desk.embedder.asked == []


# ---- what cannot be read


@pytest.fixture
def closed(settled: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    """Ten notes that were indexed, a folder and a file that may not be read any more, and one that was deleted."""
    with as_somebody_else(), tempfile.TemporaryDirectory() as name:
        monkeypatch.setenv("NEAREST_HOME", str(Path(name, "home")))
        desk = Desk(Path(name, "documents"))
        desk.write([*TEN, "closed/a.md", "closed/b.md", "closed/deep/c.md", "secret.md"])
        desk.index()
        (desk.root / "closed/b.md").unlink()
        (desk.root / "closed").chmod(0)
        (desk.root / "secret.md").chmod(0)
        yield desk
        (desk.root / "closed").chmod(0o700)


@posix
def test_what_may_not_be_read_keeps_its_documents(closed: Desk) -> None:
    assert closed.index() == {"unchanged": 10, "failed": 2}
    assert closed.reasons() == {"closed": "!permission denied", "secret.md": "!permission denied"}
    assert len(closed.documents()) == 14
    assert closed.found("about closed deep c", 1) == ["closed/deep/c.md"]
    assert closed.found("about secret", 1) == ["secret.md"]
    (closed.root / "closed").chmod(0o700)
    (closed.root / "secret.md").chmod(0o600)
    assert closed.index() == {"unchanged": 13, "removed": 1}
    assert closed.reasons() == {}


@posix
def test_a_root_within_what_may_not_be_read_keeps_its_documents_and_stays_a_root(closed: Desk) -> None:
    (closed.root / "closed").chmod(0o700)
    closed.index("closed/deep")
    (closed.root / "closed").chmod(0)
    assert closed.index(yes=True)["failed"] == 2
    assert len(closed.documents()) == 14
    with local_store("default") as collection:
        assert os.fsencode(closed.root / "closed/deep") in {root.path for root in collection.documents.roots()}


# ---- another way of chunking


def test_another_way_of_chunking_chunks_all_roots_anew(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    text = "These are words enough for more than a single passage. " * 30
    desk.write([f"{folder}/{name}" for folder in ("one", "two") for name in TEN], text)
    desk.index("one")
    desk.index("two")
    before = desk.report.chunks
    monkeypatch.setattr(chunker, "MAX_CHARACTERS", chunker.MAX_CHARACTERS // 2)
    assert desk.index("one") == {"unchanged": 20}
    assert desk.report.chunks > before
    assert len(desk.read) == 20
    assert all(len(hit.chunk.text) <= chunker.MAX_CHARACTERS for hit in desk.search("words", 99))
    assert desk.index() == {"unchanged": 20}
    assert (desk.read, desk.embedder.asked) == ([], [])


def test_chunking_anew_embeds_only_what_it_changes(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.write(TEN)
    desk.index()
    monkeypatch.setattr(chunker, "VERSION", 99)
    assert desk.index() == {"unchanged": 10}
    assert sorted(desk.read) == TEN
    assert desk.embedder.asked == []


def test_a_window_unlike_before_chunks_anew(desk: Desk) -> None:
    desk.write(["a.md"], "one two three four five six seven eight nine ten. " * 10)
    desk.index()
    assert desk.report.chunks == 1
    desk.embedder = Words(max_tokens=32)
    desk.index()
    assert desk.report.chunks >= 4
    assert all(count <= 32 for count in desk.embedder.count_tokens(desk.embedder.embedded) or [])


def test_an_embedder_that_cannot_count_gets_passages_as_they_are(desk: Desk) -> None:
    desk.embedder = Words(counts=False)
    desk.write(["a.md"], "x " * (chunker.MAX_CHARACTERS // 2 - 1))
    desk.index()
    assert desk.report.chunks == 1


# ---- what was refused


@pytest.fixture
def refusing(desk: Desk) -> Desk:
    """Ten notes, and a file in which there is nothing to index."""
    desk.write([*TEN, "empty.md"])
    edit(desk.root / "empty.md", "")
    assert desk.index() == {"added": 10, "skipped": 1}
    return desk


def refuse(desk: Desk, code: SkipCode = SkipCode.DAMAGED, *, failed: bool = False, limit: float | None = None) -> None:
    """Have the file been refused for another reason."""
    root = os.fsencode(desk.root)
    with local_store("default", write=True) as collection:
        (skip,) = collection.documents.skips()
        assert skip.stamp
        collection.documents.note_skips(root, [replace(skip, code=code, reason="odd", failed=failed, limit=limit)])


def test_what_was_refused_and_stayed_the_same_is_not_read_again_and_still_told(refusing: Desk) -> None:
    for _ in range(2):
        assert refusing.index() == {"unchanged": 10, "skipped": 1}
        assert (refusing.read, refusing.reasons()) == ([], {"empty.md": "empty"})


def test_what_was_refused_and_changed_is_read_again(refusing: Desk) -> None:
    edit(refusing.root / "empty.md", "Words at last.")
    assert refusing.index() == {"added": 1, "unchanged": 10}
    assert (refusing.read, refusing.reasons()) == (["empty.md"], {})


def test_what_was_refused_is_read_again_where_it_is_named(refusing: Desk) -> None:
    assert refusing.index("empty.md") == {"skipped": 1}
    assert refusing.read == ["empty.md"]


def test_what_was_refused_is_read_again_by_another_way_of_reading(
    refusing: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chunker, "VERSION", 99)
    assert refusing.index() == {"unchanged": 10, "skipped": 1}
    assert sorted(refusing.read) == ["empty.md", *TEN]


def test_what_was_refused_while_too_young_is_read_again(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.write(["empty.md"], "\n")
    with monkeypatch.context() as patch:
        patch.setattr(reader, "SETTLED_NS", 10**15)
        desk.index()
    for expected in (["empty.md"], []):
        assert desk.index() == {"skipped": 1}
        assert desk.read == expected


@pytest.mark.parametrize(
    ("code", "limit", "failed", "environment", "tried"),
    [
        (SkipCode.DAMAGED, None, False, {}, False),
        (SkipCode.DAMAGED, None, True, {}, True),
        (SkipCode.SCANNED, None, False, {}, False),
        (SkipCode.SCANNED, None, False, {"NEAREST_OCR": "eng"}, True),
        (SkipCode.TIME_LIMIT, SandboxLimits().seconds, False, {}, False),
        (SkipCode.MEMORY_LIMIT, SandboxLimits().memory, False, {}, False),
        (SkipCode.TIME_LIMIT, SandboxLimits().seconds, False, {"NEAREST_READ_SECONDS": "240"}, True),
        (SkipCode.MEMORY_LIMIT, SandboxLimits().memory, False, {"NEAREST_READ_MEMORY": "4000"}, True),
    ],
)
def test_what_was_refused_is_tried_again_where_it_may_go_better_now(
    refusing: Desk, monkeypatch: pytest.MonkeyPatch, code: SkipCode, limit: float | None, failed: bool,
    environment: dict[str, str], tried: bool,
) -> None:  # fmt: skip
    refuse(refusing, code, failed=failed, limit=limit)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert refusing.index() == {"unchanged": 10, "skipped": 1}
    assert refusing.read == ["empty.md"] * tried
    assert refusing.reasons() == {"empty.md": "empty" if tried else "odd"}


def test_a_limit_that_is_none_is_told_before_anything_is_done(refusing: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEAREST_READ_SECONDS", "soon")
    (refusing.root / "note-3.md").unlink()
    with pytest.raises(NearestError, match="NEAREST_READ_SECONDS is 'soon'"):
        refusing.index()
    monkeypatch.delenv("NEAREST_READ_SECONDS")
    assert len(refusing.documents()) == 10


def test_files_that_another_process_has_to_read_and_plain_ones(desk: Desk) -> None:
    desk.write([*TEN, *(f"page-{number}.html" for number in range(10)), "empty.html"])
    edit(desk.root / "empty.html", "")
    assert desk.index() == {"added": 20, "skipped": 1}
    assert desk.found("about page 7 html", 1) == ["page-7.html"]
    assert desk.reasons() == {"empty.html": "empty"}
    edit(desk.root / "page-7.html", "Other words.")
    assert desk.index() == {"changed": 1, "unchanged": 19, "skipped": 1}
