"""What reads foreign files may crash, hang, grow or lie: it costs that file, and nobody else notices."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import fields, replace
from datetime import date, datetime
from pathlib import Path
from typing import Any

import psutil
import pytest
from helpers.command import begin, finish, wait_until
from helpers.hostile import seeds
from helpers.opened import read_all

from indexer.read.reader import read
from indexer.sandbox import pool, process
from indexer.sandbox.process import SandboxLimits
from indexer.sandbox.protocol import Frame, ProtocolError, decode, encode, request, requested
from nearest.settings import from_environment
from storage.errors import NearestError
from storage.files import SkipCode, SkippedFile
from storage.types import Block, Document, FileStamp, Heading, LocationMark

pytestmark = pytest.mark.slow

posix = pytest.mark.skipif(os.name != "posix", reason="needs the signals of a POSIX system")
LIMITS = SandboxLimits(memory=300, seconds=2)
TOO_SLOW = "took longer than 2 s to be read (NEAREST_READ_SECONDS)"
TOO_LARGE = "needs more than 300 MB of memory to be read (NEAREST_READ_MEMORY)"

# A worker that does to a file what the file's name says.
FAULTY = (
    process.START.removesuffix("; main()")
    + r"""
import ctypes, os, re, subprocess, time
from indexer.sandbox import protocol
from indexer.sandbox import worker
from indexer.read.reader import read

def spin():
    while True:
        pass

def hog():
    kept = []
    while True:
        kept.append(b"x" * 10_000_000)
        time.sleep(0.01)

def noise():
    print("noise")
    os.write(1, b"noise")
    subprocess.run(["echo", "noise"])
    input()

def long_text(path):
    document = read(path)
    object.__setattr__(document, "text", "x" * 64_000_001)
    return document

FAULTS = {
    "abort": os.abort,
    "segfault": lambda: ctypes.string_at(0),
    "exit": lambda: os._exit(7),
    "raise": lambda: sys.exit("bye"),
    "spin": spin,
    "regex": lambda: re.match(r"(?:a|aa)+$", "a" * 60 + "b"),  # in C, holding on to everything
    "sleep": lambda: time.sleep(1000),
    "tool": lambda: subprocess.run(["sleep", "1000"]),
    "hog": hog,
    "leap": lambda: bytes(10**13),
    "close": lambda: (os.closerange(4, 99), time.sleep(1000)),
}
seen = []

def faulty(path, *, ocr):
    name = os.path.basename(path).decode().partition(".")[0]
    seen.append(name)
    if name in FAULTS:
        with open(path + b".pid", "w") as file:
            file.write(str(os.getpid()))
        FAULTS[name]()
    if name == "noise":
        try:
            noise()
        except EOFError:
            pass
    if name == "weary" and len(seen) > 1:
        os.abort()
    return long_text(path) if name == "long" else read(path)

def send(answers, frame):
    name = seen[-1] if seen else ""
    if name == "garbage":
        answers.write(b"<html>" * 100)
    if name == "flood":
        answers.write(protocol.SIZES.pack(10, 10, 2**62))
        while True:
            answers.write(bytes(2**20))
    if name == "trickle":
        answers.write(protocol.SIZES.pack(10, 10, 10))
        while True:
            answers.write(b"[")
            answers.flush()
            time.sleep(0.5)
    honest(answers, protocol.Frame(b"[]", b"", b"") if name == "lie" else frame)

honest, worker.read, worker._send = worker._send, faulty, send
main()
"""
)


@pytest.fixture
def faulty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Workers do what the names of files say."""
    monkeypatch.setattr(process, "START", FAULTY)


@pytest.fixture(autouse=True)
def no_worker_is_left() -> Iterator[None]:
    yield
    assert psutil.Process().children(recursive=True) == []


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """A number for each process that was started."""
    begun: list[int] = []

    class Counted(process.Reader):
        def begin(self) -> None:
            begun.append(len(begun))
            super().begin()

    monkeypatch.setattr(pool, "Reader", Counted)
    return begun


def pages(folder: Path, *names: str) -> list[bytes]:
    """Small pages."""
    for name in names:
        (folder / name).write_text(f"<title>{name}</title><h1>Top</h1><p>Words of {name}.</p>", encoding="utf-8")
    return [os.fsencode(folder / name) for name in names]


def outcome(done: Document | SkippedFile) -> str:
    """The title of a document, or the reason of a skip."""
    return done.reason if isinstance(done, SkippedFile) else done.title


def outcomes(paths: list[bytes], limits: SandboxLimits = LIMITS) -> dict[str, str]:
    """What became of files, by their names."""
    return {Path(os.fsdecode(done.path)).name: outcome(done) for done in read_all(paths, limits)}


# ---- what is read


def test_what_a_worker_reads_is_what_is_read_here(tmp_path: Path) -> None:
    paths = pages(tmp_path, *(f"{number}.html" for number in range(40)), "a\nb.html", "grün.html")
    for suffix, data in seeds():
        (tmp_path / f"sound.{suffix}").write_bytes(data)
        paths.append(os.fsencode(tmp_path / f"sound.{suffix}"))
    (tmp_path / "empty.html").write_bytes(b"")
    (tmp_path / "plain.md").write_text("# Words\n\nin Markdown")
    paths += [os.fsencode(tmp_path / name) for name in ("empty.html", "plain.md", "absent.html", "image.png")]
    # but for the stamps: a file may be old enough for one when it is read the second time
    expected = {path: replace(read(path), stamp=None) for path in paths}
    assert {done.path: replace(done, stamp=None) for done in read_all(paths)} == expected


@posix
def test_a_file_whose_name_is_no_text(tmp_path: Path) -> None:
    path = os.fsencode(tmp_path) + b"/\xff\xfe.html"
    with open(path, "wb") as file:  # noqa: PTH123 - a Path cannot have that name
        file.write(b"<p>Words")
    (done,) = read_all([path])
    assert isinstance(done, Document)
    assert (done.path, done.text) == (path, "Words")


def test_nothing_is_started_where_all_is_plain(tmp_path: Path, started: list[int]) -> None:
    names = ["a.md", "b.txt", "c.py"]
    for name in names:
        (tmp_path / name).write_text(f"words of {name}")
    assert len(list(read_all(os.fsencode(tmp_path / name) for name in names))) == 3
    assert list(read_all([])) == []
    assert started == []


def test_few_files_are_asked_for_before_results_are_taken(tmp_path: Path) -> None:
    paths = pages(tmp_path, *(f"{number}.html" for number in range(60)))
    asked = 0

    def asking() -> Iterator[bytes]:
        nonlocal asked
        for path in paths:
            asked += 1
            yield path

    taken = 0
    for _ in read_all(asking()):
        taken += 1
        time.sleep(0.01)
        assert asked - taken <= 2 * pool.AHEAD * pool.MOST_WORKERS
    assert (asked, taken) == (60, 60)


def test_closing_early_ends_all(tmp_path: Path, faulty: None) -> None:
    paths = pages(tmp_path, "a.html", "sleep.html", "spin.html", *(f"{number}.html" for number in range(9)))
    done = read_all(paths, SandboxLimits(seconds=600))
    assert outcome(next(done)) == "a.html"
    done.close()
    assert psutil.Process().children() == []


def test_what_fails_where_results_are_taken_ends_all(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError):
        for _ in read_all(pages(tmp_path, "a.html", "b.html", "c.html")):
            _ = 1 // 0


# ---- what goes wrong


@pytest.mark.parametrize(
    ("fault", "code", "reason"),
    [
        pytest.param("abort", SkipCode.CRASHED, "the reader crashed (signal 6)", marks=posix),
        pytest.param("segfault", SkipCode.CRASHED, "the reader crashed (signal 11)", marks=posix),
        ("exit", SkipCode.CRASHED, "the reader crashed (exit status 7)"),
        ("raise", SkipCode.DAMAGED, "damaged, or not to be read: SystemExit: bye"),
        ("spin", SkipCode.TIME_LIMIT, TOO_SLOW),
        ("regex", SkipCode.TIME_LIMIT, TOO_SLOW),
        ("sleep", SkipCode.TIME_LIMIT, TOO_SLOW),
        ("trickle", SkipCode.TIME_LIMIT, TOO_SLOW),
        ("hog", SkipCode.MEMORY_LIMIT, TOO_LARGE),
        ("leap", SkipCode.MEMORY_LIMIT, TOO_LARGE),
        ("long", SkipCode.CRASHED, "the reader crashed (unsound answer)"),
        ("flood", SkipCode.CRASHED, "the reader crashed (unsound answer)"),
        ("garbage", SkipCode.CRASHED, "the reader crashed (unsound answer)"),
        ("lie", SkipCode.CRASHED, "the reader crashed (unsound answer)"),
        pytest.param("tool", SkipCode.TIME_LIMIT, TOO_SLOW, marks=posix),
    ],
)
def test_a_fault_costs_the_file_that_has_it(
    tmp_path: Path, faulty: None, settled: None, fault: str, code: SkipCode, reason: str
) -> None:
    names = ["a.html", "b.html", f"{fault}.html", "c.html", "d.html", "e.html", "f.html"]
    paths = pages(tmp_path, *names)
    done = {done.path: done for done in read_all(paths, LIMITS)}
    refused = done.pop(paths[2])
    status = (tmp_path / f"{fault}.html").stat()
    stamp = FileStamp(status.st_size, status.st_mtime_ns, status.st_ctime_ns)
    limit = {SkipCode.MEMORY_LIMIT: LIMITS.memory, SkipCode.TIME_LIMIT: LIMITS.seconds}.get(code)
    assert refused == SkippedFile(paths[2], code, reason, stamp=stamp, limit=limit)
    assert {path: outcome(document) for path, document in done.items()} == {
        path: name for path, name in zip(paths, names, strict=True) if path != paths[2]
    }


def test_a_process_that_closes_its_answers_is_at_fault_though_it_runs_on(tmp_path: Path, faulty: None) -> None:
    assert outcomes(pages(tmp_path, "close.html", "a.html")) == {
        "close.html": f"the reader crashed (signal {int(signal.SIGKILL)})",
        "a.html": "a.html",
    }


def test_noise_on_the_standard_streams_is_nobody_s_answer(tmp_path: Path, faulty: None) -> None:
    assert outcomes(pages(tmp_path, "noise.html", "a.html")) == {"noise.html": "noise.html", "a.html": "a.html"}


def test_every_second_file_crashes(tmp_path: Path, faulty: None) -> None:
    paths = []
    for number in range(20):
        folder = tmp_path / str(number)
        folder.mkdir()
        paths += pages(folder, "exit.html", f"{number}.html")
    done = list(read_all(paths, LIMITS))
    assert sorted(it.path for it in done) == sorted(paths)
    assert sum(isinstance(it, Document) for it in done) == 20


def test_what_breaks_only_a_worker_that_has_read_before_is_read_by_a_new_one(
    tmp_path: Path, faulty: None, started: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pool, "_cores", lambda: 1)
    assert outcomes(pages(tmp_path, "a.html", "weary.html", "b.html")) == {
        name: name for name in ("a.html", "weary.html", "b.html")
    }
    assert len(started) == 2


def test_a_process_is_replaced_after_so_many_files(
    tmp_path: Path, started: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pool, "_cores", lambda: 1)
    monkeypatch.setattr(process, "MOST_FILES", 4)
    assert len(outcomes(pages(tmp_path, *(f"{number}.html" for number in range(12))))) == 12
    assert len(started) == 3


def test_a_process_that_has_grown_is_replaced(
    tmp_path: Path, started: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pool, "_cores", lambda: 1)
    monkeypatch.setattr(process.Reader, "memory", lambda self: 76e6)
    assert len(outcomes(pages(tmp_path, "a.html", "b.html", "c.html"))) == 3
    assert len(started) == 3


def test_a_young_file_that_crashes_is_tried_again_next_time(tmp_path: Path, faulty: None) -> None:
    (done,) = read_all(pages(tmp_path, "exit.html"), LIMITS)
    assert isinstance(done, SkippedFile)
    assert done.stamp is None


@pytest.mark.parametrize("code", ["raise SystemExit(3)", "import nothing_of_that_name", "import os; os.close(1)"])
def test_an_installation_that_cannot_read_is_an_error_and_no_skip(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: str
) -> None:
    monkeypatch.setattr(process, "START", code)
    with pytest.raises(NearestError, match=r"ends as soon as it begins .*: is nearest installed whole"):
        list(read_all(pages(tmp_path, "a.html", "b.html")))


def test_a_python_that_is_not_there_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    with pytest.raises(NearestError, match="cannot start a process to read documents in"):
        list(read_all(pages(tmp_path, "a.html")))


# ---- limits


def test_limits_of_the_environment(tmp_path: Path, faulty: None, monkeypatch: pytest.MonkeyPatch) -> None:
    assert SandboxLimits.of(from_environment()) == SandboxLimits(2000, 120)
    monkeypatch.setenv("NEAREST_READ_SECONDS", "1.5")
    monkeypatch.setenv("NEAREST_READ_MEMORY", "200")
    done = {Path(os.fsdecode(it.path)).stem: outcome(it) for it in read_all(pages(tmp_path, "spin.html", "hog.html"))}
    assert done == {
        "spin": "took longer than 1.5 s to be read (NEAREST_READ_SECONDS)",
        "hog": "needs more than 200 MB of memory to be read (NEAREST_READ_MEMORY)",
    }


@pytest.mark.parametrize("name", ["NEAREST_READ_SECONDS", "NEAREST_READ_MEMORY"])
@pytest.mark.parametrize("value", ["0", "-1", "nan", "inf", "1e9", "two", "2 GB", " "])
def test_a_limit_that_is_no_positive_number_is_an_error_that_names_the_cure(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(NearestError, match=rf"^{name} is '{value}': give it a number above 0, or unset it for \d+$"):
        list(read_all([]))


def test_a_file_that_was_over_other_limits_is_known() -> None:
    old, new = SandboxLimits(100, 10), SandboxLimits(200, 20)
    for code in (SkipCode.MEMORY_LIMIT, SkipCode.TIME_LIMIT):
        over = old.skip(b"/a", code, STAMP)
        assert (over.code, over.stamp) == (code, STAMP)
        assert new.differ_from(over)
        assert not old.differ_from(over)
    assert not new.differ_from(SkippedFile(b"/a", SkipCode.EMPTY, "empty"))
    assert not new.differ_from(SkippedFile(b"/a", SkipCode.MEMORY_LIMIT, "needs too much memory to be read"))


# ---- the surroundings


def test_modules_of_the_user_do_not_stand_before_ours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("indexer", "storage", "lxml", "json", "signal", "queue"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit('not mine')")
    monkeypatch.chdir(tmp_path)
    for path in (sys.path, ["", *sys.path]):
        monkeypatch.setattr(sys, "path", path)
        assert outcomes(pages(tmp_path, "a.html")) == {"a.html": "a.html"}


def test_a_folder_that_is_gone_is_no_obstacle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    paths = pages(tmp_path, "a.html")
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    if os.name == "posix":
        (tmp_path / "gone").rmdir()
    assert outcomes(paths) == {"a.html": "a.html"}


READING = """
import os, sys
from indexer.sandbox import process
from indexer.sandbox.pool import read_all
from nearest.settings import from_environment

process.START = os.environ["START"]
limits = process.SandboxLimits.of(from_environment())
for done in read_all([os.fsencode(path) for path in sys.argv[1:]], limits):
    print(done.path, flush=True)
"""


def running(paths: list[bytes], seconds: float) -> tuple[Any, psutil.Process]:
    """A process that is reading the second path, having read the first, and the worker that is at it."""
    env = {"START": FAULTY, "NEAREST_READ_SECONDS": str(seconds)}
    parent = begin(*paths, code=READING, env=env, start_new_session=True)
    assert parent.stdout
    parent.stdout.readline()
    begun = Path(f"{os.fsdecode(paths[1])}.pid")
    wait_until(lambda: begun.exists() and bool(begun.read_text()))  # not one that is still starting
    return parent, psutil.Process(int(begun.read_text()))


@posix
@pytest.mark.parametrize("fault", ["sleep", "spin", "regex"])
def test_a_worker_ends_when_its_parent_is_killed(tmp_path: Path, fault: str) -> None:
    parent, worker = running(pages(tmp_path, "a.html", f"{fault}.html"), 1 if fault == "regex" else 600)
    parent.send_signal(signal.SIGSTOP)  # it can kill nobody any more, however late it is
    parent.kill()
    finish(parent)
    assert psutil.wait_procs([worker], timeout=30)[1] == []


@posix
@pytest.mark.parametrize("fault", ["sleep", "spin", "regex"])
def test_ctrl_c_ends_all_at_once(tmp_path: Path, fault: str) -> None:
    parent, worker = running(pages(tmp_path, "a.html", f"{fault}.html"), 600)
    os.killpg(parent.pid, signal.SIGINT)
    ran = finish(parent)
    assert (ran.status, ran.err.splitlines()[-1]) == (-signal.SIGINT, "KeyboardInterrupt")
    assert not worker.is_running()


@posix
def test_ctrl_c_does_not_end_a_worker_by_itself(tmp_path: Path) -> None:
    parent, worker = running(pages(tmp_path, "a.html", "sleep.html"), 600)
    worker.send_signal(signal.SIGINT)
    assert psutil.wait_procs([worker], timeout=0.5)[1] == [worker]
    parent.kill()
    finish(parent)
    assert psutil.wait_procs([worker], timeout=30)[1] == []


# ---- what goes over the pipe

STAMP = FileStamp(5, -1, 2**62)
DOCUMENT = Document(
    path=b"/\xff\n",
    kind="spreadsheet",
    digest=bytes(range(32)),
    stamp=STAMP,
    encoding="utf-8",
    title="Größe 𝄞",
    text="Größe | 𝄞\n1 | 2\n\nEnd",
    lines=(3, 4, 4, 9),
    headings=(Heading(0, 1, "Größe"), Heading(17, 2, "End")),
    marks=(
        LocationMark(0, "row", 1, "Größe", apart=True),
        LocationMark(10, "row", 2, "Größe"),
        LocationMark(20, "row", 2**40),
    ),
    blocks=(Block("table", 0, 15, 10), Block("list", 17, 20)),
    metadata={
        "author": "Ä", "tags": ("a", 1, True), "none": (), "pages": 3, "share": 0.5, "draft": False,
        "day": date(2024, 2, 29), "moment": datetime(2024, 2, 29, 12, 30, 1, 5),
    },
    script="Greek", body=3,
)  # fmt: skip


def test_the_document_of_these_tests_has_everything_that_one_may_have() -> None:
    for field in fields(Document):
        assert getattr(DOCUMENT, field.name) != field.default, field.name


@pytest.mark.parametrize(
    "whole",
    [
        DOCUMENT,
        replace(DOCUMENT, lines=None, stamp=None, headings=(), marks=(), blocks=(), metadata={}),
        replace(DOCUMENT, lines=(), text="", body=0, headings=(), marks=(), blocks=()),
        SkippedFile(b"/a", SkipCode.EMPTY, "empty"),
        SkippedFile(b"/a", SkipCode.NO_ACCESS, "permission denied", failed=True, stamp=STAMP),
    ],
    ids=["all", "little", "empty", "skip", "failed"],
)  # fmt: skip
def test_an_answer_is_what_was_read(whole: Document | SkippedFile) -> None:
    assert decode(whole.path, encode(whole)) == whole
    assert requested(request(whole.path)) == whole.path


def test_strings_that_cannot_be_kept_are_cleaned_where_they_are_read() -> None:
    odd = replace(DOCUMENT, title="a\0b\ud800", metadata={"\0k": "\udfff"}, headings=(Heading(0, 1, "x\0\udc80"),))
    loaded = decode(b"/a", encode(odd))
    assert isinstance(loaded, Document)
    assert (loaded.title, loaded.metadata, loaded.headings[0].title) == ("ab\ufffd", {"k": "\ufffd"}, "x\ufffd")
    assert decode(b"/a", encode(SkippedFile(b"/a", SkipCode.DAMAGED, "bad:\n \ud800" + "x" * 5000))) == SkippedFile(
        b"/a", SkipCode.DAMAGED, "bad: ?" + "x" * 994
    )


def test_more_than_an_answer_may_hold_is_a_reason() -> None:
    many = replace(DOCUMENT, metadata={str(number): "x" * 1000 for number in range(17_000)})
    assert decode(b"/a", encode(many)) == SkippedFile(
        b"/a", SkipCode.TOO_LARGE, "more headings, places and metadata than a document has", stamp=STAMP
    )


Change = Callable[[Frame], Frame]


def head(**fields: object) -> Change:
    """An answer with other fields."""
    import json

    return lambda frame: frame._replace(head=json.dumps(json.loads(frame.head) | fields).encode())


def number(at: int, value: int) -> Change:
    """An answer with another number."""
    raw = value.to_bytes(8, sys.byteorder, signed=True)
    return lambda frame: frame._replace(numbers=frame.numbers[: 8 * at] + raw + frame.numbers[8 * at + 8 :])


# Its numbers: 4 lines, 2 headings of 3, 3 marks of 5, 2 blocks of 4.
LIES: dict[str, Change] = {
    "nothing": lambda frame: Frame(b"", b"", b""),
    "no JSON": lambda frame: frame._replace(head=b"{"),
    "no object": lambda frame: frame._replace(head=b"[]"),
    "deep": lambda frame: frame._replace(head=b"[" * 1_000_000),
    "unknown code": lambda frame: frame._replace(head=b'{"code":"odd","reason":"odd","failed":false,"stamp":null}'),
    "huge number": lambda frame: frame._replace(head=b'{"reason":' + b"9" * 5000 + b"}"),
    "no UTF-8": lambda frame: frame._replace(text=b"\xff" + frame.text),
    "NUL": lambda frame: frame._replace(text=b"\0" + frame.text),
    "line break": lambda frame: frame._replace(text=frame.text.replace(b"\n", b"\r")),
    "short": lambda frame: frame._replace(text=frame.text[:-2]),
    "another line": lambda frame: frame._replace(text=frame.text + b"\n"),
    "half a number": lambda frame: frame._replace(numbers=frame.numbers[:-1]),
    "number too few": lambda frame: frame._replace(numbers=frame.numbers[:-8]),
    "number too many": lambda frame: frame._replace(numbers=frame.numbers + bytes(8)),
    "reason of lines": head(reason="a\nb", failed=False),
    "reason of ESC": head(reason="\x1b[2J", failed=False),
    "no reason": head(reason="", failed=False),
    "long reason": head(reason="x" * 1001, failed=False),
    "reason as number": head(reason=1, failed=False),
    "failed as text": head(reason="empty", failed="no"),
    "surrogate": head(title="\ud800"),
    "title with NUL": head(title="\0"),
    "kind as number": head(kind=1),
    "digest short": head(digest="00"),
    "digest as text": head(digest="word" * 16),
    "stamp short": head(stamp=[1, 2]),
    "stamp of floats": head(stamp=[1.0, 2.0, 3.0]),
    "stamp too large": head(stamp=[1, 2, 2**63]),
    "stamp as number": head(stamp=1),
    "lines below 0": head(lines=-4),
    "lines as text": head(lines="4"),
    "lines of true": head(lines=True),
    "marks beyond": head(marks=4),
    "marks beyond all": head(marks=2**62),
    "strings as text": head(strings="abcdefgh"),
    "strings of numbers": head(strings=list(range(9))),
    "strings with a surrogate": head(strings=["\ud800"] * 9),
    "too few strings": head(strings=["one"]),
    "metadata as list": head(metadata=[1]),
    "metadata of None": head(metadata={"a": None}),
    "metadata nested": head(metadata={"a": [[1]]}),
    "metadata with NUL": head(metadata={"a": "\0"}),
    "metadata too large": head(metadata={"a": 2**63}),
    "metadata of no day": head(metadata={"a": {"date": "2024-02-30"}}),
    "metadata of an object": head(metadata={"a": {"x": "y"}}),
    "metadata of two": head(metadata={"a": {"date": "2024-02-28", "time": "2024-02-28"}}),
    "line 0": number(0, 0),
    "heading before": number(4, -1),
    "heading beyond": number(7, 21),
    "headings crossed": number(4, 18),
    "string before": number(6, -1),
    "string beyond": number(6, 99),
    "mark beyond": number(20, 21),
    "marks crossed": number(10, 11),
    "mark half apart": number(14, 2),
    "block beyond": number(31, 21),
    "block empty": number(30, 20),
    "blocks crossed": number(27, 18),
    "header beyond": number(28, 16),
}  # fmt: skip


@pytest.mark.parametrize("lie", LIES.values(), ids=LIES)
def test_an_answer_that_nothing_read_is_refused(lie: Change) -> None:
    frame = encode(DOCUMENT)
    assert len(frame.numbers) == 8 * (4 + 2 * 3 + 3 * 5 + 2 * 4)
    with pytest.raises(ProtocolError):
        decode(DOCUMENT.path, lie(frame))
