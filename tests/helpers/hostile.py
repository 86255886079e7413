"""A seed in, a folder of damaged and hostile files out: for every format that is read, the same each time.

Each kind begins with a sound file of it, which is then cut, flipped, replaced and misnamed; then come those made to
cost memory, time or secrets. `make` returns the names of the sound ones.
"""

from __future__ import annotations

import base64
import gzip
import io
import json
import os
import random
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator
from email.message import EmailMessage
from functools import cache
from pathlib import Path

WORDS = "The harbour master keeps the {kind} ledger beside the lamp, and writes every tide into it before breakfast."
MANY = 100_000
RUN = 20_000  # characters: the square of it is felt
LARGE = ("md", "py", "html", "json", "csv")  # whose file of one line is 10 MB
BOMB = 2_000_000_000  # bytes when unpacked

NAMES = (b"\xff\xfe.pdf", b"a\nb.docx", b"\x1b[31m.html", b"-rf.csv", "\u202etxt.xlsx".encode(), b"x" * 250 + b".md")

Files = Iterator[tuple[str, bytes]]


def make(folder: Path, secret: Path, *, largest: int = BOMB, seed: int = 1) -> list[str]:
    """Fill a folder.

    Args:
        folder: is made where there is none.
        secret: a file whose words must show up nowhere.
        largest: bytes of a file; larger ones are left out, but for those that unpack to a multiple.
        seed: of what is left to chance.
    """
    folder.mkdir(parents=True, exist_ok=True)
    sound = {f"sound.{suffix}": data for suffix, data in seeds()}
    chance = random.Random(seed)
    for name, data in (*sound.items(), *_damaged(sound, chance), *_hostile(secret.as_uri())):
        if len(data) <= largest or name.startswith("bomb"):
            (folder / name).write_bytes(data)
    for odd in NAMES:
        with open(os.fsencode(folder) + b"/" + odd, "wb") as file:  # noqa: PTH123 - a Path cannot have that name
            file.write(chance.randbytes(500))
    return list(sound)


# ---- sound files


def seeds() -> Files:
    """A suffix and the bytes of a file, for each format."""
    for suffix, build in SOUND.items():
        yield suffix, build(WORDS.format(kind=suffix))


def _pdf(words: str) -> bytes:
    from reportlab.pdfgen.canvas import Canvas

    out = io.BytesIO()
    canvas = Canvas(out, invariant=True)
    canvas.drawString(72, 700, words)
    canvas.showPage()
    canvas.drawString(72, 700, "A second page of it.")
    canvas.save()
    return out.getvalue()


def _docx(words: str) -> bytes:
    import docx

    document = docx.Document()
    document.add_heading("Ledger", 1)
    document.add_paragraph(words)
    document.add_table(2, 2).cell(0, 0).text = "Tide"
    return _saved(document.save)


def _pptx(words: str) -> bytes:
    import pptx

    show = pptx.Presentation()
    slide = show.slides.add_slide(show.slide_layouts[1])
    slide.shapes.title.text = "Ledger"
    slide.placeholders[1].text = words
    return _saved(show.save)


def _xlsx(words: str) -> bytes:
    import openpyxl

    book = openpyxl.Workbook()
    for row in (["Tide", "Words"], [1, words], [2, "none"]):
        book.active.append(row)
    return _saved(book.save)


def _saved(save: Callable[[io.BytesIO], object]) -> bytes:
    out = io.BytesIO()
    save(out)
    return out.getvalue()


def zipped(members: dict[str, str | bytes], stored: str = "") -> bytes:
    """A ZIP archive; the member `stored` comes first, as it is."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            info = zipfile.ZipInfo(name, (2024, 1, 1, 0, 0, 0))
            info.compress_type = zipfile.ZIP_STORED if name == stored else zipfile.ZIP_DEFLATED
            archive.writestr(info, data)
    return out.getvalue()


_NAMESPACES = " ".join(
    f'xmlns:{name}="urn:oasis:names:tc:opendocument:xmlns:{rest}:1.0"'
    for name, rest in (("office", "office"), ("text", "text"), ("table", "table"), ("draw", "drawing"))
)


def opendocument(kind: str, body: str, doctype: str = "") -> bytes:
    """An OpenDocument file: "text", "spreadsheet" or "presentation"."""
    mime = f"application/vnd.oasis.opendocument.{kind}"
    content = (
        f'<?xml version="1.0"?>{doctype}<office:document-content {_NAMESPACES} office:version="1.2"><office:body>'
        f"<office:{kind}>{body}</office:{kind}></office:body></office:document-content>"
    )
    manifest = (
        '<manifest:manifest xmlns:manifest="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0">'
        f'<manifest:file-entry manifest:full-path="/" manifest:media-type="{mime}"/>'
        '<manifest:file-entry manifest:full-path="content.xml" manifest:media-type="text/xml"/></manifest:manifest>'
    )
    return zipped({"mimetype": mime, "content.xml": content, "META-INF/manifest.xml": manifest}, "mimetype")


def sheet(body: str) -> str:
    """The body of a spreadsheet with one table."""
    return f'<table:table table:name="Sheet">{body}</table:table>'


def epub(
    body: str, spine: str = '<itemref idref="c"/>', href: str = "c.xhtml", doctype: str = "", opf_doctype: str = ""
) -> bytes:
    """A book of one chapter."""
    container = (
        '<container xmlns="urn:oasis:names:tc:opendocument:xmlns:container" version="1.0"><rootfiles>'
        '<rootfile full-path="content.opf" media-type="application/oebps-package+xml"/></rootfiles></container>'
    )
    package = (
        f'<?xml version="1.0"?>{opf_doctype}<package xmlns="http://www.idpf.org/2007/opf" version="3.0">'
        '<metadata xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:title>Ledger</dc:title></metadata>'
        f'<manifest><item id="c" href="{href}" media-type="application/xhtml+xml"/></manifest>'
        f"<spine>{spine}</spine></package>"
    )
    chapter = f'<?xml version="1.0"?>{doctype}<html xmlns="http://www.w3.org/1999/xhtml"><body>{body}</body></html>'
    return zipped(
        {
            "mimetype": "application/epub+zip",
            "META-INF/container.xml": container,
            "content.opf": package,
            "c.xhtml": chapter,
        },
        "mimetype",
    )


def compound(streams: dict[str, bytes]) -> bytes:
    """A compound file (OLE), as [MS-CFB] has it: 512 bytes a sector, all streams in whole sectors of their own."""
    sectors: list[bytes] = []
    chains: list[tuple[int, int]] = []

    def add(data: bytes) -> int:
        start = len(sectors)
        data += bytes(-len(data) % 512)
        sectors.extend(data[at : at + 512] for at in range(0, len(data), 512))
        chains.append((start, len(sectors)))
        return start

    entries = [_entry("Root Entry", 5, 1, 0xFFFFFFFE, 0, 0xFFFFFFFF)]
    names = sorted(streams, key=lambda name: (len(name), name.upper()))
    for number, name in enumerate(names, 1):
        data = streams[name] + bytes(max(0, 4096 - len(streams[name])))
        right = number + 1 if number < len(names) else 0xFFFFFFFF
        entries.append(_entry(name, 2, 0xFFFFFFFF, add(data), len(data), right))
    directory = add(b"".join(entries))
    links = [0xFFFFFFFF] * 128
    for start, end in chains:
        links[start:end] = [*range(start + 1, end), 0xFFFFFFFE]
    assert len(sectors) < 128
    links[len(sectors)] = 0xFFFFFFFD
    header = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(16) + struct.pack("<HHHHH", 0x3E, 3, 0xFFFE, 9, 6) + bytes(6)
    header += struct.pack("<IIIIIIIII", 0, 1, directory, 0, 4096, 0xFFFFFFFE, 0, 0xFFFFFFFE, 0)
    header += struct.pack("<109I", len(sectors), *[0xFFFFFFFF] * 108)
    return header + b"".join(sectors) + struct.pack("<128I", *links[:128])


def _entry(name: str, kind: int, child: int, start: int, size: int, right: int) -> bytes:
    encoded = name.encode("utf-16-le")
    fixed = encoded.ljust(64, b"\0") + struct.pack("<HBBIII", len(encoded) + 2, kind, 1, 0xFFFFFFFF, right, child)
    return fixed + bytes(36) + struct.pack("<IQ", start, size)


def _record(kind: int, data: bytes = b"") -> bytes:
    return struct.pack("<HH", kind, len(data)) + data


def workbook(cells: bytes) -> bytes:
    """A workbook of Excel 97 with one sheet of these records."""
    globals_ = _record(0x809, struct.pack("<HHHHII", 0x600, 5, 0, 1997, 0, 6)) + _record(0x42, b"\xe4\x04")
    bound = len(globals_) + 4 + 13 + 4
    globals_ += _record(0x85, struct.pack("<IH", bound, 0) + b"\5\0Tides") + _record(0x0A)
    return globals_ + _record(0x809, struct.pack("<HHHHII", 0x600, 0x10, 0, 1997, 0, 6)) + cells + _record(0x0A)


def _label(row: int, column: int, text: str) -> bytes:
    return _record(0x204, struct.pack("<HHHHB", row, column, 0, len(text), 0) + text.encode("latin-1"))


def _xls(words: str) -> bytes:
    return compound({"Workbook": workbook(_label(0, 0, "Words") + _label(1, 0, words))})


def _msg(words: str) -> bytes:
    properties = bytes(32)
    for tag, text in ((0x0037001F, "Ledger"), (0x1000001F, words)):
        properties += struct.pack("<IIII", tag, 6, 2 * len(text) + 2, 0)
    # A stream of at least 4,096 bytes needs no other sort of sector; the body is made that long.
    return compound(
        {
            "__properties_version1.0": properties,
            "__substg1.0_0037001F": "Ledger".encode("utf-16-le"),
            "__substg1.0_1000001F": (words + " " * 2048).encode("utf-16-le"),
        }
    )


def _eml(words: str) -> bytes:
    letter = EmailMessage()
    letter["From"], letter["To"], letter["Subject"] = "a@example.org", "b@example.org", "Ledger"
    letter.set_content(words)
    letter.add_attachment(words.encode(), maintype="text", subtype="plain", filename="ledger.txt")
    return letter.as_bytes().replace(b"===============", b"===")


def _mbox(words: str) -> bytes:
    return b"".join(
        b"From a@example.org Mon Jan  1 00:00:00 2024\nSubject: Tide %d\n\n%s\n\n" % (number, words.encode())
        for number in range(3)
    )


def _ipynb(words: str) -> bytes:
    code = {"cell_type": "code", "source": "x = 1", "outputs": [], "execution_count": 1, "metadata": {}}
    text = {"cell_type": "markdown", "source": ["# Ledger\n", words], "metadata": {}}
    return json.dumps({"cells": [text, code], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}).encode()


def _encoded(template: str) -> Callable[[str], bytes]:
    return lambda words: template.replace("WORDS", words).encode()


FULL_CELL = "<table:table-cell office:value-type='string'><text:p>words</text:p></table:table-cell>"
BOX = "<draw:page draw:name='p'><draw:frame><draw:text-box><text:p>{}</text:p></draw:text-box></draw:frame></draw:page>"
SOUND: dict[str, Callable[[str], bytes]] = {
    "pdf": _pdf,
    "docx": _docx,
    "pptx": _pptx,
    "xlsx": _xlsx,
    "xls": _xls,
    "ods": lambda words: opendocument(
        "spreadsheet", sheet(f"<table:table-row>{FULL_CELL.replace('words', words)}</table:table-row>")
    ),
    "odt": lambda words: opendocument("text", f"<text:h>Ledger</text:h><text:p>{words}</text:p>"),
    "odp": lambda words: opendocument("presentation", BOX.format(words)),
    "epub": lambda words: epub(f"<h1>Ledger</h1><p>{words}</p>"),
    "rtf": _encoded(r"{\rtf1\ansi\deff0{\fonttbl{\f0 Times;}}\pard WORDS\par}"),
    "html": _encoded("<!doctype html><title>Ledger</title><h1>Ledger</h1><p>WORDS<ul><li>one<li>two</ul>"),
    "xml": _encoded('<?xml version="1.0"?><book><title>Ledger</title><para>WORDS</para></book>'),
    "eml": _eml,
    "msg": _msg,
    "mbox": _mbox,
    "ipynb": _ipynb,
    "json": _encoded('{"title": "Ledger", "words": ["WORDS", 1, null]}'),
    "jsonl": _encoded('{"words": "WORDS"}\n{"words": "more of them"}\n'),
    "csv": _encoded('tide,words\n1,"WORDS"\n2,none\n'),
    "srt": _encoded("1\n00:00:01,000 --> 00:00:04,000\nWORDS\n\n2\n00:00:05,000 --> 00:00:06,000\nMore.\n"),
    "vtt": _encoded("WEBVTT\n\n00:01.000 --> 00:04.000\nWORDS\n"),
    "ass": _encoded(
        "[Script Info]\nScriptType: v4.00+\n\n[V4+ Styles]\nFormat: Name, Fontname\nStyle: Default,Arial\n\n[Events]\n"
        "Format: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text\n"
        "Dialogue: 0,0:00:01.00,0:00:04.00,Default,,0,0,0,,WORDS\n"
    ),
    "md": _encoded("---\ntitle: Ledger\ntags: [a, b]\n---\n# Ledger\n\nWORDS\n"),
    "rst": _encoded("Ledger\n======\n\nWORDS\n"),
    "org": _encoded("#+TITLE: Ledger\n* Ledger\nWORDS\n"),
    "tex": _encoded("\\documentclass{article}\\begin{document}\\section{Ledger}\nWORDS\n\\end{document}\n"),
    "1": _encoded(".TH LEDGER 1\n.SH NAME\nledger \\- tides\n.SH DESCRIPTION\nWORDS\n"),
    "md.gz": lambda words: gzip.compress(f"# Ledger\n\n{words}\n".encode(), mtime=0),
}


# ---- damaged ones


def _damaged(sound: dict[str, bytes], chance: random.Random) -> Files:
    others = list(sound.values())
    for place, (name, data) in enumerate(sound.items()):
        suffix = name.partition(".")[2]
        for part in (0.2, 0.6, 0.95):
            yield f"cut-{part}.{suffix}", data[: int(len(data) * part)]
        for number, flips in enumerate((1, 5, 40)):
            changed = bytearray(data)
            for _ in range(flips):
                changed[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
            yield f"flipped-{number}.{suffix}", bytes(changed)
        yield f"random.{suffix}", chance.randbytes(3000)
        yield f"random-after-head.{suffix}", data[:64] + chance.randbytes(3000)
        yield f"empty.{suffix}", b""
        yield f"zeros.{suffix}", bytes(5000)
        yield f"other.{suffix}", others[(place + 1) % len(others)]
        yield f"another.{suffix}", others[(place + 7) % len(others)]


# ---- hostile ones


@cache
def _zeros() -> tuple[bytes, int]:
    """BOMB zeros, deflated, and their CRC."""
    million = bytes(1_000_000)
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    packer.compress(million)
    packer.flush(zlib.Z_FULL_FLUSH)
    block = packer.compress(million) + packer.flush(zlib.Z_FULL_FLUSH)  # the same wherever it stands
    crc = 0
    for _ in range(BOMB // len(million)):
        crc = zlib.crc32(million, crc)
    return block * (BOMB // len(million)) + packer.flush(), crc


def bomb_zip(sound: bytes, member: str, declared: int = BOMB) -> bytes:
    """A ZIP archive in which one member is BOMB zeros, whatever size it declares."""
    deflated, crc = _zeros()
    with zipfile.ZipFile(io.BytesIO(sound)) as archive:
        members = {name: archive.read(name) for name in archive.namelist() if name != member}
    rest = zipped({**members, member: b""}, "mimetype")
    # In front of it goes the member; what follows moves by so much, and the last entry of the directory points to it.
    name = member.encode()
    fields = struct.pack("<HHHHHIIIHH", 20, 0, 8, 0, 0x5821, crc, len(deflated), declared, len(name), 0)
    local = b"PK\3\4" + fields + name + deflated
    directory, end = rest.index(b"PK\1\2"), rest.rindex(b"PK\5\6")
    entries = bytearray(rest[directory:end])
    at = last = 0
    while at < len(entries):
        last = at
        (offset,) = struct.unpack_from("<I", entries, at + 42)
        struct.pack_into("<I", entries, at + 42, offset + len(local))
        sizes = struct.unpack_from("<HHH", entries, at + 28)
        at += 46 + sum(sizes)
    entries[last:] = b"PK\1\2" + struct.pack("<H", 20) + fields + struct.pack("<HHHII", 0, 0, 0, 0, 0) + name
    tail = bytearray(rest[end:])
    struct.pack_into("<II", tail, 12, len(entries), len(local) + directory)
    return local + rest[:directory] + bytes(entries) + bytes(tail)


def bomb_gzip() -> bytes:
    """BOMB zeros, packed."""
    deflated, crc = _zeros()
    return b"\x1f\x8b\x08\0\0\0\0\0\0\xff" + deflated + struct.pack("<II", crc, BOMB % 2**32)


def _hostile(secret: str) -> Files:
    yield from _archives(secret)
    yield from _markup(secret)
    yield from _pdfs()
    yield from _sheets()
    yield from _texts()
    yield from _mail()
    yield from _lines()


def replaced(sound: bytes, member: str, change: Callable[[str], str]) -> bytes:
    """An archive with one of its members changed."""
    with zipfile.ZipFile(io.BytesIO(sound)) as archive:
        members: dict[str, str | bytes] = {name: archive.read(name) for name in archive.namelist()}
        members[member] = change(archive.read(member).decode())
    return zipped(members, "mimetype")


LAUGHS = (
    "<!DOCTYPE x [<!ENTITY a 'ha'>"
    + "".join(f"<!ENTITY {name} '{f'&{before};' * 10}'>" for before, name in zip("abcdefghi", "bcdefghij", strict=True))
    + "]>"
)
QUADRATIC = f"<!DOCTYPE x [<!ENTITY j '{'ha' * 50_000}'>]>"
MEMBERS = {
    "docx": "word/document.xml",
    "pptx": "ppt/slides/slide1.xml",
    "xlsx": "xl/worksheets/sheet1.xml",
    "odt": "content.xml",
    "ods": "content.xml",
    "odp": "content.xml",
    "epub": "c.xhtml",
}


def _archives(secret: str) -> Files:
    doctypes = {
        "laughs": LAUGHS,
        "quadratic": QUADRATIC,
        "external": f'<!DOCTYPE x [<!ENTITY j SYSTEM "{secret}">]>',
        "passwords": '<!DOCTYPE x [<!ENTITY j SYSTEM "file:///etc/passwd">]>',
    }
    many = zipped({f"{number}.xml": "" for number in range(60_000)})
    for suffix, member in MEMBERS.items():
        sound = SOUND[suffix](WORDS)
        yield f"bomb.{suffix}", bomb_zip(sound, member)
        yield f"bomb-that-lies.{suffix}", bomb_zip(sound, member, 5000)
        yield f"bomb-beside.{suffix}", bomb_zip(sound, "media/picture.png")
        for name, doctype in doctypes.items():
            entities = "&j;" * (5000 if name == "quadratic" else 1)

            def change(xml: str, doctype: str = doctype, entities: str = entities) -> str:
                at = xml.index("?>") + 2 if xml.startswith("<?xml") else 0
                return xml[:at] + doctype + xml[at:].replace("The harbour", entities + "The harbour")

            yield f"{name}.{suffix}", replaced(sound, member, change)
        yield f"many-members.{suffix}", many
        yield f"nested.{suffix}", zipped({member: zipped({member: zipped({member: b"<a/>"})})})
        yield f"traversal.{suffix}", zipped({f"../../../../{member}": b"<a/>", "/etc/passwd": b"root:x:0"})
        yield (
            f"deep.{suffix}",
            replaced(
                sound, member, lambda xml: xml.replace("The harbour", "<i>" * MANY + "The harbour" + "</i>" * MANY)
            ),
        )
        yield f"twice.{suffix}", sound + sound
    yield from _office(secret)


def _office(secret: str) -> Files:
    docx, pptx = SOUND["docx"](WORDS), SOUND["pptx"](WORDS)
    body = MEMBERS["docx"]
    yield (
        "many-paragraphs.docx",
        replaced(
            docx, body, lambda xml: xml.replace("<w:body>", "<w:body>" + "<w:p><w:r><w:t>a</w:t></w:r></w:p>" * 200_000)
        ),
    )
    cells = "<w:tbl><w:tr><w:tc>", "<w:p/></w:tc></w:tr></w:tbl>"
    yield (
        "tables-in-tables.docx",
        replaced(docx, body, lambda xml: xml.replace("<w:body>", "<w:body>" + cells[0] * 3000 + cells[1] * 3000)),
    )
    wide = '<w:tbl><w:tr><w:tc><w:tcPr><w:gridSpan w:val="1000000000"/></w:tcPr><w:p/></w:tc></w:tr></w:tbl>'
    yield "wide-cell.docx", replaced(docx, body, lambda xml: xml.replace("<w:body>", "<w:body>" + wide))
    relations = (
        '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
        f'<Relationship Id="r1" Type="x/officeDocument" Target="{secret}" TargetMode="External"/>'
        f'<Relationship Id="r2" Type="x/image" Target="../../../..{secret[7:]}"/></Relationships>'
    )
    for suffix, sound in (("docx", docx), ("pptx", pptx)):
        yield f"relations-outside.{suffix}", replaced(sound, "_rels/.rels", lambda xml: relations)
    loop = '<p:grpSp xmlns:p="http://schemas.openxmlformats.org/presentationml/2006/main"><p:nvGrpSpPr/><p:grpSpPr/>'
    yield (
        "groups-in-groups.pptx",
        replaced(
            pptx,
            MEMBERS["pptx"],
            lambda xml: xml.replace("</p:spTree>", loop * 5000 + "</p:grpSp>" * 5000 + "</p:spTree>"),
        ),
    )
    yield (
        "slides-that-repeat.pptx",
        replaced(
            pptx,
            "ppt/presentation.xml",
            lambda xml: xml.replace("</p:sldIdLst>", '<p:sldId id="256" r:id="rId7"/>' * 20_000 + "</p:sldIdLst>"),
        ),
    )
    yield "spaces.odt", opendocument("text", '<text:p>a<text:s text:c="1000000000"/>b</text:p>' * 3)
    yield (
        "sections.odt",
        opendocument("text", "<text:section>" * 5000 + "<text:p>a</text:p>" + "</text:section>" * 5000),
    )
    yield (
        "lists.odt",
        opendocument("text", "<text:list><text:list-item>" * 5000 + "</text:list-item></text:list>" * 5000),
    )
    yield "spine-that-repeats.epub", epub(f"<p>{WORDS}</p>", '<itemref idref="c"/>' * MANY)
    yield "long-spine-of-much.epub", epub(f"<p>{WORDS}</p>" * 5000, '<itemref idref="c"/>' * 2000)
    for number, href in enumerate(("../../../etc/passwd", "/etc/passwd", secret, "file:///etc/passwd", "%2e%2e/x")):
        yield f"chapter-outside-{number}.epub", epub("<p>words</p>", href=href)
    yield "package-entity.epub", epub("<p>words</p>", opf_doctype=f'<!DOCTYPE p [<!ENTITY j SYSTEM "{secret}">]>')


def _markup(secret: str) -> Files:
    yield "laughs.xml", f'<?xml version="1.0"?>{LAUGHS}<x>&j;</x>'.encode()
    yield "quadratic.xml", f"{QUADRATIC}<x>{'&j;' * 20_000}</x>".encode()
    for name, address in (("external", secret), ("passwords", "file:///etc/passwd")):
        entity = f'<!DOCTYPE x [<!ENTITY e SYSTEM "{address}">]><x>words &e;</x>'
        parameter = f'<!DOCTYPE x [<!ENTITY % e SYSTEM "{address}"> %e;]><x>words</x>'
        xinclude = 'xmlns:xi="http://www.w3.org/2001/XInclude"'
        inclusion = f'<x {xinclude}>words <xi:include href="{address}" parse="text"/></x>'
        for form, text in (("entity", entity), ("parameter", parameter), ("inclusion", inclusion)):
            yield f"{name}-{form}.xml", text.encode()
            yield f"{name}-{form}.xhtml", text.encode()
        yield f"{name}-frame.html", f'<p>words<iframe src="{address}"></iframe><object data="{address}">'.encode()
    for suffix in ("xml", "html", "xhtml"):
        yield f"deep.{suffix}", b"<b>" * MANY + b"words" + b"</b>" * MANY
        yield f"deep-blocks.{suffix}", b"<div><table><tr><td>" * (MANY // 4) + b"words"
        yield f"unclosed.{suffix}", b"<p><i><a href='" * MANY
        yield f"attributes.{suffix}", b"<x " + b" ".join(b"a%d='1'" % number for number in range(MANY)) + b">words</x>"
        yield f"long-attribute.{suffix}", b"<x a='" + b"a" * 10_000_000 + b"'>words</x>"
        yield f"comments.{suffix}", b"<x>words" + b"<!-- " * MANY
        yield f"entities.{suffix}", b"<x>words " + b"&amp;&#99999999;&nosuch;" * MANY + b"</x>"
        yield f"instructions.{suffix}", b"<x>" + b"<?a b?>words " * MANY + b"</x>"
    yield "wide-cell.html", b"<table><tr><td colspan=1000000000 rowspan=1000000000>words</table>" * 10
    yield "cells.html", b"<table>" + b"<tr>" + b"<td>a" * 500_000
    yield "lists.html", b"<ul><li>a" * 20_000
    yield "headings.html", b"<h1>a</h1><h6>b</h6>" * MANY
    for charset in ("utf-7", "idna", "punycode", "unicode_escape", "rot13", "zlib_codec", "mbcs", "utf-16", "x" * 5000):
        yield f"charset-{charset[:20]}.html", f"<meta charset={charset}><p>words +ADw- \\u0041 {'é' * 3}".encode()


def pdf(objects: list[bytes], size: int = 0, trailer: bytes = b"") -> bytes:
    """A PDF file of these objects, the first of which is its catalog."""
    out, offsets = b"%PDF-1.7\n", []
    for number, body in enumerate(objects, 1):
        offsets.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    table = b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    count = size or len(objects) + 1
    head = b"xref\n0 %d\n0000000000 65535 f \n%strailer\n" % (count, table)
    return out + head + b"<</Size %d/Root 1 0 R%s>>\nstartxref\n%d\n%%%%EOF\n" % (count, trailer, len(out))


def _stream(data: bytes, fields: bytes = b"", length: int | None = None) -> bytes:
    return b"<</Length %d%s>>stream\n%s\nendstream" % (len(data) if length is None else length, fields, data)


def _pdfs() -> Files:
    catalog, pages = b"<</Type/Catalog/Pages 2 0 R>>", b"<</Type/Pages/Kids[3 0 R]/Count 1>>"
    font = b"/Resources<</Font<</F<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>>>>>"
    page = b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 600 800]/Contents 4 0 R" + font + b">>"
    text = b"BT /F 12 Tf 72 700 Td (words of a page) Tj ET"
    sound = [catalog, pages, page, _stream(text)]
    deflated = b"\x78\x9c" + _zeros()[0]
    flate = b"/Filter/FlateDecode"
    yield "sound-by-hand.pdf", pdf(sound)
    yield "count.pdf", pdf([catalog, b"<</Type/Pages/Kids[3 0 R]/Count 2147483647>>", *sound[2:]])
    yield "count-below-0.pdf", pdf([catalog, b"<</Type/Pages/Kids[3 0 R]/Count -5>>", *sound[2:]])
    yield "kids-loop.pdf", pdf([catalog, b"<</Type/Pages/Kids[2 0 R 2 0 R]/Count 1000000>>"])
    nodes = [b"<</Type/Pages/Kids[%d 0 R]/Count 9>>" % number for number in (3, 2)]
    yield "kids-two-loop.pdf", pdf([catalog, *nodes])
    yield "contents-loop.pdf", pdf([*sound[:3], b"4 0 R"])
    yield "catalog-loop.pdf", pdf([b"1 0 R"])
    yield "length.pdf", pdf([*sound[:3], _stream(text, length=2**31 - 1)])
    yield "length-below-0.pdf", pdf([*sound[:3], _stream(text, length=-1)])
    yield "length-loop.pdf", pdf([*sound[:3], _stream(text).replace(b"/Length %d" % len(text), b"/Length 4 0 R")])
    yield "size.pdf", pdf(sound, size=2**31 - 1)
    yield "previous-loop.pdf", pdf(sound, trailer=b"/Prev %d" % pdf(sound).index(b"xref"))
    yield "bomb.pdf", pdf([*sound[:3], _stream(deflated, flate)])
    twice = zlib.compress(deflated, 9)
    yield "bomb-in-bomb.pdf", pdf([*sound[:3], _stream(twice, b"/Filter[/FlateDecode/FlateDecode]")])
    yield "filters.pdf", pdf([*sound[:3], _stream(text, b"/Filter[" + b"/ASCIIHexDecode" * 10_000 + b"]")])
    shown = zlib.compress(b"BT /F 1 Tf " + b"(words words words) Tj 0 1 Td " * 300_000 + b"ET", 9)
    yield "much-text.pdf", pdf([*sound[:3], _stream(shown, flate)])
    lines = zlib.compress(b"0 0 m 1 1 l S " * 2_000_000, 9)
    yield "many-lines.pdf", pdf([*sound[:3], _stream(lines, flate)])
    yield "states.pdf", pdf([*sound[:3], _stream(b"q " * 1_000_000 + text)])
    yield "deep-array.pdf", pdf([*sound[:3], b"[" * MANY + b"]" * MANY])
    yield "deep-dictionary.pdf", pdf([catalog, pages, b"<</A" * MANY + b">>" * MANY])
    many = b" ".join([b"3 0 R"] * 20_000)
    yield "one-page-often.pdf", pdf([catalog, b"<</Type/Pages/Kids[" + many + b"]/Count 20000>>", *sound[2:]])
    yield "media-box.pdf", pdf([catalog, pages, page.replace(b"600 800", b"1e30 1e30"), sound[3]])
    form = _stream(b"/X Do /X Do", b"/Type/XObject/Subtype/Form/BBox[0 0 9 9]/Resources<</XObject<</X 5 0 R>>>>")
    drawn = page.replace(b"/Resources<<", b"/Resources<</XObject<</X 5 0 R>>")
    yield "form-loop.pdf", pdf([catalog, pages, drawn, _stream(b"/X Do " + text), form])
    forms = [
        _stream(b"/X Do " * 10, b"/Type/XObject/Subtype/Form/BBox[0 0 9 9]/Resources<</XObject<</X %d 0 R>>>>" % number)
        for number in range(6, 15)
    ]
    yield (
        "forms-of-forms.pdf",
        pdf([catalog, pages, drawn, _stream(b"/X Do " + text), *forms, _stream(b"0 0 m 9 9 l S")]),
    )
    image = b"/Type/XObject/Subtype/Image/Width 60000/Height 60000/BitsPerComponent 8/ColorSpace/DeviceGray"
    yield "image.pdf", pdf([catalog, pages, drawn, _stream(b"/X Do " + text), _stream(deflated, image + flate)])
    yield "encrypted.pdf", pdf(sound, trailer=b"/Encrypt<</Filter/Standard/V 9/R 9/O()/U()/P -1>>/ID[()()]")
    outline = b"<</Title(a)/First 5 0 R/Next 5 0 R/Parent 5 0 R>>"
    catalog_with = b"<</Type/Catalog/Pages 2 0 R/Outlines 5 0 R>>"
    yield "outline-loop.pdf", pdf([catalog_with, *sound[1:], outline])
    yield "no-objects.pdf", b"%PDF-1.7\n" + b"1 0 obj " * MANY


def _sheets() -> Files:
    xlsx = SOUND["xlsx"](WORDS)
    data = MEMBERS["xlsx"]

    def cells(body: str) -> bytes:
        before, after = "<sheetData>", "</sheetData>"
        return replaced(xlsx, data, lambda xml: xml[: xml.index(before) + len(before)] + body + xml[xml.index(after) :])

    def cell(row: int, column: str) -> str:
        return f'<row r="{row}"><c r="{column}{row}" t="inlineStr"><is><t>words</t></is></c></row>'

    yield "corner.xlsx", cells(cell(1_048_576, "XFD"))
    yield "corners.xlsx", cells(cell(1, "A") + cell(1_048_576, "XFD"))
    yield "beyond-the-corner.xlsx", cells(cell(4_000_000_000, "ZZZZZZ"))
    yield "column-of-corners.xlsx", cells("".join(cell(row, "XFD") for row in range(1, 5000)))
    yield "backwards.xlsx", cells("".join(cell(row, "A") for row in range(20_000, 0, -1)))
    yield "many-rows.xlsx", cells("".join(cell(row, "A") for row in range(1, 200_000)))
    yield (
        "strings-beyond.xlsx",
        cells('<row r="1"><c r="A1" t="s"><v>4000000000</v></c><c r="B1" t="s"><v>-1</v></c></row>'),
    )
    yield "numbers.xlsx", cells('<row r="1"><c r="A1"><v>1e999</v></c><c r="B1" s="9999"><v>NaN</v></c></row>')
    yield "dates.xlsx", cells('<row r="1"><c r="A1" t="d"><v>99999-99-99</v></c><c r="B1" s="1"><v>1e300</v></c></row>')
    yield "dimension.xlsx", replaced(xlsx, data, lambda xml: xml.replace('ref="A1:B3"', 'ref="A1:XFD1048576"'))
    merged = '</sheetData><mergeCells count="1"><mergeCell ref="A1:XFD1048576"/></mergeCells>'
    yield "merged.xlsx", replaced(xlsx, data, lambda xml: xml.replace("</sheetData>", merged))
    relations = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    one = '<sheet name="s{0}" sheetId="{0}" r:id="rId1" xmlns:r="' + relations + '"/>'
    sheets = "".join(one.format(number) for number in range(2, 20_000))
    yield (
        "many-sheets.xlsx",
        replaced(xlsx, "xl/workbook.xml", lambda xml: xml.replace("</sheets>", sheets + "</sheets>")),
    )
    full = FULL_CELL
    rows = '<table:table-row table:number-rows-repeated="1000000000">{}</table:table-row>'
    wide = '<table:table-cell table:number-columns-repeated="1000000000"><text:p>words</text:p></table:table-cell>'
    for name, body in (
        ("rows", rows.format(full)),
        ("blank-rows", rows.format("<table:table-cell/>") + f"<table:table-row>{full}</table:table-row>"),
        ("columns", f"<table:table-row>{wide}</table:table-row>"),
        ("rows-and-columns", rows.format(wide)),
        ("rows-below-0", rows.format(full).replace("1000000000", "-1")),
        ("rows-of-words", rows.format(full).replace("1000000000", "many")),
    ):
        yield f"{name}.ods", opendocument("spreadsheet", sheet(body))
    yield "corner.xls", compound({"Workbook": workbook(_label(0, 0, "a") + _label(65535, 65535, "words"))})
    yield "label-beyond.xls", compound({"Workbook": workbook(_record(0x204, struct.pack("<HHHHB", 0, 0, 0, 65535, 0)))})
    sst = _record(0xFC, struct.pack("<II", 2**32 - 1, 2**32 - 1)) + _record(
        0xFD, struct.pack("<HHHI", 0, 0, 0, 2**32 - 1)
    )
    yield "strings-beyond.xls", compound({"Workbook": workbook(sst)})
    sound = bytearray(SOUND["xls"](WORDS))
    looped = sound[:-512] + struct.pack("<128I", *([0] * 128))
    yield "sector-loop.xls", bytes(looped)
    yield "sector-loop.msg", bytes(SOUND["msg"](WORDS)[:-512] + struct.pack("<128I", *([1] * 128)))
    struct.pack_into("<I", sound, 44, 2**31)
    yield "sectors-beyond.xls", bytes(sound)


def _runs() -> dict[str, str]:
    """What may keep an expression that looks for structure busy for longer than a line takes."""
    runs = {f"run-of-{ord(sign):02x}": sign * RUN for sign in " \t#=-_*`~[](){}<>|\\/:.+!$%&'\"^@,;0a"}
    pairs = "#_ [a]( ![ **a ``a -_ >_ |_ =_ \\a{ {\\ .._ :: a__ <a_ &a 1._ $a %a".replace("_", "\0").split()
    pairs = [pair.replace("\0", " ") for pair in pairs]
    runs |= {f"pairs-{number}": pair * (RUN // 2) for number, pair in enumerate(pairs)}
    one = "=_#_-_| a_* a_\\section_.SH_\t_ _:a:_```_#+BEGIN@SRC_---_a: b_\\begin{a}_.._>>> a".replace("@", "\0").split(
        "_"
    )
    lines = ["a\n=\n", *(line.replace("\0", "_") + "\n" for line in one)]
    return runs | {f"lines-{number}": line * (RUN // 4) for number, line in enumerate(lines)}


def _texts() -> Files:
    runs = _runs().items()
    heads = {"md": "# a\n\n", "rst": "a\n=\n\n", "org": "* a\n", "tex": "\\section{a}\n", "1": ".TH A 1\n.SH A\n"}
    for suffix, head in heads.items():
        for name, run in runs:
            yield f"{name}.{suffix}", f"{head}words {run}\n".encode()
    for suffix in [
        "md",
        "rst",
        "org",
        "tex",
        "1",
        "py",
        "c",
        "html",
        "xml",
        "json",
        "jsonl",
        "csv",
        "rtf",
        "srt",
        "eml",
        "ipynb",
    ]:
        yield f"one-line.{suffix}", b"words of one line " * (550_000 if suffix in LARGE else 55_000)
    laughs = zip("abcdefgh", "bcdefghi", strict=True)
    front = {
        "laughs": "a: &a [x,x,x,x,x,x,x,x,x]\n"
        + "".join(f"{name}: &{name} [{','.join([f'*{before}'] * 9)}]\n" for before, name in laughs),
        "deep": "a: " + "[" * MANY,
        "deep-maps": "".join(" " * number + "a:\n" for number in range(2000)),
        "tags": "a: !!python/object/apply:os.system ['touch /tmp/owned']\n",
        "loop": "a: &a [*a]\n",
        "keys": "? [a, b]\n: c\n",
        "merge": "a: &a {b: c}\n" + "d: {<<: [" + ",".join(["*a"] * 50_000) + "]}\n",
        "number": "a: " + "9" * MANY + "\n",
        "times": "a: 9999-99-99\nb: 0000-00-00 99:99:99\n",
        "unclosed": "a: b\n" * MANY,
        "anchors": "".join(f"a{number}: &a{number} b\n" for number in range(20_000)),
        "quotes": "a: '" + "''" * MANY,
        "sexagesimal": "a: " + "1:" * 20_000 + "1\n",
    }
    for name, text in front.items():
        end = "" if name == "unclosed" else "\n---\n"
        yield f"front-{name}.md", f"---\n{text}{end}# Words\n\nof a text\n".encode()
    yield "braces.tex", b"\\section{" * MANY + b"words"
    yield "stars.org", b"*" * MANY + b" words\n" + b"".join(b"*" * (number % 500) + b" a\n" for number in range(20_000))
    yield "itself.1", b".so man1/itself.1\n" * 1000
    yield "macros.1", b".TH A 1\n.de a\n.a\n..\n" + b".a\n" * (MANY // 10) + b'.SH "' + b"\\fB" * MANY
    parts = {"groups": b"{", "bin": rb"\bin2147483647 ", "u": rb"\u-32768\uc999999999 ", "hex": rb"\'f"}
    for name, part in (*parts.items(), ("stars", rb"{\*\a ")):
        yield f"{name}.rtf", rb"{\rtf1 words " + part * MANY
    yield "objects.rtf", rb"{\rtf1{\object{\*\objdata " + b"41" * 5_000_000 + b"}}words}"
    packed = gzip.compress(gzip.compress(gzip.compress(b"words", mtime=0), mtime=0), mtime=0)
    yield "three-times.md.gz", packed
    yield "three-times.md.gz.gz.gz", packed
    for suffix in ("txt", "html", "csv", "pdf", "docx", "xml", "mbox"):
        yield f"bomb.{suffix}.gz", bomb_gzip()
    yield "many-members.txt.gz", gzip.compress(b"a", mtime=0) * MANY


def _mail() -> Files:
    letter = b"From: a@example.org\nSubject: words\nMIME-Version: 1.0\n"
    part = b'Content-Type: multipart/mixed; boundary="%d"\n\n--%d\n'
    yield "multiparts.eml", letter + b"".join(part % (number, number) for number in range(3000)) + b"\n\nwords"
    rfc822 = b"Content-Type: message/rfc822\n\n"
    yield "letters-in-letters.eml", letter + rfc822 * 3000 + b"Subject: words\n\nwords"
    attachment = b"--b\nContent-Type: text/plain\nContent-Disposition: attachment; filename=a%d.txt\n\nwords\n"
    mixed = letter + b"Content-Type: multipart/mixed; boundary=b\n\n"
    yield "attachments.eml", mixed + b"".join(attachment % number for number in range(10_000)) + b"--b--\n"
    bomb = bomb_gzip()
    packed = base64.encodebytes(bomb)
    head = b"--b\nContent-Type: application/gzip; name=a.txt.gz\nContent-Transfer-Encoding: base64\n\n"
    yield "bombs.eml", mixed + (head + packed) * 3 + b"--b--\n"
    yield "long-header.eml", letter + b"X: " + b"a" * 10_000_000 + b"\n\nwords"
    yield "many-headers.eml", letter + b"X: a\n" * 200_000 + b"\nwords"
    yield "folded.eml", b"Subject: words\n" + b" a\n" * 200_000 + b"\nwords"
    yield "words-encoded.eml", b"Subject: " + b"=?utf-8?q?=41?= " * 20_000 + b"\n\nwords"
    yield "addresses.eml", b"To: " + b"(" * 20_000 + b"<" * 20_000 + b"\nSubject: words\n\nwords"
    plain = letter + b"Content-Type: text/plain"
    yield "parameters.eml", plain + b"".join(b"; a*%d=b" % number for number in range(20_000)) + b"\n\nwords"
    for charset in (b"utf-7", b"idna", b"zlib", b"nosuch", b"unicode_escape", b"x" * 1000):
        yield f"charset-{charset[:14].decode()}.eml", plain + b"; charset=" + charset + b"\n\nwords \xff"
    yield "base64.eml", letter + b"Content-Transfer-Encoding: base64\n\n" + b"=" * 1_000_000
    yield "boundaries.eml", letter + b"Content-Type: multipart/mixed; boundary=-\n\n" + b"--\n---\n" * MANY
    first = b"From a@example.org Mon Jan  1 00:00:00 2024\n"
    yield "empty-letters.mbox", (first + b"\n") * MANY
    yield "bare-letters.mbox", first * MANY
    yield "letters.mbox", (first + b"Subject: a\n\nwords\n\n") * 20_000
    yield "attached.mbox", first + mixed + b"--b\nContent-Type: application/mbox; name=a.mbox\n\n" + first * 1000
    wrong = [
        [],
        {},
        1,
        None,
        "x",
        {"cells": {}},
        {"cells": [1, None, "x", []]},
        {"cells": [{}]},
        {"cells": "x" * 10},
        {"cells": [{"cell_type": "markdown", "source": 5}]},
        {"cells": [{"cell_type": "markdown", "source": [[1], None]}]},
        {"cells": [{"cell_type": 5, "source": "words"}]},
        {"cells": [{"cell_type": "code", "source": "a", "outputs": 5}]},
        {
            "cells": [
                {"cell_type": "code", "source": "a", "outputs": [1, {"data": 5}, {"data": {"text/plain": {"a": 1}}}]}
            ]
        },
        {"cells": [{"cell_type": "markdown", "source": "words"}], "metadata": 5, "nbformat": "x"},
        {"worksheets": 5, "nbformat": 3},
        {"worksheets": [{"cells": 5}], "nbformat": 3},
        {"cells": [{"cell_type": "markdown", "source": "a"}] * 50_000},
        {"cells": [{"cell_type": "code", "source": "a", "outputs": [{"text": ["x" * 1000] * 1000}]}] * 20},
    ]
    for number, value in enumerate(wrong):
        yield f"wrong-{number}.ipynb", json.dumps(value).encode()


def _lines() -> Files:
    for suffix in ("json", "jsonl", "ipynb"):
        yield f"deep.{suffix}", b"[" * MANY + b"]" * MANY
        yield f"deep-objects.{suffix}", b'{"a":' * MANY + b"1" + b"}" * MANY
        yield f"long-number.{suffix}", b'{"a": ' + b"9" * 1_000_000 + b"}"
        yield f"odd-values.{suffix}", b'{"a": 1e999, "a": NaN, "b": "\\ud800 \\u0000 words", "": -Infinity}'
    yield "brackets.jsonl", b"[\n" * MANY
    yield "numbers.json", b"[" + b"1," * 2_000_000 + b"1]"
    yield "keys.json", json.dumps({f"key {number}": "words" for number in range(MANY)}).encode()
    yield "long-field.csv", b"a,b\n1," + b"words " * 8_400_000 + b"\n"
    yield "long-quoted-field.csv", b'a,b\n1,"' + b"words, " * 1_000_000 + b'"\n'
    yield "quotes.csv", b'"' * 1_000_001
    yield "unclosed.csv", b'a,b\n"words\n' + b"1,2\n" * MANY
    yield "columns.csv", b",".join(b"c%d" % number for number in range(MANY)) + b"\n" + b",".join([b"words"] * MANY)
    yield "ragged.csv", b"".join(b"words" + b"," * (number % 2000) + b"\n" for number in range(5000))
    yield "rows.csv", b"a,b\n" + b"words,1\n" * 500_000
    yield "delimiters.csv", b",;\t|: \n" * 50_000
    yield "nul.csv", b"a,b\n1,wo\0rds\n" * 100
    yield "times.srt", b"1\n99999999:99:99,999 --> 00:00:00,000\nwords\n\n2\n-1:-1:-1,-1 --> 1:1:1,1\nwords\n"
    yield "numbers.srt", (b"9" * 5000 + b"\n00:00:01,000 --> 00:00:02,000\nwords\n\n") * 100
    yield "times.vtt", b"WEBVTT\n\n" + b"9" * 5000 + b":00:00.000 --> 00:00.000\nwords\n"
    yield "cues.vtt", b"WEBVTT\n\n" + b"00:01.000 --> 00:02.000\n<v a><c.b>words\n\n" * 50_000
    yield "arrows.srt", b"00:00:01,000 --> " * MANY
    dialogue = b"Dialogue: 0,0:00:01.00,0:00:04.00,Default,,0,0,0,,"
    events = b"[Events]\nFormat: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text\n"
    yield "overrides.ass", events + dialogue + b"{\\a" * MANY + b"words\n"
    yield "formats.ass", b"[Events]\nFormat: " + b"Text, " * 20_000 + b"\n" + dialogue + b"words\n"
    yield "times.ass", events + dialogue.replace(b"0:00:01.00", b"9" * 5000 + b":99:99.99") + b"words\n"
    yield "styles.ass", b"[V4+ Styles]\n" + b"Style: a,b,c\n" * 50_000 + events + dialogue + b"words\n"
