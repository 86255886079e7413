"""DOCX in, its text out: paragraphs, headings, lists and tables, with the number of each paragraph."""

from __future__ import annotations

import re
from dataclasses import replace
from itertools import count
from typing import TYPE_CHECKING

import mammoth

from indexer.formats.archive import markup_only, open_zip
from indexer.formats.html import page_text
from indexer.formats.office import core_properties, paragraph_marks
from indexer.formats.xml import parse
from indexer.read.extract import Extract, UnreadableError

if TYPE_CHECKING:
    import zipfile
    from collections.abc import Iterator

    from indexer.read.extract import Source

BODY_LEVEL = 9  # the outline level of what is no heading; 0 is the outermost
MAX_LIST_DEPTH = 9  # that Word has; the library's own rules end at 5
MAX_STYLES = 100  # with a level of their own: the library tries each of them at every paragraph
CODE_STYLES = ("HTML Preformatted", "Preformatted Text", "Source Code", "Code", "Code Block", "Macro Text", "macro")
W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"

_NOTE = re.compile(r'(<li id="(?:foot|end)note-[^"]*">)<p>')
_BACKLINK = re.compile(r'\s*<a href="#(?:foot|end)note-ref-[^"]*">↑</a>')
# What the library would make objects of that nobody needs: the look of a run, which makes up most of a file (but not
# the mark of a deleted paragraph in it), marks of the spelling checker, bookmarks, ids of revisions.
_LOOK = re.compile(rb"<w:rPr>[^<]*+(?:<(?!/?w:rPr>|w:del[ />])[^<]*+)*+</w:rPr>")
_MARKS = re.compile(rb"<w:(?:rPr|proofErr|bookmarkStart|bookmarkEnd|lastRenderedPageBreak)(?: [^<>]*)?/>")
_IDS = re.compile(rb"(<w:(?:p|r|tr)) [^<>]*?(/?>)")
_RUN_BORDER = re.compile(rb"</w:t>\s*</w:r>\s*<w:r>\s*<w:t(?: [^<>]*)?(?<!/)>")
# It drops what stands within elements that it does not know, but of a smart tag it keeps what is in it.
_TRANSPARENT = re.compile(rb"(</?w:)(?:fldSimple|bdo|dir|ruby|rubyBase)(?=[ />])")
_FORMULA = re.compile(rb"<m:oMath[ >].*?</m:oMath>", re.DOTALL)
_FORMULA_SIGN = re.compile(rb"</m:num>|<m:su[pb]>")
_FORMULA_TAG = re.compile(rb"</?m:(?!t[ />])[^<>]*>")
_SIGNS = {b"</m:num>": b"/", b"<m:sup>": b"^", b"<m:sub>": b"_"}


def extract(source: Source) -> Extract:
    """Read the text of a document, its notes at the end.

    Headers, footers, comments, deleted text and contents are left out.

    Raises:
        UnreadableError: encrypted, damaged, or it would unpack to too much.
    """
    with open_zip(source.data) as archive:
        title, metadata = core_properties(archive)
        rules = "\n".join(_style_rules(archive))
        copy = markup_only(archive, _simplified)
    # Empty paragraphs are kept for the empty lines of listings.
    html = mammoth.convert_to_html(copy, style_map=rules, convert_image=_nothing, ignore_empty_paragraphs=False).value
    number = count(1)
    html = _NOTE.sub(lambda match: f"{match[1]}<p>[{next(number)}] ", _BACKLINK.sub("", html))
    page = page_text(html, whole=True)
    if page is None:
        raise UnreadableError("nested too deeply")
    marks = paragraph_marks(page.text, page.blocks)
    return replace(page, title=title, lines=(), marks=marks, metadata=metadata)


def _nothing(_: object) -> list[object]:
    """Return what stands in the place of a picture."""
    return []


def _simplified(data: bytes) -> bytes:
    """Bring a part of a document to terms that the library knows, without what has no text."""
    data = _MARKS.sub(b"", _LOOK.sub(b"", data))
    data = _RUN_BORDER.sub(b"", _IDS.sub(rb"\1\2", data))
    data = _TRANSPARENT.sub(rb"\1smartTag", data)
    return _FORMULA.sub(lambda match: _linear(match[0]), data)


def _linear(formula: bytes) -> bytes:
    """Write a formula as it would be typed on one line."""
    formula = _FORMULA_SIGN.sub(lambda match: b"<w:r><w:t>" + _SIGNS[match[0]] + b"</w:t></w:r>" + match[0], formula)
    return _FORMULA_TAG.sub(b"", formula).replace(b"<m:t", b"<w:t").replace(b"</m:t>", b"</w:t>")


def _style_rules(archive: zipfile.ZipFile) -> Iterator[str]:
    """Rules of the library: which style of a paragraph becomes what; its own rules come after these."""
    yield "p[style-name='Title'] => h1:fresh"
    yield from (f"p[style-name='heading {level}'] => h6:fresh" for level in range(7, 10))
    yield from (f"p[style-name='{name}'] => pre:separator('\\n')" for name in CODE_STYLES)
    yield from (f"p[style-name='toc {level}'] => !" for level in range(1, 10))
    if "word/styles.xml" in archive.namelist():
        yield from _heading_rules(archive.read("word/styles.xml"))
    for depth in range(6, MAX_LIST_DEPTH + 1):
        outer = "ul|ol > li > " * (depth - 1)
        yield f"p:unordered-list({depth}) => {outer}ul > li:fresh"
        yield f"p:ordered-list({depth}) => {outer}ol > li:fresh"


def _heading_rules(styles: bytes) -> Iterator[str]:
    """Return a rule for each of the author's own styles that is a heading, by itself or by its base."""
    table = {}
    for style in parse(styles).iter(f"{W}style"):
        told = {name: style.find(f"{W}{path}") for name, path in _STYLE_PATHS.items()}
        values = {name: element.get(f"{W}val", "") for name, element in told.items() if element is not None}
        table[style.get(f"{W}styleId", "")] = values
    rules = 0
    for style_id, values in table.items():
        level = _outline_level(table, style_id)
        name = values.get("name", "")
        if level < BODY_LEVEL and name.isprintable() and not _BUILT_IN.fullmatch(name) and rules < MAX_STYLES:
            rules += 1
            quoted = name.replace("\\", "\\\\").replace("'", "\\'")
            yield f"p[style-name='{quoted}'] => h{min(level + 1, 6)}:fresh"


_STYLE_PATHS = {"name": "name", "base": "basedOn", "level": f"pPr/{W}outlineLvl"}
_BUILT_IN = re.compile(r"|title|subtitle|heading \d", re.IGNORECASE)


def _outline_level(table: dict[str, dict[str, str]], style_id: str) -> int:
    for _ in range(len(table)):  # a style may be based on itself
        values = table.get(style_id, {})
        level = values.get("level", "")
        if level.isdecimal():
            return int(level)
        if "base" not in values:
            break
        style_id = values["base"]
    return BODY_LEVEL
