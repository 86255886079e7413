"""Text of PDF: the page of every sentence, paragraphs, headings from bookmarks, and what cannot be read."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import docx
import numpy as np
import pytest
from helpers.pdf_files import LEADING, Pdf, picture_of

from indexer.formats import ocr
from indexer.formats import pdf as pdf_module
from indexer.read.extract import Extract, UnreadableError
from indexer.read.reader import extract

pytestmark = pytest.mark.slow

# Lines that are as wide as a column allows, and one that is not.
WRAPPED = (
    "The harbour was quiet that morning, and only a few of the fishing boats had gone",
    "out before the wind turned. Those who stayed behind mended their nets, talked of",
    "prices, and waited.",
)


def read(data: bytes, ocr: str = "") -> Extract:
    """What of a PDF there is to read."""
    return extract("file.pdf", data, ocr=ocr)


def page_of(page: Extract, words: str) -> int:
    """The page that words stand on."""
    at = page.text.index(words)
    return [mark.number for mark in page.marks if mark.offset <= at][-1]


def test_each_sentence_is_on_its_page() -> None:
    file = Pdf()
    for number in range(1, 11):
        file.lines(f"Sentence of page {number}, the {'x' * number} one.")
        file.end_page()
    page = read(file.data())
    assert page.kind == "pdf"
    assert page.lines == ()
    assert {mark.unit for mark in page.marks} == {"page"}
    assert page_of(page, "the xxxxxxx one") == 7
    assert [mark.number for mark in page.marks] == list(range(1, 11))
    assert not page.headings


def test_pages_without_text_count() -> None:
    file = Pdf()
    file.end_page()
    file.lines("Only the third page has words.", y=500)
    file.canvas.rect(10, 10, 20, 20)
    file.end_page()
    file.end_page()
    file.lines("Then the fourth.")
    page = read(file.data())
    assert page_of(page, "Only the third") == 2
    assert page_of(page, "Then the fourth") == 4


def test_wrapped_lines_are_one_paragraph() -> None:
    file = Pdf()
    file.lines(*WRAPPED)
    file.lines("Next, after a wider gap.", y=720 - 4.6 * LEADING)
    assert read(file.data()).text == " ".join(WRAPPED) + "\n\nNext, after a wider gap."


def test_an_indented_line_begins_a_paragraph() -> None:
    file = Pdf()
    file.lines(*WRAPPED)
    file.lines("The next day was no better, and nobody went out at all, not even the pilot.", x=90, y=720 - 3 * LEADING)
    assert read(file.data()).text.split("\n\n")[1].startswith("The next day")


def test_lists_code_and_rows_keep_their_lines() -> None:
    wide = "• An item that goes on and on until it comes to the right edge of all the text that is"
    rows = ["Freight carried to the islands in the first half of the year, in tonnes        1,204"]
    rows += ["Freight carried from the islands in the first half of the year, in tonnes       987"]
    file = Pdf()
    file.lines(wide, "• Second item")
    file.lines("for boat in boats:", "    mend(boat)", y=600)
    file.lines(*rows, y=500)
    text = read(file.data()).text
    assert f"{wide}\n• Second item" in text
    assert "for boat in boats:\nmend(boat)" in text
    assert [re.sub(" +", " ", row) for row in rows] == text.split("\n\n")[-1].split("\n")


def test_divided_words_become_whole() -> None:
    file = Pdf()
    file.lines("A sentence that ends its first line with a hyphen-", "ated word, and the second with a well-")
    file.lines("known one; a third divides Anglo-", "Saxon. It was not well-known.", y=720 - 2 * LEADING)
    text = read(file.data()).text
    assert "with a hyphenated word" in text
    assert "a well-known one" in text
    assert "Anglo-Saxon" in text


def test_a_sentence_goes_on_over_the_page() -> None:
    file = Pdf()
    file.lines(*WRAPPED[:2])
    file.end_page()
    file.lines(*WRAPPED[2:])
    file.end_page()
    file.lines("Another page begins with a sentence of its own.")
    page = read(file.data())
    assert page.text.split("\n\n")[0] == " ".join(WRAPPED)
    assert page_of(page, "talked of") == 1
    assert page_of(page, "prices, and") == 2
    assert page_of(page, "Another page") == 3


def test_columns_follow_each_other() -> None:
    left = ("The left column tells of boats", "and of the people who sail them", "for months on end.")
    right = ("The right column tells of nets", "and of the people who mend them", "all through the winter.")
    file = Pdf()
    file.lines(*left)
    file.lines(*right, x=320)
    assert read(file.data()).text == f"{' '.join(left)}\n\n{' '.join(right)}"


def test_lines_that_repeat_on_each_page_stand_once() -> None:
    file = Pdf()
    for number in range(1, 9):
        file.lines("The Handbook of Harbours", y=800, size=8)
        file.lines(f"What is special about harbour {'abcdefgh'[number - 1]}.", f"It has {number * 7} berths.")
        file.lines(f"page {number} of 8", y=40, size=8)
        file.end_page()
    text = read(file.data()).text
    assert text.count("The Handbook of Harbours") == 1
    assert re.findall("page . of 8", text) == ["page 1 of 8"]
    assert re.findall(r"It has (\d+) berths", text) == [str(number * 7) for number in range(1, 9)]


def test_first_lines_that_are_not_those_of_each_page_stay() -> None:
    file = Pdf()
    for number in range(12):
        file.lines("Summary" if number % 3 == 0 else f"Account {number * number}", f"Text {'abcdefghijkl'[number]}.")
        file.end_page()
    text = read(file.data()).text
    assert text.count("Summary") == 4
    assert len(re.findall(r"Account \d+", text)) == 8


def test_bookmarks_are_headings_where_their_titles_stand() -> None:
    file = Pdf()
    file.lines("Chapter 1", "Of Boats", size=18, leading=22)
    file.lines(*WRAPPED, y=640)
    file.bookmark("1 Of Boats")
    file.lines("1.1  Fishing   boats", y=560, size=14)
    file.bookmark("Fishing boats", 1)
    file.lines("They fish.", y=530)
    file.end_page()
    file.lines("A page whose bookmark is nowhere on it.")
    file.bookmark("Of Nets")
    page = read(file.data())
    assert [(it.level, it.title) for it in page.headings] == [(1, "Of Boats"), (2, "1.1 Fishing boats"), (1, "Of Nets")]
    for it in page.headings:
        assert page.text[it.offset :].split("\n")[0] == it.title
    assert f"{WRAPPED[2]}\n\n1.1 Fishing boats\n\nThey fish.\n\nOf Nets\n\nA page" in page.text
    assert page_of(page, "Of Nets") == 2


def test_metadata() -> None:
    about = {"title": "Of  Boats", "author": "A. Sailor", "keywords": "boats, nets; wind"}
    file = Pdf(about=about)
    file.lines("Text.")
    page = read(file.data())
    assert page.title == "Of Boats"
    assert page.metadata["author"] == "A. Sailor"
    assert page.metadata["keywords"] == ("boats", "nets", "wind")
    assert isinstance(page.metadata["created"], datetime)


@pytest.mark.parametrize("title", ["untitled", "Microsoft Word - letter3.doc", " "])
def test_a_title_that_says_nothing_is_none(title: str) -> None:
    file = Pdf(about={"title": title})
    file.lines("Text.")
    assert read(file.data()).title == ""


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("D:20240131120500Z00'00'", "2024-01-31T12:05:00+00:00"),
        ("D:20240131120500-05'30'", "2024-01-31T12:05:00-05:30"),
        ("D:20240131120500+02'00", "2024-01-31T12:05:00+02:00"),
        ("20240131120500", "2024-01-31T12:05:00"),
        ("D:202401", "2024-01-01T00:00:00"),
        ("D:20241340", None),
        ("D:20240131250000", None),
        ("D:20240131120500+99'00'", None),
        ("yesterday", None),
        ("", None),
    ],
)
def test_times(text: str, expected: str | None) -> None:
    time = pdf_module._time(text)
    assert (time and time.isoformat()) == expected


def test_a_time_of_the_file_is_a_moment() -> None:
    data = Pdf()
    data.lines("Text.")
    raw = re.sub(rb"/CreationDate \([^)]*\)", b"/CreationDate (D:20200229010203Z)", data.data())
    assert read(raw).metadata["created"] == datetime(2020, 2, 29, 1, 2, 3, tzinfo=UTC)


def test_what_is_filled_into_a_form() -> None:
    file = Pdf()
    file.lines("Name:")
    file.field("Ishmael of Nantucket")
    assert "Ishmael of Nantucket" in read(file.data()).text


def test_encrypted() -> None:
    secret, open_to_all = Pdf(password="secret"), Pdf(password="")
    for file in (secret, open_to_all):
        file.lines("Words behind a password.")
    with pytest.raises(UnreadableError, match=r"^encrypted: needs a password$"):
        read(secret.data())
    assert read(open_to_all.data()).text == "Words behind a password."


def test_scanned() -> None:
    file = Pdf()
    for _ in range(3):
        file.picture(picture_of("Only a picture"))
        file.bookmark("A bookmark is no text")
        file.end_page()
    with pytest.raises(
        UnreadableError, match=r"^scanned: 3 pages without text \(OCR is off: nearest index --ocr LANG\)$"
    ):
        read(file.data())


def test_too_many_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pdf_module, "MAX_PAGES", 2)
    file = Pdf()
    for _ in range(3):
        file.lines("A page.")
        file.end_page()
    with pytest.raises(UnreadableError, match=r"^3 pages, more than the limit of 2$"):
        read(file.data())


def test_a_page_that_is_there_a_thousand_times_does_not_fill_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    file = Pdf()
    file.lines("A page of some words.")
    once = file.data()
    many = re.sub(rb"/Count 1 /Kids \[ (\d+ 0 R) \]", rb"/Count 1000 /Kids [ " + rb"\1 " * 1000 + rb"]", once)
    assert many != once
    monkeypatch.setattr(pdf_module, "MAX_TEXT", 2_000)
    with pytest.raises(UnreadableError, match="million characters of text"):
        read(many)


def test_damaged() -> None:
    file = Pdf()
    for number in range(20):
        file.lines(f"Page {number}.")
        file.end_page()
    data = file.data()
    with pytest.raises(UnreadableError, match="damaged, or no pdf"):
        read(data[: len(data) // 2])
    with pytest.raises(UnreadableError, match="damaged, or no pdf"):
        read(b"%PDF-1.7\nnothing of the kind")
    page = re.search(rb"(\d+) 0 obj\s*<<\s*/Contents", data)
    assert page
    with pytest.raises(UnreadableError, match=r"^damaged: page \d+ of 20 cannot be read$"):
        read(data[: page.end() - 12] + b"(no page)  " + data[page.end() - 1 :])


@pytest.mark.skipif(not shutil.which("soffice"), reason="LibreOffice is not installed")
def test_of_an_office_program(tmp_path: Path) -> None:
    document = docx.Document()
    for title, text in (("Of Boats", " ".join(WRAPPED)), ("Of Nets", "They are mended.")):
        document.add_heading(title, 1)
        document.add_paragraph(text)
    document.save(str(tmp_path / "a.docx"))
    home = f"-env:UserInstallation={(tmp_path / 'office').as_uri()}"
    filters = 'pdf:writer_pdf_Export:{"ExportBookmarks":{"type":"boolean","value":"true"}}'
    command = [
        "soffice",
        home,
        "--headless",
        "--convert-to",
        filters,
        "--outdir",
        str(tmp_path),
        str(tmp_path / "a.docx"),
    ]
    subprocess.run(command, check=True, capture_output=True, timeout=120)
    page = read((tmp_path / "a.pdf").read_bytes())
    assert " ".join(WRAPPED) in page.text
    assert [it.title for it in page.headings] == ["Of Boats", "Of Nets"]


@pytest.mark.skipif(not shutil.which("tesseract"), reason="tesseract is not installed")
def test_ocr() -> None:
    file = Pdf()
    file.lines("A page with text of its own.")
    file.end_page()
    file.picture(picture_of("The lighthouse keeper wrote", "a letter every evening."))
    file.end_page()
    file.end_page()
    page = read(file.data(), ocr="eng")
    assert page_of(page, "The lighthouse keeper wrote a letter every evening.") == 2
    assert page_of(page, "text of its own") == 1


@pytest.mark.skipif(not shutil.which("tesseract"), reason="tesseract is not installed")
@pytest.mark.parametrize(
    ("languages", "reason"),
    [("xyz", "OCR: tesseract has no language data 'xyz'"), ("-x", "OCR: '-x' names no language")],
)
def test_ocr_in_a_language_that_is_not_there(languages: str, reason: str) -> None:
    with pytest.raises(UnreadableError, match=reason):
        ocr.text_of(np.full((50, 50), 255, np.uint8), languages)


def test_ocr_without_the_program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = Pdf()
    file.picture(picture_of("words"))
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UnreadableError, match=r"^OCR: tesseract is not installed$"):
        read(file.data(), ocr="eng")


@pytest.mark.skipif(sys.platform == "win32", reason="the stand-in is a script for a shell")
@pytest.mark.parametrize(
    ("script", "reason"),
    [
        ("exec sleep 60", "OCR: tesseract takes more than 0.2 s for a page"),
        ("echo out of luck >&2; exit 3", "OCR: tesseract fails with status 3: out of luck"),
        ("kill -9 $$", "OCR: tesseract fails with status -9"),
    ],
)
def test_ocr_that_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str, reason: str) -> None:
    program = tmp_path / "tesseract"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    monkeypatch.setattr(ocr, "SECONDS", 0.2 if "sleep" in script else 60)
    with pytest.raises(UnreadableError) as caught:
        ocr.text_of(np.full((50, 50), 255, np.uint8), "eng")
    assert str(caught.value) == reason
