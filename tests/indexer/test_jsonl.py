"""Files of JSON records: one a line, each with its line and its id, and nothing that they say is lost."""

from __future__ import annotations

import json
from typing import Any

import pytest

from indexer.read.extract import Extract, UnreadableError
from indexer.read.reader import extract


def records(page: Extract) -> list[tuple[int, str, str]]:
    """Line, id and text of each record."""
    assert page.lines is not None
    ends = [*(mark.offset for mark in page.marks[1:]), len(page.text)]
    found = []
    for mark, end in zip(page.marks, ends, strict=True):
        assert (mark.unit, mark.apart) == ("record", True)
        assert page.lines[page.text.count("\n", 0, mark.offset)] == mark.number
        found.append((mark.number, mark.part, page.text[mark.offset : end].rstrip()))
    return found


def jsonl(*lines: Any) -> bytes:
    return "".join((line if isinstance(line, str) else json.dumps(line)) + "\n" for line in lines).encode()


def test_a_corpus_of_documents() -> None:
    page = extract(
        "corpus.jsonl",
        jsonl(
            {
                "_id": "d1",
                "title": "The roof",
                "text": "It was tiled.\n\nIn 1987\r\nby a firm.",
                "metadata": {"url": "x"},
            },
            {"_id": "d2", "title": "", "text": "No title."},
            {"id": 7, "title": "Contents", "contents": "Words."},
            {"id": None, "body": "No id."},
        ),
    )
    assert page.kind == "jsonl"
    assert records(page) == [
        (1, "d1", "The roof\n\nIt was tiled.\n\nIn 1987\nby a firm."),
        (2, "d2", "No title."),
        (3, "7", "Contents\n\nWords."),
        (4, "", "No id."),
    ]
    assert [(it.level, it.title, page.text[it.offset :][: len(it.title)]) for it in page.headings] == [
        (1, "The roof", "The roof"),
        (1, "Contents", "Contents"),
    ]


def test_every_line_of_a_record_has_the_record_s_line() -> None:
    page = extract("a.jsonl", jsonl({"text": "a"}, {"text": "b\nc\nd\ne"}, {"text": "f"}))
    assert page.lines is not None
    assert [line for line, text in zip(page.lines, page.text.split("\n"), strict=True) if text] == [1, 2, 2, 2, 2, 3]


def test_fields_of_a_record_without_a_text() -> None:
    record = {
        "id": "a b",
        "question": "What is a leaf?",
        "tags": ["green", 2, True, None],
        "of": {"tree": "oak", "age": 80.5, "felled": False, "nothing": None, "empty": ""},
        "talk": [{"role": "user", "say": "Hi"}, {"role": "machine", "say": "Hello"}],
        "text": {"de": "Blatt"},
        "vector": [0.5] * 100,
        "few": [1, 2],
    }
    page = extract("a.ndjson", jsonl(record))
    assert records(page) == [
        (
            1,
            "a b",
            "question: What is a leaf?\ntags: green, 2, true, null\nof.tree: oak\nof.age: 80.5\nof.felled: false\n"
            "talk.role: user\ntalk.say: Hi\ntalk.role: machine\ntalk.say: Hello\ntext.de: Blatt\nfew: 1, 2",
        )
    ]


def test_what_is_no_record_stays_what_it_is() -> None:
    lines = ["# a comment", "", '{"text": "broken', '["a", "list"]', {"text": "fine"}, "[" * 100_000 + "word", "{}"]
    page = extract("a.jsonl", jsonl(*lines))
    assert [(line, text[:20]) for line, _, text in records(page)] == [
        (1, "# a comment"),
        (3, '{"text": "broken'),
        (4, '["a", "list"]'),
        (5, "fine"),
        (6, "[" * 20),
        (7, "{}"),
    ]


def test_a_record_nested_deeply() -> None:
    page = extract("a.jsonl", ('{"a":' * 900 + '"word"' + "}" * 900).encode())
    assert page.text == ".".join("a" * 900) + ": word"


def test_what_is_no_text() -> None:
    with pytest.raises(UnreadableError, match=r"^binary$"):
        extract("a.jsonl", bytes(range(256)) * 10)


def test_json_without_line_breaks_is_broken_into_values() -> None:
    data = [{"a": 'x, [y] \\ " {z', "b": [1, 2.5, None], "c": {"d": "ü"}}] * 100
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    page = extract("a.json", ("// made by hand\n" + text + "\n").encode())
    assert page.kind == "json"
    lines = page.text.split("\n")
    assert lines[:7] == ["// made by hand", "[", "{", '"a":"x, [y] \\\\ \\" {z",', '"b":[', "1,", "2.5,"]
    assert "".join(lines[1:]) == text
    assert page.lines == (1, *[2] * (len(lines) - 2), 3)


def test_json_with_line_breaks_stays_as_it_is() -> None:
    text = json.dumps([{"a": [1, 2], "b": "x" * 1900}] * 10, indent=2)
    page = extract("a.json", text.encode())
    assert (page.text, page.lines) == (text, None)


@pytest.mark.parametrize("part", ['"a', "[", "\\", '"\\', '"a,', "{a:'b'},", "}"])
def test_what_only_looks_like_json_loses_nothing(part: str) -> None:
    text = part * 100_001
    page = extract("a.json", text.encode())
    assert page.text.replace("\n", "") == text
    assert page.lines == (1,) * (page.text.count("\n") + 1)
