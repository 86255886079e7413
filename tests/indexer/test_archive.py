"""ZIP files that are no such, encrypted, or would unpack to too much."""

from __future__ import annotations

import io
import zipfile

import pytest

from indexer.formats.archive import MIN_BOMB, markup_only, open_zip
from indexer.formats.office import paragraph_marks
from indexer.read.extract import UnreadableError
from indexer.read.reader import extract
from storage.types import Block

OLE = bytes.fromhex("d0cf11e0a1b11ae1")


def packed(**members: bytes) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return file.getvalue()


def claiming(size: int, members: int = 1) -> bytes:
    """An archive that says of each of its members that it has this size."""
    data = packed(**{f"member{number}": b"x" * 1000 for number in range(members)})
    return data.replace((1000).to_bytes(4, "little"), size.to_bytes(4, "little"))


def test_an_archive_is_opened() -> None:
    assert open_zip(packed(a=b"1" * 2000)).read("a") == b"1" * 2000


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (claiming(600_000_000), "^600 MB when unpacked$"),
        (claiming(100_000_000, 6), "^600 MB when unpacked$"),
        (claiming(MIN_BOMB + 1_000_000), "^65 MB when unpacked$"),
        (b"plain words", "^damaged, or no ZIP archive$"),
        (packed(a=b"1" * 2000)[:-30], "^damaged, or no ZIP archive$"),
        (OLE + bytes(1000) + "EncryptedPackage".encode("utf-16-le"), "^encrypted: needs a password$"),
        (OLE + bytes(1000) + "WordDocument".encode("utf-16-le"), "^of the old kind: save it in the new one$"),
        (packed(a=b"1").replace(b"PK\1\2\x14\3\x14\0\0\0", b"PK\1\2\x14\3\x14\0\1\0"), "^encrypted: needs a password$"),
    ],
)
def test_what_is_refused(data: bytes, reason: str) -> None:
    with pytest.raises(UnreadableError, match=reason):
        open_zip(data)


@pytest.mark.parametrize("name", ["a.docx", "a.pptx", "a.odt", "a.odp"])
def test_every_format_refuses_them(name: str) -> None:
    with pytest.raises(UnreadableError, match=r"^600 MB when unpacked$"):
        extract(name, claiming(600_000_000))
    with pytest.raises(UnreadableError, match=r"^encrypted: needs a password$"):
        extract(name, OLE + "EncryptedPackage".encode("utf-16-le"))


def test_a_member_gives_no_more_than_it_declares() -> None:
    with pytest.raises(zipfile.BadZipFile):
        open_zip(claiming(10)).read("member0")


def test_only_markup_is_copied() -> None:
    copy = zipfile.ZipFile(markup_only(open_zip(packed(**{"a.xml": b"<a/>", "b.png": b"pixels", "c.rels": b"<c/>"}))))
    assert {name: copy.read(name) for name in copy.namelist()} == {"a.xml": b"<a/>", "b.png": b"", "c.rels": b"<c/>"}


def test_a_damaged_member_is_told() -> None:
    data = packed(**{"a.xml": bytes(range(256)) * 20})
    broken = data[:60] + bytes(40) + data[100:]
    with pytest.raises(UnreadableError, match=r"^damaged: "):
        markup_only(open_zip(broken))


def test_paragraphs_are_numbered_and_a_block_is_one() -> None:
    text = "one\n\ntwo\nlines\n\ncode\n\nmore code\n\nlast"
    start = text.index("code")
    blocks = (Block("code", start, text.index("\n\nlast")),)
    marks = paragraph_marks(text, blocks)
    assert [(mark.number, text[mark.offset :][:4]) for mark in marks] == [
        (1, "one\n"),
        (2, "two\n"),
        (3, "code"),
        (4, "last"),
    ]
    assert paragraph_marks("", ()) == ()
