"""PDF in, its text page by page out, with the bookmarks as headings; pages without text by OCR, where it is wanted."""

from __future__ import annotations

import logging
import re
from contextlib import closing, suppress
from datetime import datetime
from typing import TYPE_CHECKING, Any

import pypdfium2 as pdfium
import pypdfium2.raw as pdfium_c

from indexer.formats import ocr
from indexer.formats.office import keywords, metadata
from indexer.formats.page_lines import HYPHEN, Line, settle
from indexer.markup.headings import plain_title
from indexer.read.extract import MAX_TEXT, Builder, UnreadableError
from storage.files import SkipCode

if TYPE_CHECKING:
    from indexer.read.extract import Extract, Source

MAX_PAGES = 20_000  # of more there is only what someone made up
DPI = 300  # of pictures for OCR
MAX_PIXELS = 40_000_000  # of them; a page of A3 has 17 million
MAX_TITLE_LINES = 3

# Layout only: a space that is not to be broken, the hyphen as PDFium also has it, ligatures, other control characters.
_PLAIN = {0xA0: " ", 2: HYPHEN, **dict.fromkeys([*range(2), *range(3, 9), *range(11, 32), 0x7F])}
_PLAIN |= dict(zip(range(0xFB00, 0xFB07), ("ff", "fi", "fl", "ffi", "ffl", "st", "st"), strict=True))
_LEADER = re.compile(r"(?: ?\.){5,} ?")  # from an entry of a table of contents to its page
_DIVIDED = re.compile(r"(?<=[^\W\d_])-\n(?=[^\W\d_])")
# "Chapter 3", "IV.", "1.4.2" without spaces and points: may stand before a title on its page alone, or in its bookmark.
_CHAPTER = re.compile(r"[^\W\d]{0,9}(?:\d{1,9}[^\W\d]?|[ivxlc]{1,7})")
_NO_TITLE = re.compile(
    r"\s*(?:untitled\s*$|Microsoft \w+ - )", re.IGNORECASE
)  # what programs put where nobody wrote one
_WORD = re.compile(r"[^\W_]")
_DATE = re.compile(r"D?:?(\d{4})(\d\d)?(\d\d)?(\d\d)?(\d\d)?(\d\d)?(?:(Z|[+-]\d\d)'?(\d\d)?)?")
_UNENCRYPTED = {pdfium_c.FPDF_ERR_PASSWORD: "needs a password", pdfium_c.FPDF_ERR_SECURITY: "in an unknown way"}

logging.getLogger("pypdfium2").setLevel(logging.ERROR)  # its warnings of odd bookmarks would end up on the terminal


def extract(source: Source) -> Extract:
    """Read the text of every page; its title, author, keywords and times.

    Raises:
        UnreadableError: encrypted, more than 20,000 pages, a page is damaged, or no page has text; or OCR
            is wanted and fails.
    """
    try:
        document = pdfium.PdfDocument(source.data)
    except pdfium.PdfiumError as error:
        if reason := _UNENCRYPTED.get(error.err_code):
            raise UnreadableError(f"encrypted: {reason}", SkipCode.ENCRYPTED) from error
        raise
    with closing(document):
        if len(document) > MAX_PAGES:
            raise UnreadableError(f"{len(document):,} pages, more than the limit of {MAX_PAGES:,}", SkipCode.TOO_LARGE)
        builder = Builder()
        _describe(builder, document)
        pages = _read(document, source.ocr)
        settle(pages)
        _write(builder, pages, _bookmarks(document))
    return builder.extract()


def _describe(builder: Builder, document: Any) -> None:
    about = document.get_metadata_dict()
    builder.title = "" if _NO_TITLE.match(about["Title"]) else plain_title(about["Title"])
    builder.metadata |= metadata(
        author=about["Author"],
        created=_time(about["CreationDate"]),
        modified=_time(about["ModDate"]),
        keywords=keywords(about["Keywords"]),
    )


def _time(text: str) -> datetime | None:
    """Read a moment as PDF writes it, "D:20240131120000+01'00'"; what is missing behind the year is its first."""
    match = _DATE.match(text.strip())
    if not match:
        return None
    year, month, day, hour, minute, second = (int(part or 0) for part in match.groups()[:6])
    with suppress(ValueError):
        zone = datetime.strptime(f"{match[7]}{match[8] or '00'}".replace("Z00", "Z"), "%z").tzinfo if match[7] else None
        return datetime(year, month or 1, day or 1, hour, minute, second, tzinfo=zone)
    return None


def _read(document: Any, languages: str) -> list[list[Line]]:
    """Read the lines of each page, in the order that the file has them."""
    if document.get_formtype() != pdfium_c.FORMTYPE_NONE:
        document.init_forms()
    pages: list[list[Line]] = []
    length = 0
    for index in range(len(document)):
        try:
            lines = _page_lines(document, index)
        except pdfium.PdfiumError as error:
            raise UnreadableError(f"damaged: page {index + 1} of {len(document)} cannot be read") from error
        if languages and not lines:
            lines = _recognised(document, index, languages)
        length += sum(len(line.text) for line in lines)
        if length > MAX_TEXT:
            raise UnreadableError(f"more than {MAX_TEXT / 1e6:g} million characters of text", SkipCode.TOO_LARGE)
        pages.append(lines)
    if not any(pages):
        off = "" if languages else " (OCR is off: nearest index --ocr LANG)"
        raise UnreadableError(f"scanned: {len(pages)} page{'s'[: len(pages) > 1]} without text{off}", SkipCode.SCANNED)
    return pages


def _page_lines(document: Any, index: int) -> list[Line]:
    """Read the lines of a page that has text, what is filled into its forms among them."""
    if document.formenv:
        with closing(document[index]) as page:
            page.flatten()
    with closing(document[index]) as page, closing(page.get_textpage()) as text_page:
        text = text_page.get_text_range()
        if not _WORD.search(text):
            return []
        lines = []
        position = 0
        for raw in text.split("\r\n"):
            if line := _LEADER.sub(" … ", raw.translate(_PLAIN)).strip():
                lines.append(_placed(line, text_page, position, position + len(raw) - 1))
            position += len(raw) + 2
        return lines


def _placed(text: str, text_page: Any, first: int, last: int) -> Line:
    """Make a line with its box, by the positions of its first and last character in the text of its page."""
    line = Line(text)
    box = pdfium_c.FS_RECTF()
    index = pdfium_c.FPDFText_GetCharIndexFromTextIndex(text_page, first)
    if index >= 0 and pdfium_c.FPDFText_GetLooseCharBox(text_page, index, box):
        line.left, line.first_y, line.height = box.left, box.bottom, box.top - box.bottom
    index = pdfium_c.FPDFText_GetCharIndexFromTextIndex(text_page, last)
    if index >= 0 and pdfium_c.FPDFText_GetLooseCharBox(text_page, index, box):
        line.right, line.last_y = box.right, box.bottom
    return line


def _recognised(document: Any, index: int, languages: str) -> list[Line]:
    """Read a page by OCR: each paragraph as a line without a box."""
    with closing(document[index]) as page:
        width, height = page.get_size()
        scale = min(DPI / 72, (MAX_PIXELS / max(width * height, 1)) ** 0.5)
        with closing(page.render(scale=scale, grayscale=True, optimize_mode=None)) as bitmap:
            text = ocr.text_of(bitmap.to_numpy().reshape(bitmap.height, bitmap.width), languages)
    paragraphs = (" ".join(part.split()) for part in re.split(r"\n\s*\n", _DIVIDED.sub(HYPHEN, text)))
    return [Line(paragraph) for paragraph in paragraphs if _WORD.search(paragraph)]


def _bookmarks(document: Any) -> dict[int, list[tuple[int, str]]]:
    """For the index of a page its bookmarks, level and title; one without a page goes with the next that has one."""
    found: dict[int, list[tuple[int, str]]] = {}
    waiting: list[tuple[int, str]] = []
    for bookmark in document.get_toc():
        waiting.append((bookmark.level + 1, " ".join(bookmark.get_title().translate(_PLAIN).split())))
        target = bookmark.get_dest()
        index = target.get_index() if target else None
        if index is not None:
            found.setdefault(index, []).extend(waiting)
            waiting = []
    return found


def _write(builder: Builder, pages: list[list[Line]], bookmarks: dict[int, list[tuple[int, str]]]) -> None:
    """Each page's paragraphs, and between them its headings; only a sentence that goes on joins two pages."""
    goes_on = False  # whether a line may continue what is written
    for index, lines in enumerate(pages):
        joined = goes_on and bool(lines) and lines[0].gap != "\n\n"
        builder.mark("page", index + 1, apart=not joined)
        headings = _headings(lines, bookmarks.get(index, []))
        written = 0
        for at, end, level, title in [*headings, (len(lines), len(lines), 0, "")]:
            for line in lines[written:at]:
                if goes_on and line.gap != "\n\n":
                    builder.write(line.gap + line.text)
                else:
                    builder.paragraph(line.text)
                goes_on = True
            builder.heading(level, title)
            goes_on = goes_on and not title
            written = end


def _headings(lines: list[Line], bookmarks: list[tuple[int, str]]) -> list[tuple[int, int, int, str]]:
    """For each bookmark of a page the lines that it names, `[at, end)`, its level, and its title as the page has it.

    One that the page does not have stands, as itself, where its page or the text under the bookmark before begins.
    """
    squashed = [_squash(line.text) for line in lines]
    headings = []
    end = 0
    for level, title in bookmarks:
        wanted = _squash(title)
        stops = range(end + 1, len(lines) + 1)
        places = ((at, stop) for stop in stops for at in range(stop - 1, max(end, stop - MAX_TITLE_LINES) - 1, -1))
        place = next((it for it in places if _names("".join(squashed[slice(*it)]), wanted)), None)
        if place:
            title = " ".join(line.text for line in lines[slice(*place)])
        start, end = place or (end, end)
        headings.append((start, end, level, title))
    return headings


def _squash(text: str) -> str:
    return "".join(filter(str.isalnum, text.casefold()))


def _names(text: str, title: str) -> bool:
    """Whether text on a page is the title of a bookmark, with or without the number that one of them may have."""
    short, long = sorted((text, title), key=len)
    number = long[: len(long) - len(short)]
    return bool(short) and long.endswith(short) and (not number or bool(_CHAPTER.fullmatch(number)))
