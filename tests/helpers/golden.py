"""A document of each format, by a writer that is not ours, with one sentence at a known place."""

from __future__ import annotations

import csv
import gzip
import io
import json
import mailbox
from collections.abc import Callable, Sequence
from email.message import EmailMessage
from pathlib import Path
from typing import NamedTuple

import docx
import openpyxl
from pptx import Presentation
from reportlab.lib.pagesizes import A4
from reportlab.pdfgen.canvas import Canvas

from helpers.office import convert

TOPICS = (
    "The ferry to the island runs every second hour in summer",
    "Bread rises faster when the dough stands beside the oven",
    "The committee postponed the vote on the new library",
    "A violin string of gut goes out of tune in damp weather",
    "The glacier has lost forty metres of ice since the survey",
    "Invoices are paid within thirty days of their arrival",
    "The telescope was built to look at faint galaxies",
    "Goats eat the bark of young trees when the snow is deep",
    "The tram depot was turned into a market for antiques",
    "Antibodies bind to the surface of the virus",
)
AT = 7  # of ten: the part that the sentence stands in


class Golden(NamedTuple):
    """A file and where its sentence is."""

    write: Callable[[Path, str], None]  # to this path, with this sentence
    place: str  # as `nearest` prints it behind the path, {n} standing for any number


def parts(sentence: str) -> list[str]:
    """Ten paragraphs on different matters, the seventh of which ends with the sentence."""
    return [
        f"{topic}, so they say. " * 3 + (sentence if number == AT else "")
        for number, topic in enumerate(TOPICS, start=1)
    ]


def headings() -> list[str]:
    """Ten headings."""
    return [f"Section {number}: {topic.split()[1]}" for number, topic in enumerate(TOPICS, start=1)]


def lines(before: str, between: str) -> Callable[[Path, str], None]:
    """A file of lines: {h} and {t} of `between` are a heading and its text."""

    def write(path: Path, sentence: str) -> None:
        both = zip(headings(), parts(sentence), strict=True)
        path.write_text(
            before + "".join(between.replace("{h}", h).replace("{t}", t) for h, t in both), encoding="utf-8"
        )

    return write


def pdf(path: Path, sentence: str) -> None:
    """A page for each part."""
    canvas = Canvas(str(path), pagesize=A4)
    for part in parts(sentence):
        text = canvas.beginText(72, 760)
        words = part.split()
        for start in range(0, len(words), 12):
            text.textLine(" ".join(words[start : start + 12]))
        canvas.drawText(text)
        canvas.showPage()
    canvas.save()


def word(path: Path, sentence: str) -> None:
    """A heading and a paragraph for each part."""
    document = docx.Document()
    for heading, part in zip(headings(), parts(sentence), strict=True):
        document.add_heading(heading, 1)
        document.add_paragraph(part)
    document.save(str(path))


def slides(path: Path, sentence: str) -> None:
    """A slide for each part."""
    presentation = Presentation()
    for heading, part in zip(headings(), parts(sentence), strict=True):
        slide = presentation.slides.add_slide(presentation.slide_layouts[1])
        slide.shapes.title.text = heading
        slide.placeholders[1].text = part
    presentation.save(str(path))


def rows(sentence: str) -> list[list[str]]:
    """A header and ten rows: the sentence is in row 8."""
    return [["Section", "Remark"], *([h, t] for h, t in zip(headings(), parts(sentence), strict=True))]


def workbook(path: Path, sentence: str) -> None:
    """Two sheets, the rows on the second."""
    book = openpyxl.Workbook()
    book.active.title = "Cover"
    book.active["A1"] = "Nothing to see"
    sheet = book.create_sheet("Remarks")
    for row in rows(sentence):
        sheet.append(row)
    book.save(path)


def delimited(delimiter: str) -> Callable[[Path, str], None]:
    """The rows, parted by that."""

    def write(path: Path, sentence: str) -> None:
        with path.open("w", encoding="utf-8", newline="") as file:
            csv.writer(file, delimiter=delimiter).writerows(rows(sentence))

    return write


def by_libreoffice(first: Callable[[Path, str], None], suffix: str) -> Callable[[Path, str], None]:
    """What LibreOffice makes of a file of another format; the test is skipped where there is none."""

    def write(path: Path, sentence: str) -> None:
        source = path.parent.parent / f"source-{path.name}{suffix}"
        first(source, sentence)
        path.write_bytes(convert(source.read_bytes(), "source" + suffix, path.suffix[1:], path.parent.parent))

    return write


def notebook(path: Path, sentence: str) -> None:
    """A cell for each part."""
    cells = [
        {"cell_type": "markdown", "metadata": {}, "source": [f"## {h}\n", "\n", t]}
        for h, t in zip(headings(), parts(sentence), strict=True)
    ]
    path.write_text(json.dumps({"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}), encoding="utf-8")


def records(path: Path, sentence: str) -> None:
    """A record for each part."""
    both = zip(headings(), parts(sentence), strict=True)
    written = [json.dumps({"id": f"id-{n}", "title": h, "text": t}) for n, (h, t) in enumerate(both, start=1)]
    path.write_text("\n".join(written) + "\n", encoding="utf-8")


def letter(sentence: str) -> EmailMessage:
    """A letter with the PDF attached."""
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "ada@example.org", "ben@example.org", "The report"
    message.set_content("Please find it attached.\n")
    with io.BytesIO() as file:
        canvas = Canvas(file, pagesize=A4)
        for part in parts(sentence):
            canvas.drawString(72, 700, part[-80:])
            canvas.showPage()
        canvas.save()
        message.add_attachment(file.getvalue(), maintype="application", subtype="pdf", filename="report.pdf")
    return message


def mail(path: Path, sentence: str) -> None:
    """One letter."""
    path.write_bytes(letter(sentence).as_bytes())


def mails(path: Path, sentence: str) -> None:
    """A letter for each part."""
    box = mailbox.mbox(path)
    for heading, part in zip(headings(), parts(sentence), strict=True):
        message = EmailMessage()
        message["From"], message["Subject"] = "ada@example.org", heading
        message.set_content(part + "\n")
        box.add(message)
    box.close()


def cues(template: str) -> Callable[[int, str], str]:
    """A subtitle of ten seconds for a part; the seventh starts after a minute."""
    return lambda n, part: template.format(n=n, start=f"00:{(n - 1) // 6:02}:{(n - 1) * 10 % 60:02}", text=part)


def subtitles(before: str, template: str) -> Callable[[Path, str], None]:
    """Ten subtitles."""

    def write(path: Path, sentence: str) -> None:
        cue = cues(template)
        body = "".join(cue(number, part) for number, part in enumerate(parts(sentence), start=1))
        path.write_text(before + body, encoding="utf-8")

    return write


def packed(path: Path, sentence: str) -> None:
    """Lines, compressed."""
    plain = path.with_name("plain")
    lines("", "{h}\n\n{t}\n\n")(plain, sentence)
    path.write_bytes(gzip.compress(plain.read_bytes()))
    plain.unlink()


def xml_entries(tag: str) -> str:
    """A section of DocBook."""
    return f"<{tag}>\n<title>{{h}}</title>\n<para>{{t}}</para>\n</{tag}>\n"


FLOW = '<!doctype html>\n<title>Handbook</title>\n<nav><a href="/">Home</a></nav>\n<main>\n'
TEX = "\\documentclass{article}\n\\begin{document}\n"
CODE = 'def section():\n    """{t}"""\n    return None\n\n\n'

GOLDEN: dict[str, Golden] = {
    "a.md": Golden(lines("", "## {h}\n\n{t}\n\n"), ":27"),
    "a.txt": Golden(lines("", "{h}\n\n{t}\n\n"), ":27"),
    "a.rst": Golden(lines("", "{h}\n" + "=" * 40 + "\n\n{t}\n\n"), ":34"),
    "a.org": Golden(lines("", "* {h}\n\n{t}\n\n"), ":27"),
    "a.tex": Golden(lines(TEX, "\\section{{h}}\n\n{t}\n\n"), ":29"),
    "a.1": Golden(lines(".TH GOLDEN 1\n", ".SH {h}\n.PP\n{t}\n"), ":22"),
    "a.py": Golden(lines("", CODE), ":32"),
    "a.cs": Golden(lines("", "class Section\n{\n    // {t}\n}\n\n"), ":33"),
    "a.json": Golden(lines("{\n", '  "{h}": "{t}",\n'), ":8"),
    "a.html": Golden(lines(FLOW, "<h2>{h}</h2>\n<p>{t}</p>\n\n"), ":24"),
    "a.xml": Golden(lines('<?xml version="1.0"?>\n<book>\n', xml_entries("section")), ":29"),
    "a.txt.gz": Golden(packed, ":27"),
    "a.csv": Golden(delimited(","), ":{n}  row{s}"),
    "a.tsv": Golden(delimited("\t"), ":{n}  row{s}"),
    "a.jsonl": Golden(records, ':7  "id-7" record 7'),
    "a.ipynb": Golden(notebook, "  cell{s}"),
    "a.srt": Golden(subtitles("", "{n}\n{start},000 --> {start},900\n{text}\n\n"), "{time}"),
    "a.vtt": Golden(subtitles("WEBVTT\n\n", "{start}.000 --> {start}.900\n{text}\n\n"), "{time}"),
    "a.pdf": Golden(pdf, "  page 7"),
    "a.docx": Golden(word, "  paragraph{s}"),
    "a.pptx": Golden(slides, "  slide 7"),
    "a.xlsx": Golden(workbook, '  sheet "Remarks" row{s}'),
    "a.eml": Golden(mail, '  "report.pdf" page 7'),
    "a.mbox": Golden(mails, '  "Section 7: telescope" message 7'),
    "lo.odt": Golden(by_libreoffice(word, ".docx"), "  paragraph{s}"),
    "lo.rtf": Golden(by_libreoffice(word, ".docx"), "  paragraph{s}"),
    "lo.odp": Golden(by_libreoffice(slides, ".pptx"), "  slide 7"),
    "lo.ods": Golden(by_libreoffice(workbook, ".xlsx"), '  sheet "Remarks" row{s}'),
    "lo.xls": Golden(by_libreoffice(workbook, ".xlsx"), '  sheet "Remarks" row{s}'),
    "lo.pdf": Golden(by_libreoffice(slides, ".pptx"), "  page 7"),
    "lo.epub": Golden(by_libreoffice(word, ".docx"), "  chapter"),
}


def sentences(names: Sequence[str]) -> dict[str, str]:
    """A sentence for each file that no other has."""
    animals = ["heron", "otter", "badger", "stork", "lynx", "newt", "raven", "beaver"]
    trees = ["willow", "alder", "poplar", "rowan"]
    pairs = [(animal, tree) for animal in animals for tree in trees]
    return {
        name: f"The {animal} nests in the {tree} behind the mill."
        for name, (animal, tree) in zip(names, pairs, strict=False)
    }
