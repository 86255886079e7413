"""What is printed of hits: places of every kind, tables with their headers, neighbours, files that have changed."""

from __future__ import annotations

import os
import re
from collections.abc import Generator, Iterable, Iterator
from pathlib import Path
from xml.etree import ElementTree

import click
import pytest
from helpers.command import HIT_KEYS, run, search, words_server
from helpers.ollama_server import OllamaServer
from helpers.stored import local_store

from indexer.sandbox import pool
from indexer.sandbox.process import SandboxLimits
from search.query.locations import extent, place_text
from search.stale import mark_stale
from storage.files import SkippedFile
from storage.local.store import LocalStore
from storage.types import Chunk, Document, Location, Passage, Range


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[OllamaServer]:
    """An embedder for the commands of this test."""
    with words_server(monkeypatch) as running:
        yield running


@pytest.fixture
def folder(tmp_path: Path, server: OllamaServer, monkeypatch: pytest.MonkeyPatch, settled: None) -> Path:
    """A folder with two indexed documents, in which the user is."""
    folder = tmp_path / "documents"
    folder.mkdir()
    monkeypatch.chdir(folder)
    sections = (f"# Part {n}\n\n" + f"Word{n} stands here. " * 20 for n in range(5))
    (folder / "long.md").write_text("\n\n".join(sections) + "\n")
    (folder / "short.txt").write_text("moss on the lawn\n")
    assert run("index", ".").status == 0
    return folder


def keep(name: str, *chunks: Chunk) -> None:
    """Another document of the collection, with its vectors."""
    path = os.fsencode(Path.cwd() / name)
    with local_store("default", write=True) as collection:
        collection.documents.put([(Document(path, "pdf", bytes(32), None, "", "T", "x" * 5000), list(chunks))])
    assert run("index", "short.txt").status == 0


# ---- places


@pytest.mark.parametrize(
    ("place", "text"),
    [
        (Location("page", 7, 7), "page 7"),
        (Location("page", 7, 8), "pages 7-8"),
        (Location("slide", 3, 3), "slide 3"),
        (Location("cell", 4, 5), "cells 4-5"),
        (Location("row", 12, 14), "rows 12-14"),
        (Location("row", 12, 12, "Costs"), 'sheet "Costs" row 12'),
        (Location("row", 12, 14, "Costs"), 'sheet "Costs" rows 12-14'),
        (Location("chapter", 4, 4, "The sea"), 'chapter "The sea"'),
        (Location("chapter", 4, 4), "chapter 4"),
        (Location("time", 750_000, 750_999), "00:12:30"),
        (Location("time", 750_000, 3_723_400), "00:12:30-01:02:03"),
        (Location("time", 360_000_000, 360_000_000), "100:00:00"),
        (Location("message", 3, 3), "message 3"),
        (Location("page", 2, 2, "bill.pdf"), '"bill.pdf" page 2'),
    ],
)
def test_a_place_in_words(place: Location, text: str) -> None:
    assert place_text(place) == text


def test_all_places_of_a_document_in_words() -> None:
    assert extent([]) == "no passages"
    assert extent([Range("line", 1, 120)]) == "lines 1 to 120"
    assert extent([Range("page", 1, 1, "")]) == "page 1"
    mail = [Range("message", 1, 9, ""), Range("page", 1, 2, "a.pdf"), Range("page", 1, 30, "b.pdf")]
    assert extent(mail) == 'messages 1 to 9, pages 1 to 30 in "a.pdf", "b.pdf"'


def test_a_file_without_lines_is_found_at_its_place(folder: Path) -> None:
    place = Location("row", 12, 14, "Co\x1bsts")
    rows = "bolts | 12\nnuts | 7\nzebra | 1"
    keep("budget.xlsx", Chunk(rows, 0, 29, None, None, ("Top",), place=place, header="item | number\n", lead="Lead\n"))
    (hit,) = search("zebra bolts", "-k1")
    assert list(hit) == HIT_KEYS
    assert (hit["start_line"], hit["end_line"]) == (None, None)
    assert hit["place"] == {"unit": "row", "first": 12, "last": 14, "part": "Co\x1bsts"}
    assert (hit["header"], hit["text"], hit["stale"]) == ("item | number\n", rows, True)
    shown = run("search", "zebra bolts", "-k1").text
    assert re.fullmatch(
        r'budget\.xlsx  sheet "Co\\u001bsts" rows 12-14  \d+%  Top  \(gone\)\n'
        r"    item \| number\n    bolts \| 12\n    nuts \| 7\n    zebra \| 1\n\n",
        shown,
    )
    assert run("search", "zebra bolts", "-k1", "--vimgrep").text == "budget.xlsx:1:1:bolts | 12\n"


def test_a_place_stands_behind_the_line_where_there_are_both(folder: Path) -> None:
    keep("data.csv", Chunk("zebra | 1", 0, 9, 12, 13, (), place=Location("row", 11, 12)))
    assert re.match(r"data\.csv:12  rows 11-12  \d+%  \(gone\)\n", run("search", "zebra", "-k1").text)
    assert run("search", "zebra", "-k1", "--vimgrep").text == "data.csv:12:1:zebra | 1\n"
    (hit,) = search("zebra", "-k1")
    assert (hit["start_line"], hit["place"]["first"]) == (12, 11)


def test_a_wide_header_takes_no_more_than_two_lines(folder: Path) -> None:
    header = " | ".join(f"column {n}" for n in range(60)) + "\n"
    keep("wide.xlsx", Chunk("zebra | 1", 0, 9, None, None, (), place=Location("row", 2, 2), header=header))
    shown = run("search", "zebra", "-k1", "--brief").text.splitlines()
    assert (len(shown), shown[3:]) == (6, ["    ...", "    zebra | 1", ""])
    whole = run("search", "zebra", "-k1").text.splitlines()
    assert whole[1:] == [f"    {header.rstrip()}", "    zebra | 1", ""]


# ---- neighbours


def test_neighbours_come_with_a_hit(folder: Path) -> None:
    passages = run("get", "long.md", "--json").json["passages"]
    (hit,) = search("word2", "-k1", "--context", "1")
    assert list(hit) == HIT_KEYS
    at = [passage["chunk_id"] for passage in passages].index(hit["chunk_id"])
    assert 0 < at < len(passages) - 1
    keys = ["chunk_id", "start_line", "end_line", "start_char", "end_char", "place", "headings", "header", "text"]
    expected = [{key: passages[other][key] for key in keys} for other in (at - 1, at + 1)]
    assert [*hit["before"][-1:], *hit["after"][:1]] == expected
    (wider,) = search("word2", "-k1", "--context", "99")
    around = [*wider["before"], wider, *wider["after"]]
    assert [one["chunk_id"] for one in around] == [passage["chunk_id"] for passage in passages]
    (alone,) = search("moss", "-k1", "--context", "3")
    assert (alone["before"], alone["after"]) == ([], [])
    assert search("word2", "-k1", "--context", "0") == search("word2", "-k1")


def test_passages_that_touch_are_one_hit_which_says_how_many_it_stands_for(folder: Path) -> None:
    passages = run("get", "long.md", "--json").json["passages"]
    hits = search("word2 stands here", "-k9")
    runs = [[*hit["before"], hit, *hit["after"]] for hit in hits if hit["path"].endswith("long.md")]
    ids = [[passage["chunk_id"] for passage in together] for together in runs]
    assert max(map(len, ids)) == 4
    assert sorted(one for together in ids for one in together) == [passage["chunk_id"] for passage in passages]
    assert all(together == list(range(together[0], together[-1] + 1)) for together in ids)
    shown = run("search", "word2 stands here", "-k9").text
    (head,) = (line for line in shown.splitlines() if "Part 2" in line and line.startswith("long.md"))
    assert head.endswith("  Part 2  (+3 beside it)")
    (best,) = (hit for hit in hits if "Part 2" in hit["headings"])
    assert "Word2" in best["best"]["text"]
    assert not any(text in best["best"]["text"] for text in ("Word1", "Word3"))
    (folder / "long.md").unlink()
    assert "  (+3 beside it)  (gone)\n" in run("search", "word2 stands here", "-k9").text


def test_neighbours_are_dimmed_around_the_passage_which_is_shown_whole(folder: Path) -> None:
    plain = run("search", "word2", "-k1").text.splitlines()
    shown = run("search", "word2", "-k1", "--context", "1").text.splitlines()
    assert plain[0].endswith("  Part 2  (+3 beside it)")
    assert re.fullmatch(r"long\.md:9  \d+%  Part 2", shown[0])
    whole = [line for line in shown if line.startswith("  > ")]
    assert " ".join(line[4:] for line in whole).count("Word2") == 20
    first = shown.index(whole[0])
    last = first + len(whole) - 1
    assert shown[first : last + 1] == whole
    assert [line for line in shown[1:first] if not re.search(r"(Word|Part )[01]|\.\.\.", line)] == []
    assert [line for line in shown[last + 1 : -1] if not re.search(r"(Word|Part )[34]|\.\.\.", line)] == []
    assert shown[first - 1].startswith("    ")
    dimmed = run("search", "word2", "-k1", "--context", "1", terminal=True).text
    assert re.search(r"^    \x1b\[2m.*Word1", dimmed, re.MULTILINE)
    assert re.search(r"^  > .*Word2", dimmed, re.MULTILINE)


def test_of_a_long_neighbour_the_part_next_to_the_passage_is_shown(folder: Path) -> None:
    many = "\n".join(f"line {n}" for n in range(20))
    texts = (many, "zebra", many)
    keep("l.txt", *(Chunk(text, at * 200, at * 200 + len(text), at + 1, at + 1, ()) for at, text in enumerate(texts)))
    shown = run("search", "zebra", "-k1", "--context", "1").text.splitlines()
    assert shown[1:-1] == [
        "    ...",
        *(f"    line {n}" for n in range(14, 20)),
        "  > zebra",
        *(f"    line {n}" for n in range(6)),
        "    ...",
    ]


def test_a_context_below_0_is_refused(folder: Path) -> None:
    ran = run("search", "moss", "--context", "-1")
    assert (ran.status, ran.out) == (2, b"")
    assert "Invalid value for '--context'" in ran.err


# ---- files that have changed


def stale(question: str) -> tuple[bool, str]:
    """Whether the first hit is stale, and the end of what is shown of its place."""
    shown = run("search", question, "-k1").text.splitlines()[0]
    return search(question, "-k1")[0]["stale"], re.sub(
        r".*  \d+%( {2}Part \d)?( {2}\(\+\d beside it\))?( {2})?", "", shown
    )


def test_a_file_that_has_changed_or_gone_is_told(folder: Path) -> None:
    assert stale("moss") == (False, "")
    (folder / "short.txt").write_text("ants on the lawn\n")
    assert stale("moss") == (True, "(changed since it was indexed)")
    assert stale("word2") == (False, "")
    (folder / "short.txt").unlink()
    assert stale("moss") == (True, "(gone)")
    (folder / "short.txt").mkdir()
    assert stale("moss") == (True, "(changed since it was indexed)")


def test_a_file_that_was_written_again_as_it_was_is_no_other(folder: Path) -> None:
    (folder / "short.txt").write_text("moss on the lawn\n")
    os.utime(folder / "short.txt", (1, 1))
    assert stale("moss") == (False, "")


def test_indexing_again_makes_it_fresh(folder: Path) -> None:
    (folder / "short.txt").write_text("moss on the roof\n")
    assert stale("moss") == (True, "(changed since it was indexed)")
    assert run("index", ".").status == 0
    assert stale("moss") == (False, "")


def test_a_file_is_read_only_where_its_times_differ_and_once_for_all_its_passages(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import indexer.read.reader

    real, read = indexer.read.reader.digest, list[bytes]()

    def watched(path: bytes) -> bytes | None:
        read.append(path)
        return real(path)

    monkeypatch.setattr("indexer.read.reader.digest", watched)
    with local_store("default") as collection:
        passages = [it for name in ("long.md", "short.txt") for it in _passages(collection, folder / name)]
    assert len(passages) > 3
    assert not any(passage.stale for passage in mark_stale(passages))
    assert read == []
    os.utime(folder / "long.md", (1, 1))
    assert not any(passage.stale for passage in mark_stale(passages))
    assert read == [os.fsencode(folder / "long.md")]


def _passages(collection: LocalStore, path: Path) -> list[Passage]:
    return collection.passages.at(os.fsencode(path), Range())


# ---- index and status


def test_the_language_of_scans_is_handed_on(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def noted(paths: Iterable[bytes], limits: SandboxLimits) -> Generator[Document | SkippedFile]:
        asked.append(limits.ocr)
        return pool.read_all(paths, limits)

    monkeypatch.setattr("indexer.sync.read_all", noted)
    assert run("index", ".").status == 0
    assert run("index", ".", "--ocr", "deu+eng").status == 0
    monkeypatch.setenv("NEAREST_OCR", " eng\n")
    assert run("index", ".").status == 0
    assert run("index", ".", "--ocr", "fra").status == 0
    assert asked == ["", "deu+eng", "eng", "fra"]


def foreign(embedder: str, *scripts: str) -> list[str]:
    """What status says of languages in a collection of this embedder, with documents in these scripts."""
    from helpers.stored import IDENTITY, vector_of

    from storage.types import EmbedderFingerprint

    with local_store("foreign", write=True) as collection:
        collection.bind_embedder(EmbedderFingerprint(embedder, "1", IDENTITY.dimension), vector_of("probe"))
        for number, script in enumerate(scripts):
            document = Document(b"/%d" % number, "text", bytes(32), None, "", "T", "x", script=script)
            collection.documents.put([(document, [])])
    ran = run("status", "-c", "foreign")
    counts = run("status", "-c", "foreign", "--json").json["scripts"]
    assert counts == {script: scripts.count(script) for script in scripts if script}
    return [line for line in ran.text.splitlines() if line.startswith("languages")]


def test_status_names_a_cure_for_texts_that_an_english_model_does_not_serve() -> None:
    (line,) = foreign("local:all-minilm", "Han", "", "Cyrillic", "Han")
    assert line == (
        "languages:   3 documents are mostly in Han (2), Cyrillic (1); all-minilm is an English model, a multilingual "
        "one would serve them: nearest index -c NAME --embedder local:multilingual-e5-small PATH (or ollama:bge-m3)"
    )


def test_status_says_nothing_of_languages_where_there_is_nothing_to_say() -> None:
    assert foreign("local:all-minilm", "", "") == []


def test_status_says_nothing_of_languages_where_the_model_is_another() -> None:
    assert foreign("ollama:bge-m3", "Han", "Han") == []


# ---- how much of them


@pytest.fixture
def notes(tmp_path: Path, server: OllamaServer, monkeypatch: pytest.MonkeyPatch, settled: None) -> Path:
    """A folder with forty indexed notes, in which the user is: one answers, and the others are about the same."""
    folder = tmp_path / "notes"
    folder.mkdir()
    monkeypatch.chdir(folder)
    for n in range(40):
        said = " ".join(f"w{(7 * n + m) % 53}" for m in range(20))
        (folder / f"{n:02}.md").write_text(f"# Note {n}\n\nThe roof of house {n} is old.\n\n{said}\n")
    (folder / "answer.md").write_text("# Slate\n\nThe roof has slate tiles, and they leak in autumn.\n")
    assert run("index", ".").status == 0
    return folder


def shown_on(rows: int, columns: int, *args: str) -> list[str]:
    """The lines that a terminal of that size shows, without their styles."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("COLUMNS", str(columns))
        patch.setenv("LINES", str(rows))
        return click.unstyle(run("search", *args, terminal=True).text).splitlines()


@pytest.mark.parametrize(("rows", "columns"), [(16, 80), (24, 80), (24, 30), (40, 120), (100, 100)])
def test_a_terminal_is_filled_once_and_the_rest_is_counted(notes: Path, rows: int, columns: int) -> None:
    found = shown_on(rows, columns, "the slate roof of a house", "--", "-nothing")
    assert sum(max(1, -(-len(line) // columns)) for line in found) <= rows - 2
    assert re.fullmatch(r"1\. answer\.md:1  \d+%  Slate", found[0])
    ranks = [int(line.split(".")[0]) for line in found if re.match(r"\d+\. ", line)]
    assert ranks == list(range(1, len(ranks) + 1))
    if len(ranks) < 10:
        rest = 10 - len(ranks)
        assert re.match(rf"{rest} more, .*no good match: -k 10 shows them", found[-1])


def test_all_that_is_asked_for_is_printed(notes: Path) -> None:
    for asked in (["-k", "10"], ["--full"]):
        found = shown_on(16, 80, "the slate roof of a house", *asked)
        assert sum(bool(re.match(r"\d+\. ", line)) for line in found) == 10
    piped = run("search", "the slate roof of a house").text
    assert (piped.count("%"), "more" in piped) == (10, False)


def test_in_a_pipe_passages_are_whole_and_no_line_is_broken(folder: Path) -> None:
    line = "Zebras " + "graze and " * 100 + "sleep."
    (folder / "zebra.txt").write_text(f"{line}\n\nA word.\n")
    run("index", ".")
    (hit,) = search("zebras", "-k1")
    text = [one["text"] for one in (*hit["before"], hit, *hit["after"])]
    piped = run("search", "zebras", "-k1").text.splitlines()
    assert "".join(piped[1:]).split() == " ".join(text).split()
    assert max(map(len, piped)) > 500
    brief = run("search", "zebras", "-k1", "--brief").text.splitlines()
    assert max(map(len, brief)) <= 100


def test_what_is_no_good_match_is_dimmed_on_a_terminal(notes: Path) -> None:
    lines = run("search", "the slate roof of a house", "-k3", terminal=True).text.splitlines()
    heads = [line for line in lines if re.match(r"(\x1b\[2m)?\d\. ", line)]
    assert [line.startswith("\x1b[2m") for line in heads] == [False, True, True]
    weak = "\n".join(lines[lines.index(heads[1]) :])
    assert set(re.findall(r"\x1b\[[\d;]*m", weak)) == {"\x1b[2m", "\x1b[0m"}


def test_words_that_most_passages_have_are_in_no_colour(notes: Path) -> None:
    text = run("search", "the slate roof", "-k1", terminal=True).text
    coloured = re.findall(r"\x1b\[33m(?:\x1b\[1m)?(\w+)\x1b", text)
    assert [word.lower() for word in coloured] == ["slate", "slate"]


# ---- links


def test_a_place_is_a_link_where_an_editor_is_named(notes: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (notes / "a b é.md").write_text("first\n\n" + "Zebras graze here.\n")
    run("index", ".")
    monkeypatch.setenv("NEAREST_EDITOR", "edit://open?file={path}&line={line}")
    uri = (notes / "a b é.md").as_uri().removeprefix("file://")
    link = f"\x1b]8;;edit://open?file={uri}&line=1\x1b\\"
    assert link in run("search", "zebras", "-k1", terminal=True).text
    assert "\x1b" not in run("search", "zebras", "-k1").text
    with monkeypatch.context() as patch:
        patch.setenv("NO_COLOR", "1")
        assert "\x1b" not in run("search", "zebras", "-k1", terminal=True).text
    monkeypatch.setenv("NEAREST_EDITOR", "vim")
    ran = run("search", "zebras")
    assert (ran.status, ran.err.count("\n")) == (2, 1)
    assert "NEAREST_EDITOR is 'vim'" in ran.err
    assert "'vscode://file{path}:{line}'" in ran.err


# ---- for language models, and only what is sure


def test_sources_are_numbered_as_markdown_and_as_xml(notes: Path) -> None:
    ran = run("search", "slate tiles", "-k2", "--format", "markdown")
    assert (ran.status, ran.err) == (0, "")
    lines = ran.text.splitlines()
    assert lines[:7] == [
        "# slate tiles", "", f"## [1] {notes / 'answer.md'} lines 1-3", "", lines[4], "", "> # Slate",
    ]  # fmt: skip
    assert re.fullmatch(r"Slate, confidence [01]\.\d\d", lines[4])
    assert sum(line.startswith("## [2] ") for line in lines) == 1
    root = ElementTree.fromstring(run("search", "slate tiles", "-k2", "--format", "xml").text)
    assert (root.tag, root.get("question"), [one.get("id") for one in root]) == ("sources", "slate tiles", ["1", "2"])
    assert root[0].get("path") == str(notes / "answer.md")
    assert (root[0].text or "").strip() == "# Slate\n\nThe roof has slate tiles, and they leak in autumn."
    assert run("search", "slate", "-k1", "--format", "json").json["query"] == "slate"


def test_hits_below_a_confidence_are_left_out_and_counted(notes: Path) -> None:
    every = run("search", "slate tiles", "--json").json["hits"]
    below = sum(hit["confidence"] < 0.2 for hit in every)
    assert 0 < below < len(every)
    ran = run("search", "slate tiles", "--min-confidence", "0.2", "--json")
    assert (ran.status, ran.json["hits"]) == (0, every[: len(every) - below])
    assert ran.json["notes"] == [f"{below} hits below a confidence of 20% left out"]
    assert ran.err == f"nearest: {ran.json['notes'][0]}\n"
    none = run("search", "zebra giraffe", "--min-confidence", "1", "-k1")
    assert (none.status, none.out, none.err.splitlines()[-1]) == (
        1, b"", "nearest: 1 hit below a confidence of 100% left out",
    )  # fmt: skip
    assert run("search", "slate", "--min-confidence", "40").status == 2
