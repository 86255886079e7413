"""`nearest get`: passages by their id or place, whatever the file counts by, in every form of a reference."""

from __future__ import annotations

import hashlib
import os
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from helpers.command import LINUX, PASSAGE_KEYS, Ran, lines, run
from helpers.stored import embed, writer

import nearest
from nearest import NearestError
from storage.errors import NotFoundError
from storage.files import SkipCode, SkippedFile
from storage.types import Chunk, Document, Location

if TYPE_CHECKING:
    from storage.types import Field

Where = tuple[int, int] | Location


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder in which the user is."""
    monkeypatch.delenv("NEAREST_COLLECTION", raising=False)
    folder = tmp_path / "documents"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


def keep(name: str | Path, *passages: tuple[str, Where | tuple[int, int, Location]], **fields: Any) -> None:
    """A document of the default collection with these passages, which need not be on disk."""
    chunks, start = [], 0
    for text, where in passages:
        place = next(
            (one for one in (where if isinstance(where, tuple) else (where,)) if isinstance(one, Location)), None
        )
        first, last = (where[0], where[1]) if isinstance(where, tuple) else (None, None)
        chunks.append(Chunk(text, start, start + len(text), first, last, ("Top",), place=place, **fields))
        start += len(text) + 1
    path = os.fsencode(Path.cwd() / name)
    metadata: dict[str, Field] = {"author": "A. Writer", "tags": ("x", "y"), "created": date(2026, 3, 5), "draft": True}
    digest = hashlib.sha256(path).digest()
    document = Document(path, "pdf", digest, None, "", "A title", "x" * start, metadata=metadata)
    with writer() as collection:
        collection.documents.put([(document, chunks)])
        embed(collection)


def notes(name: str = "notes.md") -> None:
    """A document with passages on lines 1 to 3, 5 to 7, 9 to 11 and so on."""
    keep(name, *((f"passage {n}", (4 * n + 1, 4 * n + 3)) for n in range(5)))


def texts(*args: str) -> list[str]:
    """The passages that are got."""
    ran = run("get", *args, "--json")
    assert (ran.status, ran.err) == (0, "")
    return [passage["text"] for passage in ran.json["passages"]]


def missing(*args: str) -> str:
    """What is said where nothing stands there."""
    ran = run("get", *args)
    assert (ran.status, ran.out, len(lines(ran))) == (1, b"", 1)
    return ran.err.removeprefix("nearest: ").rstrip("\n")


# ---- what a reference may be


def test_a_line_or_some_or_all_of_a_document() -> None:
    notes()
    assert texts("notes.md:6") == ["passage 1"]
    assert texts("notes.md:7-13") == ["passage 1", "passage 2", "passage 3"]
    assert texts("notes.md") == [f"passage {n}" for n in range(5)]
    assert texts("notes.md:") == texts("notes.md")
    assert texts("./notes.md:1-1") == texts(f"{Path.cwd()}/notes.md:1") == ["passage 0"]


def test_a_passage_by_its_id() -> None:
    notes()
    ids = [passage["chunk_id"] for passage in run("get", "notes.md", "--json").json["passages"]]
    assert texts(str(ids[3])) == ["passage 3"]
    for number in (max(ids) + 1, 0, 2**63):
        assert missing(str(number)) == f"there is no passage {number} (any more): search for it again"


def test_what_is_printed_can_be_read_and_typed_again() -> None:
    notes()
    ran = run("get", "notes.md:6")
    assert (ran.status, ran.err) == (0, "")
    assert ran.text == "notes.md:5  Top  (gone)\n    passage 1\n\n"
    assert run("get", ran.text.split()[0]).text == ran.text


def test_pages_and_their_ranges() -> None:
    keep("report.pdf", ("a", Location("page", 1, 1)), ("b", Location("page", 1, 2)), ("c", Location("page", 4, 4)))
    assert texts("report.pdf:1") == ["a", "b"]
    assert texts("report.pdf:2-4") == ["b", "c"]
    assert missing("report.pdf:3") == "nothing stands at '3' of report.pdf: it has pages 1 to 4"
    assert run("get", "report.pdf:1-2").text == (
        "report.pdf  page 1  Top  (gone)\n    a\n\nreport.pdf  pages 1-2  Top  (gone)\n    b\n\n"
    )


def test_rows_of_a_sheet_or_of_all_sheets() -> None:
    keep(
        "budget.xlsx",
        ("costs", Location("row", 2, 14, "Costs")),
        ("income", Location("row", 2, 3, "Income: 2026")),
        ("more", Location("row", 12, 12, "Income: 2026")),
        ("last", Location("row", 1, 1, "2025")),
    )
    assert texts("budget.xlsx:12") == ["costs", "more"]
    assert texts("budget.xlsx:Costs:12") == ["costs"]
    assert texts("budget.xlsx:Income: 2026:2-12") == ["income", "more"]
    assert texts("budget.xlsx:Income: 2026") == ["income", "more"]
    assert texts("budget.xlsx:2025") == texts("budget.xlsx:2025:1") == ["last"]
    whole = 'rows 1 to 14 in "Costs", "Income: 2026", "2025"'
    for place in ("99", "Cost:12", "Costs:99", "costs"):
        assert missing(f"budget.xlsx:{place}") == f"nothing stands at {place!r} of budget.xlsx: it has {whole}"
    shown = run("get", "budget.xlsx:Costs:12").text
    assert shown.startswith('budget.xlsx  sheet "Costs" rows 2-14  Top')


def test_times_of_subtitles() -> None:
    keep(
        "talk.srt",
        ("one", (2, 6, Location("time", 1500, 60_000))),
        ("two", (8, 9, Location("time", 750_000, 750_000))),
        ("three", (11, 12, Location("time", 3_723_400, 3_730_000))),
    )
    assert texts("talk.srt:00:12:30") == texts("talk.srt:12:30") == ["two"]
    assert texts("talk.srt:00:13:00") == ["two"]  # it stands there until the next comes
    assert texts("talk.srt:00:00:01") == texts("talk.srt:00:00:01,500") == ["one"]
    assert texts("talk.srt:0:59-1:02:03") == ["one", "two", "three"]
    assert texts("talk.srt:8") == ["two"]
    whole = "lines 2 to 12, 00:00:01 to 01:02:10"
    for time in ("00:00:00", "00:00:01.499", "01:02:11"):
        assert missing(f"talk.srt:{time}") == f"nothing stands at {time!r} of talk.srt: it has {whole}"
    shown = [line for line in run("get", "talk.srt").text.splitlines() if line.startswith("talk")]
    assert shown == [
        "talk.srt:2  00:00:01-00:01:00  Top  (gone)",
        "talk.srt:8  00:12:30  Top  (gone)",
        "talk.srt:11  01:02:03-01:02:10  Top  (gone)",
    ]


def test_chapters_messages_and_what_is_attached_to_them() -> None:
    keep("sea.epub", ("calm", Location("chapter", 1, 1, "The sea")), ("storm", Location("chapter", 2, 2)))
    assert texts("sea.epub:2") == ["storm"]
    assert texts("sea.epub:The sea") == ["calm"]
    assert 'sea.epub  chapter "The sea"  Top' in run("get", "sea.epub:1").text
    assert "sea.epub  chapter 2  Top" in run("get", "sea.epub:2").text
    keep(
        "box.mbox",
        ("letter", Location("message", 3, 3)),
        ("page 3", Location("page", 3, 3, "bill.pdf")),
        ("sheet", Location("row", 4, 5, "sums.xlsx > Costs")),
    )
    assert texts("box.mbox:3") == ["letter"]
    assert texts("box.mbox:bill.pdf:3") == ["page 3"]
    heads = [line for line in run("get", "box.mbox").text.splitlines() if line.startswith("box")]
    assert [head.split("  ")[1] for head in heads] == [
        "message 3", '"bill.pdf" page 3', 'sheet "sums.xlsx > Costs" rows 4-5',
    ]  # fmt: skip


def test_many_parts_are_not_all_named() -> None:
    keep("many.xlsx", *((f"{n}", Location("row", n, n, f"S{n}")) for n in range(1, 9)))
    assert missing("many.xlsx:9").endswith('it has rows 1 to 8 in "S1", "S2", "S3", "S4", "S5" and 3 more')


@pytest.mark.skipif(not LINUX, reason="other systems refuse such names")
def test_paths_with_colons_and_paths_that_are_no_text() -> None:
    notes("a")
    notes("a:5")
    assert run("get", "a:5", "--json").json["path"].endswith("/a:5")
    assert len(texts("a:5")) == 5
    assert texts("a:5:6") == texts("a:6") == ["passage 1"]
    name = os.fsdecode(b"caf\xe9:\n.md")
    notes(name)
    assert texts(f"{name}:9") == ["passage 2"]
    assert run("get", f"{name}:9").text.startswith("caf\\udce9:\\u000a.md:9  ")


def test_a_number_is_an_id_and_a_file_of_that_name_has_a_path() -> None:
    notes("7777")
    assert "there is no passage 7777" in missing("7777")
    assert len(texts("./7777")) == 5


def test_a_link_to_a_document_is_that_document(folder: Path) -> None:
    (folder / "real.md").write_text("x")
    (folder / "link.md").symlink_to("real.md")
    notes("real.md")
    assert texts("link.md:1") == ["passage 0"]


def test_paths_are_seen_from_where_one_is(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    notes("sub/notes.md")
    (folder / "sub").mkdir()
    monkeypatch.chdir(folder / "sub")
    assert texts("notes.md:1") == texts("../sub/notes.md:1") == ["passage 0"]


# ---- what is not there


def test_a_misspelt_path_is_told_what_was_meant() -> None:
    notes()
    notes("garden/moss.txt")
    here = Path.cwd()
    assert missing("nots.md:3") == f"nothing at {here}/nots.md is indexed; did you mean 'notes.md'?"
    assert missing("moss.txt").endswith(f"did you mean '{here}/garden/moss.txt'?")
    assert missing("elsewhere.pdf:1") == f"nothing at {here}/elsewhere.pdf is indexed"
    assert missing("9" * 5000) == f"nothing at {here}/{'9' * 5000} is indexed"
    assert missing("garden") == "garden is a folder: name a document in it"


def test_a_file_that_was_passed_over_is_told_with_the_reason() -> None:
    notes()
    with writer() as collection:
        collection.documents.note_skips(
            b"/", [SkippedFile(os.fsencode(Path.cwd() / "scan.pdf"), SkipCode.SCANNED, "no text in it")]
        )
    assert missing("scan.pdf:7") == missing("scan.pdf") == "scan.pdf was passed over: no text in it"


@pytest.mark.parametrize(("place", "cure"), [("9-3", "9-3 ends before it begins"), ("0:09-0:03", "ends before it beg")])
def test_a_range_that_ends_before_it_begins_is_no_range(place: str, cure: str) -> None:
    notes()
    ran = run("get", f"notes.md:{place}")
    assert (ran.status, ran.out, len(lines(ran))) == (2, b"", 1)
    assert cure in ran.err


@pytest.mark.parametrize("place", ["0", "4", "99", "x", "-3", "3-", "1 2", "1:2", "²"])
def test_nothing_there_names_what_there_is(place: str) -> None:
    notes()
    assert missing(f"notes.md:{place}") == f"nothing stands at {place!r} of notes.md: it has lines 1 to 19"


def test_no_reference_and_no_collection() -> None:
    assert missing("notes.md") == "nothing is indexed yet: nearest index PATH"
    notes()
    assert run("get", "").err == "nearest: the reference names nothing: give the id of a passage, or PATH:LINE\n"
    assert run("get").status == run("get", "a", "b").status == run("get", "notes.md", "--context", "-1").status == 2


# ---- neighbours


def neighbours(ran: Ran) -> list[list[str]]:
    """For each passage what stands before it, itself, and what stands after it."""
    assert ran.status == 0
    return [
        [" ".join(it["text"][-1] for it in part) for part in (passage["before"], [passage], passage["after"])]
        for passage in ran.json["passages"]
    ]


def test_context_is_what_stands_around_all_of_them_each_once() -> None:
    notes()
    assert neighbours(run("get", "notes.md:9", "--context", "1", "--json")) == [["1", "2", "3"]]
    assert neighbours(run("get", "notes.md:6-9", "--context", "2", "--json")) == [["0", "1", ""], ["", "2", "3 4"]]
    assert neighbours(run("get", "notes.md:1", "--context", "9", "--json")) == [["", "0", "1 2 3 4"]]
    keep("s.xlsx", *((f"{n}", Location("row", 1 + n % 3, 1 + n % 3, f"S{n // 3}")) for n in range(6)))
    assert neighbours(run("get", "s.xlsx:1", "--context", "1", "--json")) == [["", "0", "1"], ["2", "3", "4"]]
    assert neighbours(run("get", "s.xlsx:1", "--context", "2", "--json")) == [["", "0", "1 2"], ["", "3", "4 5"]]


def test_context_is_shown_in_order_with_its_places_and_dimmed() -> None:
    notes()
    ran = run("get", "notes.md:9", "--context", "1")
    assert ran.text.splitlines() == [
        "notes.md:5  Top  (gone)", "    passage 1", "",
        "notes.md:9  Top  (gone)", "    passage 2", "",
        "notes.md:13  Top  (gone)", "    passage 3", "",
    ]  # fmt: skip
    shown = run("get", "notes.md:9", "--context", "1", terminal=True).text
    assert "    \x1b[2mpassage 1" in shown
    assert "    passage 2" in shown


def test_a_passage_is_printed_whole_below_the_header_of_its_table() -> None:
    keep("t.xlsx", ("\n".join(f"row {n} | {n}" for n in range(50)), Location("row", 2, 51)), header="name | number\n")
    shown = run("get", "t.xlsx:7").text.splitlines()
    assert shown[1:-1] == ["    name | number", *(f"    row {n} | {n}" for n in range(50))]


# ---- JSON


def test_json_is_the_document_and_its_passages() -> None:
    keep("report.pdf", ("a", Location("page", 7, 8)), header="x | y\n")
    ran = run("get", "report.pdf:7", "--json")
    got = ran.json
    (passage,) = got.pop("passages")
    digest = hashlib.sha256(os.fsencode(Path.cwd() / "report.pdf")).hexdigest()
    document = {"path": str(Path.cwd() / "report.pdf"), "kind": "pdf", "title": "A title", "digest": digest}
    assert got == {
        "version": 1,
        **document,
        "stale": True,
        "metadata": {"author": "A. Writer", "tags": ["x", "y"], "created": "2026-03-05", "draft": True},
    }
    assert list(passage) == PASSAGE_KEYS
    assert passage == {
        **document,
        "stale": True,
        "chunk_id": 1,
        "start_line": None,
        "end_line": None,
        "start_char": 0,
        "end_char": 1,
        "place": {"unit": "page", "first": 7, "last": 8, "part": ""},
        "headings": ["Top"],
        "header": "x | y\n",
        "text": "a",
        "before": [],
        "after": [],
    }
    with_context = run("get", "report.pdf:7", "--json", "--context", "1").json["passages"]
    assert with_context == [passage]


# ---- Python


def test_the_python_face_gets_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    notes()
    collection = nearest.open()
    (passage,) = collection.get("notes.md:6", context=1)
    assert (passage.chunk.text, passage.path, passage.stale) == ("passage 1", str(Path.cwd() / "notes.md"), True)
    assert ([it.chunk.text for it in passage.before], [it.chunk.text for it in passage.after]) == (
        ["passage 0"],
        ["passage 2"],
    )
    assert collection.get(passage.chunk_id) == collection.get(str(passage.chunk_id)) == collection.get("notes.md:6")
    monkeypatch.setenv("HOME", str(Path.cwd()))
    monkeypatch.setenv("USERPROFILE", str(Path.cwd()))
    assert len(collection.get("~/notes.md")) == 5
    with pytest.raises(NotFoundError, match="it has lines 1 to 19"):
        collection.get("notes.md:20")
    for bad in ("", "a\0b", "notes.md:9-3"):
        with pytest.raises(NearestError) as caught:
            collection.get(bad)
        assert not isinstance(caught.value, NotFoundError)
    with pytest.raises(NearestError, match="ask for 0 neighbours at least"):
        collection.get("notes.md", context=-1)
    assert len(collection.get("notes.md:6", context=10**30)[0].after) == 3
