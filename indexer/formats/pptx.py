"""PPTX in, its text out: the slides in their order, each with its number, title, text, tables and notes."""

from __future__ import annotations

import re
from itertools import zip_longest
from typing import TYPE_CHECKING, Any

from pptx import Presentation
from pptx.enum.shapes import PP_PLACEHOLDER
from pptx.exc import PackageNotFoundError

from indexer.formats.archive import markup_only, open_zip
from indexer.formats.office import core_properties
from indexer.formats.xml import parse
from indexer.read.extract import Builder, Extract, UnreadableError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from indexer.read.extract import Source

LINE_HEIGHT = 180_000  # in units of 1/360,000 cm; shapes that start within it stand side by side
DRAWING = "{http://schemas.openxmlformats.org/drawingml/2006/main}"
CHART = "{http://schemas.openxmlformats.org/drawingml/2006/chart}"
DIAGRAM = "/diagramData"  # the end of the name of the relation to what a SmartArt says
FURNITURE = (
    PP_PLACEHOLDER.DATE,
    PP_PLACEHOLDER.FOOTER,
    PP_PLACEHOLDER.HEADER,
    PP_PLACEHOLDER.SLIDE_NUMBER,
)
# The newer of two forms of a shape; the older may be but a picture.
_ALTERNATIVES = re.compile(
    rb"<mc:AlternateContent(?: [^<>]*)?>\s*<mc:Choice [^<>]*>([^<]*+(?:<(?!/?mc:)[^<]*+)*+)</mc:Choice>"
    rb"[^<]*+(?:<(?!/?mc:AlternateContent)[^<]*+)*+</mc:AlternateContent>"
)
_MAIN_TYPE = re.compile(rb"(?<=[.])(?:slideshow|template)((?:\.macroEnabled)?\.main\+xml)")
_STRICT = re.compile(rb"http://purl\.oclc\.org/ooxml/(\w+)/")
LISTS = (PP_PLACEHOLDER.BODY, PP_PLACEHOLDER.OBJECT, PP_PLACEHOLDER.VERTICAL_BODY, PP_PLACEHOLDER.VERTICAL_OBJECT)


def extract(source: Source) -> Extract:
    """Read the text of a presentation, hidden slides among it; dates, footers and numbers of slides are left out.

    Raises:
        UnreadableError: encrypted, damaged, or it would unpack to too much.
    """
    builder = Builder()
    with open_zip(source.data) as archive:
        builder.title, builder.metadata = core_properties(archive)
        copy = markup_only(archive, _simplified)
    try:
        presentation = Presentation(copy)
    except (PackageNotFoundError, KeyError) as error:
        raise UnreadableError("damaged, or no presentation") from error
    for number, slide in enumerate(presentation.slides, 1):
        builder.mark("slide", number, apart=True)
        _slide(builder, slide)
    return builder.extract()


def _simplified(data: bytes) -> bytes:
    """Bring a part of a presentation to terms that the library knows."""
    data = _STRICT.sub(rb"http://schemas.openxmlformats.org/\1/2006/", data)
    return _ALTERNATIVES.sub(rb"\1", _MAIN_TYPE.sub(rb"presentation\1", data))


def _slide(builder: Builder, slide: Any) -> None:
    title = slide.shapes.title
    if title is not None:
        builder.heading(1, title.text_frame.text.replace("\v", " "))
    for shape in _in_reading_order(slide.shapes):
        if title is None or shape.shape_id != title.shape_id:
            _shape(builder, shape)
    for relation in slide.part.rels.values():
        if relation.reltype.endswith(DIAGRAM) and not relation.is_external:
            points = parse(relation.target_part.blob).iter(f"{DRAWING}p")
            builder.block("list", "\n".join(f"- {text}" for text in map(_words, points) if text))
    if notes := "\n".join(_notes(slide)):
        builder.paragraph("Notes: " + notes)


def _notes(slide: Any) -> Iterator[str]:
    if slide.has_notes_slide:
        for shape in slide.notes_slide.shapes:
            if shape.has_text_frame and _role(shape) not in FURNITURE:
                yield from _lines(shape.text_frame, bulleted=False)


def _role(shape: Any) -> Any:
    """Return what a placeholder is for; None for other shapes."""
    return shape.placeholder_format.type if shape.is_placeholder else None


def _in_reading_order(shapes: Iterable[Any]) -> list[Any]:
    """From top to bottom, what stands side by side from left to right."""
    return sorted(shapes, key=lambda shape: ((shape.top or 0) // LINE_HEIGHT, shape.left or 0))


def _shape(builder: Builder, shape: Any) -> None:
    kind = _role(shape)
    if kind in FURNITURE:
        return
    if hasattr(shape, "shapes"):  # a group
        for part in _in_reading_order(shape.shapes):
            _shape(builder, part)
    elif shape.has_text_frame:
        lines = list(_lines(shape.text_frame, bulleted=kind in LISTS))
        if kind in LISTS and len(lines) > 1:
            builder.block("list", "\n".join(lines))
        else:
            builder.paragraph("\n".join(lines).removeprefix("- "))
    elif shape.has_table:
        table = shape.table
        builder.table(([_cell(cell) for cell in row.cells] for row in table.rows), header=table.first_row)
    elif shape.has_chart:
        _chart(builder, parse(shape.chart.part.blob))


def _lines(frame: Any, *, bulleted: bool) -> Iterator[str]:
    for paragraph in frame.paragraphs:
        text = paragraph.text.strip()
        if text and bulleted:
            indent = "  " * paragraph.level
            yield indent + "- " + text.replace("\v", "\n  " + indent)
        elif text:
            yield text.replace("\v", "\n")


def _cell(cell: Any) -> str:
    """Its text; that of merged cells stands in the first of them."""
    return "" if cell.is_spanned else cell.text_frame.text.replace("\v", " ")


def _chart(builder: Builder, chart: Any) -> None:
    """Read a chart's title and its figures, a column for each series."""
    title = chart.find(f"{CHART}chart/{CHART}title")
    if title is not None:
        builder.paragraph(_words(title))
    series = list(chart.iter(f"{CHART}ser"))
    names = [" ".join(_values(one, "tx")) for one in series]
    labels = next(filter(None, (_values(one, "cat") or _values(one, "xVal") for one in series)), [])
    figures = [_values(one, "val") or _values(one, "yVal") for one in series]
    builder.table([["", *names], *zip_longest(labels, *figures, fillvalue="")])


def _values(series: Any, name: str) -> list[str]:
    part = series.find(f"{CHART}{name}")
    return [] if part is None else [value.text or "" for value in part.iter(f"{CHART}v")]


def _words(element: Any) -> str:
    return "".join(text.text or "" for text in element.iter(f"{DRAWING}t")).strip()
