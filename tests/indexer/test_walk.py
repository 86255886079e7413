"""What a walk takes and what it leaves out, with real folders, links, pipes and sockets; git judges the rules."""

from __future__ import annotations

import os
import random
import shutil
import socket
import stat
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from helpers.desk import as_somebody_else

from indexer.walk.walker import Entry, walk
from storage.errors import NearestError
from storage.files import SkippedFile
from storage.types import FileStamp

posix = pytest.mark.skipif(os.name != "posix", reason="this system has no such files")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "docs"
    folder.mkdir()
    return folder


def make(root: Path, *names: str, **texts: str) -> None:
    """Files below root, with a word in each; a name that ends with a slash is a folder."""
    for name in names:
        path = root / name
        if name.endswith("/"):
            path.mkdir(parents=True, exist_ok=True)
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("word")


def ignore(root: Path, *lines: str, name: str = ".gitignore") -> None:
    (root / name).write_text("\n".join(lines) + "\n")


def name_below(root: Path, path: bytes) -> str:
    return os.fsdecode(path)[len(str(root)) + 1 :].replace(os.sep, "/")


def taken(root: Path, **options: object) -> list[str]:
    """The files that a walk takes, relative to root and in its order."""
    found = walk(os.fsencode(root), **options)  # type: ignore[arg-type]
    return [name_below(root, entry.path) for entry in found if isinstance(entry, Entry)]


def left_out(root: Path, **options: object) -> dict[str, str]:
    """The reason of everything that a walk leaves out; "!" before it where it failed."""
    found = walk(os.fsencode(root), **options)  # type: ignore[arg-type]
    skips = [entry for entry in found if isinstance(entry, SkippedFile)]
    reasons = {name_below(root, skip.path): "!" * skip.failed + skip.reason.replace(os.sep, "/") for skip in skips}
    assert len(reasons) == len(skips)
    return reasons


def test_files_come_in_one_order_with_their_stamps(root: Path) -> None:
    make(root, "b/2", "b/1", "a/x", "z", "B", "a.md")
    (root / "z").write_bytes(b"12345")
    os.utime(root / "z", ns=(5, 1_600_000_000_123_456_700))
    entries = list(walk(os.fsencode(root)))
    assert taken(root) == ["B", "a.md", "z", "a/x", "b/1", "b/2"]
    status = (root / "z").stat()
    assert entries[2] == Entry(os.fsencode(root / "z"), FileStamp(5, status.st_mtime_ns, status.st_ctime_ns))


def test_hidden_files_and_folders_give_one_reason_each(root: Path) -> None:
    make(root, ".git/config", ".git/hooks/x", ".env", "a/.cache/y", "a/b")
    assert left_out(root) == {".env": "hidden", ".git": "hidden", "a/.cache": "hidden"}
    assert taken(root / "a") == ["b"]


def test_what_is_named_is_taken_though_hidden(root: Path) -> None:
    make(root, ".notes/a.md", ".rc")
    assert taken(root / ".notes") == ["a.md"]
    [entry] = walk(os.fsencode(root / ".rc"))
    assert entry.path == os.fsencode(root / ".rc")


def test_ignore_files_name_file_line_and_pattern(root: Path) -> None:
    make(root, "a.log", "keep.log", "build/x", "src/gen/y", "src/z.log", "src/a.tmp")
    ignore(root, "# comment", "", "*.log", "!keep.log", "build/")
    ignore(root / "src", "/gen", "*.tmp   ", "!z.log")
    assert taken(root) == ["keep.log", "src/z.log"]
    assert left_out(root) == {
        ".gitignore": "hidden",
        "a.log": "ignored by .gitignore:3: *.log",
        "build": "ignored by .gitignore:5: build/",
        "src/.gitignore": "hidden",
        "src/a.tmp": "ignored by src/.gitignore:2: *.tmp",
        "src/gen": "ignored by src/.gitignore:1: /gen",
    }


def test_nearestignore_is_stronger_than_gitignore_beside_it_and_weaker_than_one_below(root: Path) -> None:
    make(root, "a.log", "b.txt", "sub/c.txt")
    ignore(root, "*.log")
    ignore(root, "!*.log", "*.txt", name=".nearestignore")
    ignore(root / "sub", "!c.txt")
    assert taken(root) == ["a.log", "sub/c.txt"]
    assert left_out(root)["b.txt"] == "ignored by .nearestignore:2: *.txt"


def test_a_list_of_exceptions_works_as_in_git(root: Path) -> None:
    make(root, "a/b/x.md", "a/b/x.txt", "y.md", "y.txt", "docs/in/k.txt")
    ignore(root, "*", "!*/", "!*.md", "!/docs/**")
    assert taken(root) == ["y.md", "a/b/x.md", "docs/in/k.txt"]


def test_a_repository_s_rules_reach_down_to_a_root_within(root: Path) -> None:
    make(root, ".git/info/", "docs/a.log", "docs/b.md", "docs/sub/c.tmp", "docs/sub/d.md")
    (root / ".git/info/exclude").write_text("*.tmp\n")
    ignore(root, "*.log", "/docs/b.md")
    assert taken(root / "docs") == ["sub/d.md"]
    assert left_out(root / "docs")["a.log"] == f"ignored by {(root / '.gitignore').resolve().as_posix()}:1: *.log"
    assert left_out(root)["docs/sub/c.tmp"] == "ignored by .git/info/exclude:1: *.tmp"


def test_rules_above_that_leave_out_the_root_itself_are_dropped(root: Path) -> None:
    make(root, ".git/", "build/docs/a.log", "build/docs/b.md")
    ignore(root, "build/", "*.log")
    ignore(root / "build", "b.md")
    assert taken(root / "build" / "docs") == ["a.log", "b.md"]
    assert taken(root / "build") == ["docs/a.log"]  # its own file still counts


def test_outside_of_a_repository_nothing_above_counts(root: Path) -> None:
    make(root, "docs/a.log")
    ignore(root, "*.log")
    assert taken(root / "docs") == ["a.log"]


def test_ignore_files_in_any_state_are_no_reason_to_stop(root: Path) -> None:
    make(root, "a.log", "b.md", "sub/c.log", "sub2/c.log")
    (root / ".gitignore").write_bytes(b"\xef\xbb\xbf*.log\r\n[z-a]\n[\n!\n\\\n\xff\xfe\n[[a]\n//\n**********b\0\n")
    (root / "sub" / ".gitignore").mkdir()
    assert taken(root) == ["b.md"]


@posix
def test_an_ignore_file_that_is_a_pipe_or_a_link_is_passed_over(root: Path) -> None:
    make(root, "a.log", "sub/b.log", "rules")
    os.mkfifo(root / ".gitignore")
    (root / "rules").write_text("*.log\n")
    (root / "sub" / ".gitignore").symlink_to(root / "rules")
    assert taken(root) == ["a.log", "rules", "sub/b.log"]


@pytest.mark.skipif(shutil.which("git") is None, reason="git is the judge of this test, and is not there")
@pytest.mark.parametrize("seed", range(12))
def test_rules_mean_what_git_says(root: Path, seed: int) -> None:
    chance = random.Random(seed)
    parts = ["*", "**", "a", "b", "foo", "*.log", "x.*", "?", "[ab]", "[!a]*", "build", "fo?", "*o*", "**/foo"]

    def pattern() -> str:
        middle = "/".join(chance.choice(parts) for _ in range(chance.choice([1, 1, 1, 2, 2, 3])))
        return chance.choice(["", "", "!"]) + chance.choice(["", "", "/"]) + middle + chance.choice(["", "", "/"])

    def fill(folder: Path, depth: int) -> None:
        for name in chance.sample(["a", "b", "foo", "bar", "x.log", "y.txt", "build", "c d"], 5):
            if "." in name or depth > 2 or chance.random() < 0.4:
                (folder / name).write_text("word")
            else:
                (folder / name).mkdir()
                fill(folder / name, depth + 1)
        if depth == 0 or chance.random() < 0.3:
            ignore(folder, *(pattern() for _ in range(4)))

    fill(root, 0)
    quiet = {**os.environ, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
    subprocess.run(["git", "init", "--quiet", root], env=quiet, check=True)
    command = ["git", "ls-files", "--others", "-z", "--exclude-standard"]
    listed = subprocess.run(command, cwd=root, env=quiet, check=True, capture_output=True, text=True).stdout
    expected = {name for name in listed.split("\0") if name and not name.rpartition("/")[2].startswith(".")}
    assert set(taken(root)) == expected


def test_include_and_exclude(root: Path) -> None:
    make(root, "a.md", "b.txt", "docs/c.txt", "docs/d.rst", "out/e.md", "out/deep/f.md", "g.tmp.md")
    options = {"include": ["*.md", "docs/"], "exclude": ["out/", "*.tmp.*"]}
    assert taken(root, **options) == ["a.md", "docs/c.txt", "docs/d.rst"]
    assert left_out(root, **options) == {
        "b.txt": "not matched by --include",
        "g.tmp.md": "excluded by --exclude *.tmp.*",
        "out": "excluded by --exclude out/",
    }
    assert taken(root, exclude=["*", "!a.md"]) == ["a.md"]
    assert left_out(root / "b.txt", **options) == {"": "not matched by --include"}
    assert left_out(root / "g.tmp.md", **options) == {"": "excluded by --exclude *.tmp.*"}


@pytest.mark.parametrize("pattern", ["", "[", "!", "a\\", "/", "# all", "[z-a]"])
@pytest.mark.parametrize("option", ["include", "exclude"])
def test_a_bad_pattern_is_one_clear_line(root: Path, option: str, pattern: str) -> None:
    with pytest.raises(NearestError, match=f"^{option} '.*is no pattern; write it as in a .gitignore") as caught:
        taken(root, **{option: ["*.md", pattern]})
    assert "\n" not in str(caught.value)


def test_own_data_is_never_entered(root: Path) -> None:
    make(root, "data/x.md", "data2/y.md")
    avoid = [os.fsencode(root / "data")]
    assert taken(root, avoid=avoid) == ["data2/y.md"]
    assert left_out(root, avoid=avoid) == {"data": "nearest's own data"}
    assert left_out(root / "data", avoid=avoid) == {"": "nearest's own data"}
    assert left_out(root / "data" / "x.md", avoid=avoid) == {"": "nearest's own data"}


def test_a_large_file_is_left_out_with_size_and_limit(root: Path) -> None:
    with (root / "large").open("wb") as file:
        file.truncate(64_000_001)  # sparse: it takes no room
    (root / "small").write_bytes(b"x" * 2_000_000)
    assert left_out(root) == {"large": "64.0 MB, more than the limit of 64 MB"}
    assert left_out(root, max_bytes=1_500_000)["small"] == "2.0 MB, more than the limit of 1.5 MB"
    assert taken(root) == ["small"]


@posix
def test_pipes_sockets_and_devices_are_left_out_by_kind(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make(root, "a.md")
    os.mkfifo(root / "pipe")
    monkeypatch.chdir(root)  # the name of a socket must be short
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("sock")
        assert left_out(root) == {"pipe": "named pipe", "sock": "socket"}
    assert left_out(root / "pipe") == {"": "named pipe"}
    assert [found.reason for found in walk(b"/dev/null") if isinstance(found, SkippedFile)] == ["device"]
    if getattr(os, "geteuid", lambda: 1)() == 0 and sys.platform == "linux":
        try:
            os.mknod(root / "null", 0o600 | stat.S_IFCHR, os.makedev(1, 3))
        except OSError:
            return  # not in this container
        assert left_out(root)["null"] == "device"


@posix
def test_links_are_left_out_with_the_reason(root: Path) -> None:
    make(root, "a.md", "sub/b.md")
    make(root.parent, "outside/c.md", "outside/d/e.md")
    links = {
        "file": "a.md",
        "folder": "sub",
        "out": "../outside/c.md",
        "outfolder": str(root.parent / "outside"),
        "gone": "nowhere",
        "self": "self",
        "sub/up": "..",
        "sub/here": ".",
        "ring1": "ring2",
        "ring2": "ring1",
        "near": "../docs2",  # starts like the root, but is another
    }
    (root.parent / "docs2").mkdir()
    for name, target in links.items():
        (root / name).symlink_to(target)
    assert taken(root) == ["a.md", "sub/b.md"]
    assert left_out(root) == {
        "file": "link to a.md, which is inside the folder",
        "folder": "link to sub, which is inside the folder",
        "out": "link out of the folder",
        "outfolder": "link out of the folder",
        "gone": "link to nowhere, which does not exist",
        "self": "link in a circle",
        "sub/up": "link to ., which is inside the folder",
        "sub/here": "link to sub, which is inside the folder",
        "ring1": "link in a circle",
        "ring2": "link in a circle",
        "near": "link out of the folder",
    }


@posix
def test_a_root_that_is_a_link_is_followed(root: Path) -> None:
    make(root, "sub/a.md", ".git/", "b.log", "own/c")
    ignore(root, "*.log")
    link = root.parent / "link"
    link.symlink_to(root)
    assert taken(link) == ["own/c", "sub/a.md"]
    assert left_out(link, avoid=[os.fsencode(root / "own")])["own"] == "nearest's own data"
    assert left_out(link)["b.log"] == "ignored by .gitignore:1: *.log"
    (root / "sub" / "up").symlink_to("../sub")
    assert left_out(link)["sub/up"] == "link to sub, which is inside the folder"
    file = root.parent / "file.md"
    file.symlink_to(root / "sub" / "a.md")
    assert [found.path for found in walk(os.fsencode(file))] == [os.fsencode(root / "sub" / "a.md")]


@pytest.mark.skipif(sys.platform != "linux", reason="other systems refuse or change such names")
def test_names_of_any_bytes_come_through(root: Path) -> None:
    names = [
        b"-rf",
        b"a\nb.md",
        b"bad\xff\xfe.md",
        b"x" * 255,
        "é".encode(),
        "e\u0301".encode(),
        b" lead",
        b"tab\there",
    ]
    for name in names:
        (root / os.fsdecode(name)).write_text("word")
    (root / "new\nline").mkdir()
    make(root, "new\nline/x.log", "new\nline/y.md", "z.log\n", "star\nstar")
    ignore(root, "*.log", "/star*")
    base = os.fsencode(root) + b"/"
    found = {entry.path.removeprefix(base) for entry in walk(os.fsencode(root)) if isinstance(entry, Entry)}
    assert found == {*names, b"new\nline/y.md", b"z.log\n"}
    (root / os.fsdecode(b"\xffdir")).mkdir()
    (root / os.fsdecode(b"\xffdir") / "q").write_text("word")
    ignore(root / os.fsdecode(b"\xffdir"), "q")
    reasons = [entry.reason for entry in walk(os.fsencode(root)) if isinstance(entry, SkippedFile)]
    assert "ignored by \\xffdir/.gitignore:1: q" in reasons
    assert all("\n" not in reason for reason in reasons)
    "".join(reasons).encode()


@posix
def test_what_may_not_be_read_is_a_failure() -> None:
    with as_somebody_else(), tempfile.TemporaryDirectory() as name:
        root = Path(name, "docs")
        make(root, "closed/a.md", "listed/b.md", "open/c.md")
        (root / "closed").chmod(0)
        (root / "listed").chmod(0o400)
        assert left_out(root) == {"closed": "!permission denied", "listed/b.md": "!permission denied"}
        assert taken(root) == ["open/c.md"]
        assert left_out(root / "closed") == {"": "!permission denied"}
        assert left_out(root / "closed" / "a.md") == {"": "!permission denied"}
        (root / "closed").chmod(0o700)
        (root / "listed").chmod(0o700)


def test_a_root_that_is_not_there_is_a_failure(root: Path) -> None:
    assert left_out(root / "nowhere") == {"": "!does not exist"}
    make(root, "file")
    [found] = walk(os.fsencode(root / "file" / "below"))
    assert isinstance(found, SkippedFile)
    assert found.failed


def test_what_vanishes_during_the_walk_is_no_failure(root: Path) -> None:
    make(root, "a.md", "b.md", "one/c.md", "two/d.md")
    found = walk(os.fsencode(root))
    first = next(found)
    assert first.path == os.fsencode(root / "a.md")
    (root / "b.md").unlink()
    shutil.rmtree(root / "two")
    rest = list(found)
    assert os.fsencode(root / "one" / "c.md") in [entry.path for entry in rest if isinstance(entry, Entry)]
    assert not any(entry.failed for entry in rest if isinstance(entry, SkippedFile))
    assert not any(b"two" in entry.path for entry in rest)


@pytest.mark.skipif(sys.platform != "linux", reason="other systems allow no path that long")
def test_a_deep_tree_is_walked_to_its_end(root: Path) -> None:
    folder = os.open(root, os.O_RDONLY)
    for _ in range(300):
        os.mkdir("d" * 10, dir_fd=folder)
        below = os.open("d" * 10, os.O_RDONLY, dir_fd=folder)
        os.close(folder)
        folder = below
    os.close(os.open("leaf", os.O_CREAT | os.O_WRONLY, dir_fd=folder))
    os.close(folder)
    assert [name.count("/") for name in taken(root)] == [300]
