"""Office files for tests: ODF written by hand, and what LibreOffice makes of it."""

from __future__ import annotations

import io
import shutil
import subprocess
import zipfile
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from indexer.read.extract import Extract

NAMESPACES = " ".join(
    f'xmlns:{prefix}="urn:oasis:names:tc:opendocument:xmlns:{name}:1.0"'
    for prefix, name in {
        "office": "office",
        "text": "text",
        "table": "table",
        "draw": "drawing",
        "presentation": "presentation",
        "style": "style",
        "svg": "svg-compatible",
        "meta": "meta",
        "fo": "xsl-fo-compatible",
    }.items()
)
DUBLIN_CORE = 'xmlns:dc="http://purl.org/dc/elements/1.1/"'
MIMETYPES = {
    "odt": "application/vnd.oasis.opendocument.text",
    "odp": "application/vnd.oasis.opendocument.presentation",
}
PREFORMATTED = (
    '<office:styles><style:style style:name="Preformatted_20_Text" style:display-name="Preformatted Text"'
    ' style:family="paragraph"/></office:styles>'
)
LIBREOFFICE_SECONDS = 120


def opendocument(kind: str, body: str, *, styles: str = "", parts: dict[str, str] | None = None) -> bytes:
    """The smallest ODT or ODP file: XML of its body, of its automatic styles, and further files by name."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("mimetype", MIMETYPES[kind], zipfile.ZIP_STORED)
        root = f'office:document-content {NAMESPACES} {DUBLIN_CORE} office:version="1.2"'
        archive.writestr("content.xml", f"<{root}>{_content(kind, body, styles)}</office:document-content>")
        for name, text in (parts or {}).items():
            archive.writestr(name, text)
    return file.getvalue()


def meta(properties: str) -> str:
    """The file that says what a document is."""
    root = f"office:document-meta {NAMESPACES} {DUBLIN_CORE}"
    return f"<{root}><office:meta>{properties}</office:meta></office:document-meta>"


def flat(kind: str, body: str, *, properties: str = "", styles: str = "", masters: str = "") -> str:
    """The same as one XML file, which LibreOffice reads."""
    attributes = f'{NAMESPACES} {DUBLIN_CORE} office:version="1.2" office:mimetype="{MIMETYPES[kind]}"'
    parts = f"<office:meta>{properties}</office:meta>{PREFORMATTED}{_content(kind, body, styles, masters)}"
    return f'<?xml version="1.0" encoding="UTF-8"?>\n<office:document {attributes}>{parts}</office:document>'


def _content(kind: str, body: str, styles: str, masters: str = "") -> str:
    name = {"odt": "office:text", "odp": "office:presentation"}[kind]
    return (
        f"<office:automatic-styles>{styles}</office:automatic-styles>{masters}"
        f"<office:body><{name}>{body}</{name}></office:body>"
    )


def convert(content: str | bytes, name: str, suffix: str, folder: Path) -> bytes:
    """What LibreOffice makes of a file; skips the test where there is none."""
    program = shutil.which("soffice")
    if not program:
        pytest.skip("LibreOffice (soffice) is not installed")
    source = folder / name
    source.write_bytes(content.encode() if isinstance(content, str) else content)
    profile = (folder / "profile").as_uri()
    command = [program, f"-env:UserInstallation={profile}", "--headless", "--convert-to", suffix, source.name]
    done = subprocess.run(command, cwd=folder, capture_output=True, timeout=LIBREOFFICE_SECONDS, check=False)
    target = source.with_suffix(f".{suffix}")
    assert target != source
    assert target.exists(), done.stderr.decode(errors="replace")
    return target.read_bytes()


def place(page: Extract, words: str) -> tuple[str, int]:
    """The unit and number of the place where words stand."""
    offset = page.text.index(words)
    mark = [mark for mark in page.marks if mark.offset <= offset][-1]
    return mark.unit, mark.number


def outline(page: Extract) -> list[tuple[int, str]]:
    """Level and title of each heading, having seen that it stands where it says."""
    for heading in page.headings:
        assert page.text.startswith(heading.title, heading.offset)
    return [(heading.level, heading.title) for heading in page.headings]


def blocks(page: Extract, kind: str) -> list[str]:
    """The text of each block of a kind."""
    return [page.text[block.start : block.end] for block in page.blocks if block.kind == kind]


def headers(page: Extract) -> list[str]:
    """The header row of each table that has one."""
    return [page.text[block.start : block.header] for block in page.blocks if block.header]
