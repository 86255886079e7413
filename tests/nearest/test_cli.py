"""The command line as its users meet it: exit statuses, what goes to which stream, every format, every cure."""

from __future__ import annotations

import hashlib
import json
import os
import re
import signal
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import click
import numpy as np
import pytest
import wcwidth
from helpers import ollama_server
from helpers.command import (
    HIT_KEYS,
    LINUX,
    Ran,
    begin,
    closed_port,
    finish,
    forget_settings,
    run,
    search,
    wait_until,
    words_server,
)
from helpers.command import PASSAGE_KEYS as PASSAGE_KEYS
from helpers.command import lines as lines
from helpers.desk import as_somebody_else, words_vector
from helpers.ollama_server import OllamaServer
from helpers.stored import OtherProcess, local_store

from nearest.cli.terminal import FIRST_LINES

pytestmark = pytest.mark.slow

ESCAPE = "\x1b"


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing of the user's own settings."""
    forget_settings(monkeypatch)


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[OllamaServer]:
    """An embedder for the commands of this test."""
    with words_server(monkeypatch) as running:
        yield running


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with three documents, in which the user is."""
    folder = tmp_path / "documents"
    (folder / "garden").mkdir(parents=True)
    roof, boiler = "The roof leaks. " * 10, "The boiler is in the cellar. " * 18
    (folder / "house.md").write_text(f"# House\n\n{roof}\n\n## Cellar\n\n{boiler}\n")
    (folder / "garden" / "moss.txt").write_text("Moss grows on the lawn\nwhere no sun shines.\n")
    (folder / "image.png").write_bytes(b"\x89PNG")
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def indexed(server: OllamaServer, folder: Path) -> Path:
    """The same, indexed."""
    assert run("index", ".").status == 0
    server.requests.clear()
    return folder


def assert_answered(ran: Ran, front: str = "") -> None:
    """Hits were printed without any error, and it was told where none of them is likely to be the answer."""
    answer = ran.json
    assert answer["hits"]
    confidence = answer["hits"][0]["confidence"]
    note = f"no good match: the best hit answers the question with a confidence of {confidence:.0%}"
    assert answer["notes"] == ([] if answer["good"] else [note])
    assert lines(ran) == [f"nearest: {front}{note}" for note in answer["notes"]]
    assert ran.status == (0 if answer["good"] else 1)


# ---- index


def test_index_says_what_it_did_on_standard_error(server: OllamaServer, folder: Path) -> None:
    ran = run("index", ".")
    assert (ran.status, ran.out) == (0, b"")
    assert lines(ran)[0] == "documents: 2 added, 1 skipped"
    assert re.fullmatch(r"chunks: 3; texts: 3 embedded, 0 reused, 0 pending; \d+\.\d s", lines(ran)[1])
    assert len(lines(ran)) == 2


def test_index_json_is_one_object_of_these_keys(server: OllamaServer, folder: Path) -> None:
    ran = run("index", ".", "--json")
    assert (ran.status, ran.err) == (0, "")
    report = ran.json
    assert list(report) == [
        "documents", "chunks", "embedded", "reused", "pending", "seconds", "embedder", "total", "scripts", "languages",
    ]  # fmt: skip
    assert report["documents"] == {
        "added": 2, "changed": 0, "unchanged": 0, "moved": 0, "removed": 0, "failed": 0, "skipped": 1,
    }  # fmt: skip
    assert [report[name] for name in ("chunks", "embedded", "reused", "pending")] == [3, 3, 0, 0]
    assert 0 < report["seconds"] < 60


def test_a_second_run_embeds_nothing_and_needs_no_path_and_no_server(server: OllamaServer, indexed: Path) -> None:
    server.down()
    try:
        report = run("index", "--json").json
    finally:
        server.up()
    assert report["documents"]["unchanged"] == 2
    assert (report["embedded"], report["reused"]) == (0, 3)
    assert server.embedded == []


def test_globs_are_taken_and_remembered(server: OllamaServer, folder: Path) -> None:
    run("index", ".", "--include", "*.md", "--include", "*.txt", "--exclude", "garden/")
    assert run("search", "moss", "--paths").text == "house.md\n"
    (folder / "garden" / "new.txt").write_text("New moss.")
    assert run("index", ".", "--json").json["documents"]["added"] == 0
    ran = run("index", "--include", "*.md")
    assert (ran.status, lines(ran)) == (
        2, ["nearest: --include and --exclude are kept with a file or folder: name the one they are for"],
    )  # fmt: skip
    ran = run("index", ".", "--exclude", "[z-a]")
    assert (ran.status, len(lines(ran))) == (2, 1)
    assert "is no pattern" in ran.err


def test_several_collections_are_apart(server: OllamaServer, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run("index", "garden", "-c", "one")
    run("index", "house.md", "--collection", "two")
    assert run("search", "moss", "-c", "one", "--paths").text == "garden/moss.txt\n"
    assert run("search", "moss", "-c", "two", "--paths").text == "house.md\n"
    monkeypatch.setenv("NEAREST_COLLECTION", "one")
    assert run("search", "moss", "--paths").text == "garden/moss.txt\n"
    assert run("search", "moss", "-c", "two", "--paths").text == "house.md\n"


def test_nothing_to_index_is_exit_1_with_a_pointer_to_the_reasons(server: OllamaServer, folder: Path) -> None:
    ran = run("index", "image.png")
    assert (ran.status, lines(ran)[-1]) == (1, "nearest: nothing was indexed: nearest status says why")
    assert run("status").text.splitlines()[-1] == "skipped:     image.png: image"


@pytest.mark.skipif(os.name != "posix", reason="no such permissions")
def test_a_file_that_cannot_be_read_is_a_line_and_not_the_end(
    server: OllamaServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    with as_somebody_else(), tempfile.TemporaryDirectory() as name:
        monkeypatch.setenv("NEAREST_HOME", str(Path(name, "home")))
        for file in ("open.md", "closed.md"):
            Path(name, file).write_text("Some words.")
        Path(name, "closed.md").chmod(0)
        ran = run("index", name)
        assert (ran.status, len(lines(ran))) == (0, 3)
        assert lines(ran)[0] == "documents: 1 added, 1 failed, 1 skipped"  # skipped: nearest's own data
        assert lines(ran)[-1] == "nearest: 1 files could not be read: nearest status says why"
        assert f"failed:      {name}/closed.md: permission denied" in run("status").text.splitlines()


@pytest.mark.parametrize(
    ("args", "cure"),
    [
        (["index", "nowhere"], "there is no file or folder '.*/nowhere'"),
        (["index", ""], "an empty path names nothing: give a file or folder"),
        (["index"], "nothing to index: name a file or folder"),
        (["index", ".", "-c", "../up"], "'../up' cannot name a collection: use up to 64 of"),
        (["index", ".", "-c", ""], "'' cannot name a collection"),
        (
            ["index", ".", "--embedder", "lokal:all-minilm"],
            "no embedder 'lokal:all-minilm'; did you mean 'local:all-minilm'?",
        ),
        (["index", ".", "--embedder", "local:nowhere"], "nowhere; by name there are: all-minilm, "),
        (["index", ".", "--embedder", "ollama:unheard-of"], "has no model unheard-of: run `ollama pull unheard-of`"),
        (["forget", "."], "nothing is indexed yet: nearest index PATH"),
    ],
)
def test_what_cannot_be_done_is_one_line_that_names_the_cure(
    server: OllamaServer, folder: Path, args: list[str], cure: str
) -> None:
    ran = run(*args)
    assert (ran.status, ran.out, len(lines(ran))) == (1 if "yet" in cure else 2, b"", 1)
    assert re.search(cure, ran.err)
    assert ran.err.startswith("nearest: ")


def test_a_vanished_root_stops_and_yes_goes_on(indexed: Path) -> None:
    run("index", "garden")
    (indexed / "garden").rename(indexed.parent / "unmounted")
    ran = run("index", "garden")
    assert (ran.status, len(lines(ran))) == (2, 1)
    assert "garden has none of its 1 documents any more" in ran.err
    assert "give --yes" in ran.err
    assert run("search", "moss", "--paths").text.startswith("garden/moss.txt\n")
    assert run("index", "garden", "--yes", "--json").json["documents"]["removed"] == 1
    assert run("search", "moss", "--paths").text == "house.md\n"
    assert run("index").status == 0


def test_more_than_a_fifth_gone_stops(server: OllamaServer, folder: Path) -> None:
    for number in range(8):
        (folder / f"{number}.md").write_text(f"number {number}")
    run("index", ".")
    for number in range(3):
        (folder / f"{number}.md").unlink()
    ran = run("index", ".")
    assert (ran.status, len(lines(ran))) == (2, 1)
    assert "3 of 10 documents are gone" in ran.err
    assert run("index", ".", "-y", "--json").json["documents"]["removed"] == 3


def test_another_embedder_is_refused(indexed: Path) -> None:
    for command in (["index", "."], ["search", "moss"]):
        ran = run(*command, "--embedder", "ollama:other")
        assert (ran.status, ran.out) == (2, b"")
        assert lines(ran) == [
            "nearest: collection 'default' was made with ollama:fake, not ollama:other: "
            "leave --embedder away, or index into another collection with -c NAME"
        ]
        assert run(*command, "--embedder", "ollama:fake").status == 0


def test_other_weights_under_the_same_name_are_refused(server: OllamaServer, indexed: Path) -> None:
    server.digests["fake:latest"] = "d2"
    (indexed / "new.md").write_text("Something new.")
    for command in (["index", "."], ["search", "moss"]):
        ran = run(*command)
        assert (ran.status, len(lines(ran))) == (2, 1)
        assert "has other weights" in ran.err
    assert run("status", "--json").json["vectors"] == 3


def test_two_writers_are_one_too_many(server: OllamaServer, folder: Path) -> None:
    with OtherProcess() as other:
        assert other.does("c = local_store('default', write=True)") == "done"
        ran = run("index", ".")
        assert (ran.status, lines(ran)) == (
            2,
            [f"nearest: collection 'default' is being written by process {other.pid}: let it finish, or stop it"],
        )
    assert run("index", ".").status == 0


# ---- search


def test_search_shows_place_confidence_headings_and_the_passage(indexed: Path) -> None:
    ran = run("search", "moss", "on", "the", "lawn", "--brief")
    assert (ran.status, ran.err) == (0, "")
    assert re.match(r"garden/moss\.txt:1  \d+%\n    Moss grows on the lawn\n    where no sun shines\.\n\n", ran.text)
    house = r"^house\.md:7  \d+%  House > Cellar  \(\+1 beside it\)\n    \.\.\.\n    The boiler"
    assert re.search(house, ran.text, re.MULTILINE)
    assert "The roof" not in ran.text
    assert "\n    ...\n" in ran.text  # the machine formats have the rest
    assert ran.text.endswith("\n\n")
    assert not any(line != line.rstrip() for line in ran.text.splitlines())


def test_search_json_is_one_versioned_object_of_these_keys(indexed: Path) -> None:
    ran = run("search", "--json", "boiler cellar")
    assert (ran.status, ran.err) == (0, "")
    answer = ran.json
    assert list(answer) == ["version", "query", "mode", "embedder", "took_ms", "good", "notes", "hits"]
    assert [answer[key] for key in ("version", "query", "mode")] == [1, "boiler cellar", "hybrid"]
    assert [answer[key] for key in ("embedder", "good", "notes")] == ["ollama:fake", True, []]
    assert 0 < answer["took_ms"] < 60_000
    assert [list(hit) for hit in answer["hits"]] == [HIT_KEYS] * 2
    assert [hit["rank"] for hit in answer["hits"]] == [1, 2]
    scores = [hit["score"] for hit in answer["hits"]]
    assert scores == sorted(scores, reverse=True)
    first = answer["hits"][0]
    assert (first["path"], first["headings"]) == (str(indexed / "house.md"), ["House", "Cellar"])
    assert (first["start_line"], first["end_line"]) == (5, 7)
    text = (indexed / "house.md").read_text()
    assert first["text"] in text
    assert text[first["start_char"] : first["end_char"]] == first["text"]
    best = first["best"]
    assert list(best) == ["start_line", "end_line", "start_char", "end_char", "text"]
    assert (best["start_line"], best["text"]) == (7, text[best["start_char"] : best["end_char"]])
    assert (first["place"], first["header"], first["kind"], first["title"]) == (None, "", "markdown", "House")
    assert (first["digest"], first["stale"]) == (hashlib.sha256(text.encode()).hexdigest(), False)
    (roof,) = first["before"]
    assert (roof["start_line"], roof["headings"], roof["text"]) == (1, ["House"], text[: roof["end_char"]])
    assert [first["after"], answer["hits"][1]["before"], answer["hits"][1]["after"]] == [[], [], []]
    with local_store("default") as collection:
        passage = collection.passages.by_id(first["chunk_id"])
    assert passage
    assert passage.chunk.embedded.endswith(first["text"])
    score = words_vector(passage.chunk.embedded, 64) @ words_vector("boiler cellar", 64)
    (alone, *_) = search("--mode", "vector", "boiler cellar")
    assert (alone["chunk_id"], alone["score"]) == (first["chunk_id"], pytest.approx(score, abs=2e-6))
    assert first["score"] == 1  # the best by meaning and the best by words
    assert 0.1 <= first["confidence"] <= 1
    assert search("boiler cellar") == answer["hits"]


def test_search_jsonl_is_one_line_a_question(indexed: Path) -> None:
    ran = run("search", "--jsonl", "moss")
    assert ran.text.count("\n") == 1
    assert json.loads(ran.text)["hits"][0]["path"].endswith("moss.txt")


@pytest.mark.parametrize("form", ["--jsonl", "--json"])
def test_questions_from_standard_input_are_one_a_line(indexed: Path, form: str) -> None:
    ran = run("search", "-", form, "-k", "1", stdin="moss\n\n  roof leaks \r\nboiler — où?\n".encode())
    assert ran.status == 0
    answers = [json.loads(line) for line in ran.text.splitlines()]
    assert [answer["query"] for answer in answers] == ["moss", "roof leaks", "boiler — où?"]
    assert [Path(answer["hits"][0]["path"]).name for answer in answers] == ["moss.txt", "house.md", "house.md"]


def test_questions_from_standard_input_in_the_other_formats(indexed: Path) -> None:
    assert run("search", "-", "--paths", "-k1", stdin=b"moss\nroof leaks\n").text == "garden/moss.txt\nhouse.md\n"
    text = run("search", "-", "-k1", stdin=b"moss\nroof leaks\n").text
    assert [line for line in text.splitlines() if line.startswith("#")] == ["# moss", "# roof leaks"]
    ran = run("search", "-", stdin=b"\n")
    assert (ran.status, ran.out) == (1, b"")


def test_bytes_that_are_no_text_are_a_question_like_any_other(indexed: Path) -> None:
    ran = run("search", "-", "--jsonl", stdin=b"moss caf\xe9\n")
    assert_answered(ran, r"'moss caf\\xe9': ")
    assert ran.json["query"] == "moss caf\\xe9"


def test_paths_come_each_once_and_vimgrep_has_a_place_for_each_hit(indexed: Path) -> None:
    (indexed / "tools.csv").write_text(f"tool | used for\nspade,{'dig ' * 60}\nrake,{'leaves ' * 40}\n")
    assert run("index", ".").status == 0
    assert run("search", "cellar boiler", "--paths").text == "house.md\ngarden/moss.txt\ntools.csv\n"
    found = run("search", "cellar boiler", "--vimgrep").text.splitlines()
    assert found[0].startswith("house.md:7:1:The boiler is in the cellar.")
    assert found[1] == "garden/moss.txt:1:1:Moss grows on the lawn"
    assert sorted(line[:16] for line in found[2:]) == ["tools.csv:1:1:to", "tools.csv:3:1:ra"]
    assert all(re.match(r"[^:]+:\d+:1:.", line) for line in found)


def test_paths_are_whole_where_they_are_no_part_of_where_one_is(indexed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(indexed / "garden")
    assert run("search", "moss", "--paths").text == f"moss.txt\n{indexed}/house.md\n"


@pytest.mark.parametrize("option", ["-k", "-n", "--limit"])
def test_how_many_can_be_said_in_three_ways(indexed: Path, option: str) -> None:
    (indexed / "third.txt").write_text("The third of three files.")
    assert run("index", ".").status == 0
    assert len(search("the", option, "2")) == 2
    assert len(search("the", option, "999")) == 3
    for number in ("0", "-1", "many"):
        ran = run("search", "the", option, number)
        assert (ran.status, ran.out) == (2, b"")
        assert "Invalid value for '-k' / '-n' / '--limit'" in ran.err


@pytest.mark.parametrize("question", ["", " ", "\t\n", "\u3000"])
def test_a_blank_question_is_no_question(indexed: Path, question: str) -> None:
    ran = run("search", question)
    assert (ran.status, lines(ran)) == (2, ["nearest: the question is empty: ask something"])


@pytest.mark.parametrize("question", ['"', "NEAR(", "a AND", "*", "\\", "%s{0}", "🜁", "ה", "a\0b", "- x", "\udcff"])
def test_any_question_has_an_answer(indexed: Path, question: str) -> None:
    ran = run("search", "--json", "--", question)
    assert_answered(ran)
    assert ran.json["query"] == question


def test_a_collection_that_is_not_there_or_empty_is_exit_1_and_a_misspelt_one_is_told(
    server: OllamaServer, folder: Path
) -> None:
    for command in (["search", "moss"], ["status"]):
        ran = run(*command)
        assert (ran.status, lines(ran)) == (1, ["nearest: nothing is indexed yet: nearest index PATH"])
    run("index", "image.png")
    ran = run("search", "moss")
    assert (ran.status, ran.out) == (1, b"")
    run("index", ".", "-c", "recipes")
    for command in (["search", "moss"], ["status"], ["forget", "."]):
        ran = run(*command, "-c", "recipies")
        assert (ran.status, lines(ran)) == (
            2, ["nearest: there is no collection 'recipies'; did you mean 'recipes'?"],
        )  # fmt: skip


def test_what_waits_for_its_vector_is_told_with_every_answer(server: OllamaServer, folder: Path) -> None:
    server.fail(
        ollama_server.error(400, "embedding contains NaN or Inf values"),
        when=lambda request: any("Moss" in text for text in request.texts),
    )
    ran = run("index", ".", "--json")
    assert (ran.status, ran.json["pending"], ran.json["embedded"]) == (0, 1, 2)
    ran = run("search", "roof", "--paths")
    assert (ran.status, ran.text) == (0, "house.md\n")
    assert lines(ran) == ["nearest: 1 texts are not embedded yet; they are found by their words alone: nearest index"]
    (refused,) = run("status", "--json").json["refused"]
    assert (refused["path"], refused["line"]) == (str(folder / "garden" / "moss.txt"), 1)
    assert "NaN" in refused["reason"]
    assert re.search(r"^refused:     garden/moss\.txt:1: .*NaN", run("status").text, re.MULTILINE)
    server.calm()
    assert run("index", "--json").json["embedded"] == 1
    assert run("search", "moss", "-k1", "--paths").text == "garden/moss.txt\n"


# ---- status, forget, embed


def test_status_json_is_one_object_of_these_keys(indexed: Path, nearest_home: Path) -> None:
    ran = run("status", "--json")
    assert (ran.status, ran.err) == (0, "")
    status = ran.json
    size = sum(path.stat().st_size for path in (nearest_home / "collections" / "default").iterdir())
    assert abs(status.pop("bytes_on_disk") - size) < 200_000  # a reader has two files more
    assert status == {
        "version": 1,
        "collection": "default",
        "embedder": "ollama:fake",
        "dimension": 64,
        "folders": [str(indexed)],
        "documents": 2,
        "chunks": 3,
        "vectors": 3,
        "pending": 0,
        "structure": "exact",
        "refused": [],
        "failed": [],
        "skipped": [{"path": str(indexed / "image.png"), "code": "format", "reason": "image"}],
        "searchable": 1.0,
        "scripts": {},
        "languages": {"en": 3},
    }


def test_status_for_people_goes_to_standard_output(indexed: Path) -> None:
    ran = run("status")
    assert (ran.status, ran.err) == (0, "")
    text = re.sub(r"\d\.\d MB", "SIZE", ran.text)
    assert text.splitlines() == [
        "collection:  default",
        "embedder:    ollama:fake, 64 dimensions",
        "folder:      .",
        "documents:   2",
        "chunks:      3",
        "vectors:     3, 0 pending",
        "search:      exact",
        "searchable:  100.0% of the text",
        "on disk:     SIZE",
        "skipped:     image.png: image",
    ]


def test_forget_drops_documents_and_leaves_files(indexed: Path) -> None:
    ran = run("forget", "garden")
    assert (ran.status, ran.out) == (0, b"")
    assert lines(ran) == [
        f"forgot 1 documents at {indexed}/garden; indexing {indexed} brings it back unless .nearestignore says no"
    ]
    assert (indexed / "garden" / "moss.txt").exists()
    assert run("search", "moss", "--paths").text == "house.md\n"
    ran = run("forget", "gardn")
    assert (ran.status, len(lines(ran))) == (2, 1)
    assert f"nothing at {indexed}/gardn is indexed" in ran.err
    assert lines(run("forget", str(indexed))) == [f"forgot 1 documents at {indexed}"]
    assert run("status").status == 1


def test_forgetting_a_misspelt_collection_makes_none(indexed: Path, nearest_home: Path) -> None:
    run("forget", ".", "-c", "defolt")
    assert [path.name for path in (nearest_home / "collections").iterdir()] == ["default"]


def test_embed_gives_what_api_embed_answers(server: OllamaServer) -> None:
    ran = run("embed", "moss", "roof")
    assert (ran.status, ran.err, ran.text.count("\n")) == (0, "", 1)
    answer = ran.json
    assert set(answer) == {"model", "embeddings", "total_duration", "load_duration", "prompt_eval_count"}
    assert answer["model"] == "fake"
    assert np.allclose(answer["embeddings"], [words_vector("moss", 64), words_vector("roof", 64)], atol=1e-6)
    assert run("embed", "moss", "--embedder", "ollama:other").status == 2


# ---- servers


GONE = r"cannot reach Ollama at http://127\.0\.0\.1:\d+: start it with `ollama serve`, or set OLLAMA_HOST.*"


def test_an_embedder_out_of_reach_is_exit_3(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OLLAMA_HOST", closed_port())
    ran = run("embed", "x", "--embedder", "ollama:fake")
    assert (ran.status, ran.out, len(lines(ran))) == (3, b"", 1)
    assert re.fullmatch(f"nearest: {GONE}", lines(ran)[0])


def test_a_first_run_without_its_embedder_indexes_words_and_the_next_embeds(
    server: OllamaServer, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setenv("OLLAMA_HOST", closed_port())
        for _ in range(2):
            ran = run("index", ".")
            assert (ran.status, ran.out, len(lines(ran))) == (3, b"", 3)
            assert lines(ran)[1].startswith("chunks: 3; texts: 0 embedded, 0 reused, 3 pending")
            words = "; until the next run 3 passages are found by their words alone"
            assert re.fullmatch(f"nearest: {GONE}{words}", lines(ran)[2])
        found = run("search", "moss", "--json")
        assert (found.status, [Path(hit["path"]).name for hit in found.json["hits"]]) == (0, ["moss.txt"])
        assert (found.json["mode"], found.json["embedder"]) == ("keyword", "")
        assert lines(found) == [
            "nearest: 3 texts are not embedded yet; they are found by their words alone: nearest index"
        ]
        by_meaning = run("search", "moss", "--mode", "vector")
        assert (by_meaning.status, by_meaning.out) == (3, b"")
        assert lines(by_meaning) == ["nearest: nothing in collection 'default' is embedded yet: index again"]
        status = run("status", "--json").json
        assert (status["embedder"], status["documents"], status["vectors"], status["pending"]) == (None, 2, 0, 3)
        assert run("ls").text.split()[:3] == ["default", "2", "documents"]
    assert run("index", ".").status == 0
    found = run("search", "moss", "--json")
    assert (found.status, found.err, found.json["mode"], found.json["embedder"]) == (0, "", "hybrid", "ollama:fake")


def test_a_server_that_is_gone_when_a_question_comes_leaves_the_words(server: OllamaServer, indexed: Path) -> None:
    server.down()
    try:
        ran = run("search", "moss", "--json")
        by_meaning = run("search", "moss", "--mode", "vector")
        measured = run("eval", "questions.jsonl", "--json")
    finally:
        server.up()
    assert (ran.status, ran.json["mode"], len(ran.json["hits"])) == (0, "keyword", 1)
    assert re.fullmatch(f"nearest: answered by words alone: {GONE}", ran.err.strip())
    assert ran.json["notes"] == [lines(ran)[0].removeprefix("nearest: ")]
    assert (by_meaning.status, by_meaning.out, len(lines(by_meaning))) == (3, b"", 1)
    assert measured.status != 0
    again = run("search", "moss", "--json")
    assert (again.status, again.json["mode"]) == (0, "hybrid")


def test_a_server_that_goes_during_the_work_leaves_what_was_done(
    server: OllamaServer, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("indexer.embed.remote.retry.FIRST_WAIT", 0.001)
    for number in range(70):
        (folder / f"{number}.md").write_text(f"number {number}")
    server.fail(ollama_server.hang_up, when=lambda request: _documents_in(server) > 32)
    ran = run("index", ".")
    assert (ran.status, len(lines(ran))) == (3, 3)  # what was done, and why not more
    status = run("status", "--json").json
    assert (status["documents"], status["vectors"] + status["pending"]) == (72, 73)
    assert status["vectors"] >= 32
    server.calm()
    assert run("index", ".", "--json").json["embedded"] == status["pending"]
    assert sum(map(len, server.embedded)) <= status["pending"] + 3  # and the probe


# ---- damage


def test_a_damaged_snapshot_is_rebuilt_and_told_of_and_the_hits_are_the_same(indexed: Path, nearest_home: Path) -> None:
    snapshot = nearest_home / "collections" / "default" / "vectors.faiss"
    before = run("search", "moss", "--json")
    assert before.err == ""
    data = bytearray(snapshot.read_bytes())
    data[len(data) // 2] ^= 1
    snapshot.write_bytes(data)
    after = run("search", "moss", "--json")
    assert (after.status, after.json["hits"]) == (0, before.json["hits"])
    assert lines(after) == [
        f"nearest: {snapshot} is not as it was written: the vector index was rebuilt from the database"
    ]
    ran = run("index", "--json")
    assert (ran.status, ran.json["embedded"]) == (0, 0)
    assert len(lines(ran)) == 1
    assert "was rebuilt" in ran.err
    again = run("search", "moss", "--json")
    assert (again.err, again.json["hits"]) == ("", before.json["hits"])


@pytest.mark.parametrize("command", [["index", "."], ["search", "moss"], ["status"], ["forget", "."]])
def test_a_damaged_database_is_told_of_and_not_touched(indexed: Path, nearest_home: Path, command: list[str]) -> None:
    database = nearest_home / "collections" / "default" / "nearest.db"
    data = b"\xff" * 2000 + database.read_bytes()[2000:]
    database.write_bytes(data)
    ran = run(*command)
    assert (ran.status, ran.out, len(lines(ran))) == (2, b"", 1)
    assert "is damaged" in ran.err
    assert "nothing was written to it: restore it from a backup" in ran.err
    assert database.read_bytes() == data


@pytest.mark.parametrize("command", [["index", "."], ["search", "moss"], ["status"], ["forget", "."]])
def test_a_home_that_cannot_be_used_is_told_of(
    server: OllamaServer, folder: Path, monkeypatch: pytest.MonkeyPatch, command: list[str]
) -> None:
    monkeypatch.setenv("NEAREST_HOME", str(folder / "house.md"))
    ran = run(*command)
    assert (ran.status, ran.out, len(lines(ran))) == (2, b"", 1)
    assert "set NEAREST_HOME to a folder" in ran.err
    with as_somebody_else(), tempfile.TemporaryDirectory() as name:
        monkeypatch.setenv("NEAREST_HOME", name)
        Path(name).chmod(0o500)
        ran = run(*command)
        assert (ran.status, ran.out, len(lines(ran))) == (2 if command[0] == "index" else 1, b"", 1)
        Path(name).chmod(0o700)


# ---- names and texts that are not what a terminal likes


@pytest.mark.skipif(not LINUX, reason="other systems refuse such names")
def test_what_could_command_a_terminal_is_shown_by_its_number(server: OllamaServer, folder: Path) -> None:
    name = "bell\x07\x1b[31m\u202e.md"
    (folder / name).write_text("zebra \x1b]0;title\x07 \x9b31m \u202e stripes")
    (folder / "pic\x1b[2J.png").write_bytes(b"")
    ran = run("index", ".")
    shown = [run("search", "zebra stripes", "-k1").text, run("status").text, ran.err]
    shown += [run("search", "zebra", "-c", "no\x1b[31m").err, run("index", "no\x1b[31m").err, run("\x1b[31m").err]
    for text in shown:
        assert not any(letter in text for letter in "\x1b\x07\x9b\u202e")
    assert shown[0].startswith("bell\\u0007\\u001b[31m\\u202e.md:1  ")
    assert "zebra \\u001b]0;title\\u0007 \\u009b31m \\u202e stripes" in shown[0]
    assert "skipped:     pic\\u001b[2J.png: image" in shown[1]
    vim = run("search", "zebra", "-k1", "--vimgrep").text
    assert vim.endswith(":1:1:zebra \\u001b]0;title\\u0007 \\u009b31m \\u202e stripes\n")
    (hit,) = search("zebra", "-k1")
    assert (hit["path"], hit["text"]) == (str(folder / name), "zebra \x1b]0;title\x07 \x9b31m \u202e stripes")


@pytest.mark.skipif(not LINUX, reason="other systems refuse such names")
def test_a_name_that_is_no_text_comes_back_whole(server: OllamaServer, folder: Path) -> None:
    name = os.fsencode(folder) + b"/caf\xe9 \xff\n.md"
    with open(name, "w") as file:  # noqa: PTH123 - no Path holds such a name
        file.write("zebra stripes")
    with open(name + b".png", "w"):  # noqa: PTH123
        pass
    assert run("index", ".", "--json").json["documents"]["added"] == 3
    ran = run("search", "zebra", "-k1", "--json")
    assert os.fsencode(ran.json["hits"][0]["path"]) == name
    ran.out.decode()  # it is good UTF-8, whatever the name
    assert run("search", "zebra", "-k1", "--paths").out == b"caf\xe9 \xff\n.md\n"
    assert run("search", "zebra", "-k1", "--vimgrep").out == b"caf\xe9 \xff\n.md:1:1:zebra stripes\n"
    assert run("search", "zebra", "-k1").text.startswith("caf\\udce9 \\udcff\\u000a.md:1  ")
    assert name + b".png" in [os.fsencode(skip["path"]) for skip in run("status", "--json").json["skipped"]]
    assert run("forget", os.fsdecode(name)).status == 0
    assert run("status", "--json").json["documents"] == 2


def test_passages_are_shown_as_wide_as_the_terminal(
    server: OllamaServer, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    (folder / "wide.md").write_text("zebra " + "火車站在哪裡" * 300)
    run("index", ".")
    for terminal, width in ((True, 40), (False, 100)):
        shown = click.unstyle(run("search", "zebra", "-k1", "--brief", terminal=terminal).text).splitlines()
        assert width - 2 <= max(map(wcwidth.wcswidth, shown[1:])) <= width
        assert FIRST_LINES // 2 < len(shown[1:-2]) <= FIRST_LINES + 3
        assert "    ..." in shown  # what is left out is told


# ---- terminals


def test_colours_are_for_terminals_that_may_have_them(indexed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert ESCAPE in run("search", "moss", terminal=True).text
    assert ESCAPE not in run("search", "moss").text
    for form in ("--json", "--jsonl", "--paths", "--vimgrep"):
        assert ESCAPE not in run("search", "moss", form, terminal=True).text
    monkeypatch.setenv("NO_COLOR", "1")
    ran = run("search", "moss", terminal=True)
    assert ESCAPE not in ran.text + ran.err


def test_progress_is_for_terminals(server: OllamaServer, folder: Path) -> None:
    ran = run("index", ".", "-c", "first", terminal=True)
    assert "embedding" in ran.err
    assert re.search(r"embedding: +\d+%\|.*\| 0/3 texts", ran.err)
    assert ran.out == b""
    assert "embedding" not in run("index", ".", "-c", "second").err
    ran = run("index", ".", "-c", "third", "--json", terminal=True)
    assert ran.json["embedded"] == 3


# ---- usage


def test_a_misspelt_command_is_told_what_was_meant() -> None:
    ran = run("serch", "moss")
    assert (ran.status, ran.out) == (2, b"")
    assert lines(ran)[-1] == "Error: No such command 'serch'; did you mean 'search'?"
    assert run("frobnicate").status == 2
    ran = run("search", "moss", "--jsn")
    assert ran.status == 2
    assert "--json" in ran.err


def test_help_and_version_are_results() -> None:
    for args in (["--help"], ["-h"], ["search", "-h"]):
        ran = run(*args)
        assert (ran.status, ran.err) == (0, "")
        assert ran.text.startswith("Usage: nearest ")
    assert re.fullmatch(r"nearest, version \d+\.\d+\.\d+\n", run("--version").text)
    assert run().status == 2


def test_debug_shows_the_traceback_and_nothing_else_does(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "Traceback" not in run("index", "nowhere").err
    ran = run("--debug", "index", "nowhere")
    assert ran.status == 2
    assert "Traceback" in ran.err
    assert lines(ran)[-1].startswith("nearest: there is no file or folder")
    monkeypatch.setenv("NEAREST_DEBUG", "1")
    assert "Traceback" in run("index", "nowhere").err


# ---- the embedded model


def test_embed_gives_the_documented_numbers_and_exactly_the_keys_of_api_embed() -> None:
    ran = run("embed", "Why is the sky blue?")
    assert (ran.status, ran.err) == (0, "")
    answer = ran.json
    assert list(answer) == ["model", "embeddings", "total_duration", "load_duration", "prompt_eval_count"]
    assert (answer["model"], answer["prompt_eval_count"], len(answer["embeddings"])) == ("all-minilm", 8, 1)
    documented = [0.010071029, -0.0017594862, 0.05007221, 0.04692972, 0.054916814, 0.008599704, 0.105441414,
                  -0.025878139, 0.12958129, 0.031952348]  # fmt: skip
    (row,) = answer["embeddings"]
    assert len(row) == 384
    assert np.abs(np.array(row[:10]) - documented).max() < 1e-3


def test_a_question_longer_than_the_window_is_asked_in_parts_and_that_is_told(
    samples: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NEAREST_HOME", str(samples))
    question = "Where is the brass key for letting air out of a radiator that stays cold at the top? " * 30
    ran = run("search", question, "-k", "3", "--json")
    assert ran.status == 0
    assert lines(ran) == [
        "nearest: the question is longer than the model's window: it was asked in parts, and their mean taken"
    ]
    assert "boiler.md" in {Path(hit["path"]).name for hit in ran.json["hits"]}
    assert ran.json["hits"][0]["score"] <= 1


def test_searching_changes_nothing_that_is_kept(samples: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEAREST_HOME", str(samples))

    def digests() -> dict[str, str]:
        return {
            path.name: hashlib.sha256(path.read_bytes()).hexdigest()
            for path in (samples / "collections" / "default").iterdir()
        }

    before = digests()
    run("search", "how is the dough made?")
    assert digests() == before


# ---- in a process of its own


def test_it_works_with_everything_in_a_fresh_home(folder: Path, tmp_path: Path) -> None:
    env = {"NEAREST_HOME": "", "HOME": str(tmp_path / "home"), "XDG_DATA_HOME": str(tmp_path / "home" / "data")}
    (tmp_path / "home").mkdir()
    ran = finish(begin("index", ".", env=env))
    assert (ran.status, ran.out) == (0, b"")
    assert (tmp_path / "home" / "data" / "nearest" / "collections" / "default" / "nearest.db").exists()
    ran = finish(begin("search", "where the sun does not reach, what is green?", "-k1", "--paths", env=env))
    assert (ran.status, ran.text, ran.err) == (0, "garden/moss.txt\n", "")


def test_an_interrupt_is_exit_130_and_the_next_run_carries_on(server: OllamaServer, folder: Path) -> None:
    for number in range(100):
        (folder / f"{number}.md").write_text(f"number {number}")
    reached = threading.Event()

    def stall(handler: ollama_server.Handler, request: ollama_server.Request) -> None:
        reached.set()
        ollama_server.silence(handler, request)

    # The third batch of documents hangs; there are the trial and the probe before them.
    server.fail(stall, when=lambda request: _documents_in(server) > 64 and ollama_server.embeds(request), times=1)
    process = begin("index", ".")
    assert reached.wait(60)
    wait_until(lambda: run("status", "--json").json["pending"] == 39)  # the second batch may still be on its way in
    process.send_signal(signal.SIGINT)
    ran = finish(process)
    assert (ran.status, ran.out) == (130, b"")
    assert lines(ran) == ["nearest: interrupted: 64 texts were embedded, 39 wait; run it again to carry on"]
    server.calm()
    report = run("index", ".", "--json").json
    assert report["documents"]["unchanged"] == 102
    assert (report["embedded"], report["reused"], report["pending"]) == (39, 64, 0)
    assert sum(map(len, server.embedded)) == 39 + 1 + 2  # the probe, and what tells the dimension


def _documents_in(server: OllamaServer) -> int:
    return sum(text.startswith("number") or len(text) > 100 for texts in server.embedded for text in texts)


def test_an_interrupt_of_a_question_is_exit_130(server: OllamaServer, indexed: Path) -> None:
    reached = threading.Event()

    def stall(handler: ollama_server.Handler, request: ollama_server.Request) -> None:
        reached.set()
        ollama_server.silence(handler, request)

    server.fail(stall, when=lambda request: "moss" in request.texts, times=1)
    process = begin("search", "moss")
    assert reached.wait(60)
    process.send_signal(signal.SIGINT)
    ran = finish(process)
    assert (ran.status, ran.out) == (130, b"")
    assert "Traceback" not in ran.err
    assert lines(ran)[-1] == "nearest: interrupted"


@pytest.mark.skipif(os.name != "posix", reason="no such pipes")
def test_a_reader_that_has_read_enough_is_no_error(indexed: Path) -> None:
    process = begin("search", "-", "--json", stdin=subprocess.PIPE)
    assert process.stdin
    assert process.stdout
    assert process.stderr
    process.stdin.write(b"moss\n" * 2000)  # far more than a pipe holds
    process.stdin.close()
    assert process.stdout.readline().startswith(b'{"version": 1')
    process.stdout.close()
    assert (process.stderr.read(), process.wait(60)) == (b"", 0)
    process.stderr.close()


@pytest.mark.skipif(not LINUX, reason="no such device")
def test_a_full_disk_behind_standard_output_is_one_line(indexed: Path) -> None:
    with Path("/dev/full").open("wb") as full:
        ran = finish(begin("status", stdout=full))
    assert ran.status == 2
    assert len(lines(ran)) == 1
    assert "No space left on device" in ran.err


def test_no_command_starts_an_engine_it_does_not_need(indexed: Path) -> None:
    code = (
        "import sys; from nearest.cli.main import script\n"
        "try: script()\nfinally: print(*sorted(sys.modules), file=sys.stderr)"
    )
    engines = {"openvino", "faiss", "httpx", "tokenizers", "lxml", "semantic_text_splitter", "numpy", "sqlite3"}
    assert not engines & set(finish(begin("--help", code=code)).err.split())
    assert not engines & set(finish(begin("search", "", code=code)).err.split())
