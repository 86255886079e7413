"""What becomes a document and what is skipped, with real files: every encoding, every kind, and files that move."""

from __future__ import annotations

import codecs
import errno
import hashlib
import os
import socket
import struct
import tempfile
import threading
import time
import zlib
from pathlib import Path

import pytest
from helpers.desk import as_somebody_else
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from indexer.read.decode import decode, is_binary
from indexer.read.reader import digest, read
from storage.files import SkipCode, SkippedFile
from storage.types import Document, FileStamp

posix = pytest.mark.skipif(os.name != "posix", reason="this system has no such files")


def document(path: Path, data: bytes | str) -> Document:
    """A file's document; the file is written first."""
    path.write_bytes(data.encode() if isinstance(data, str) else data)
    found = read(os.fsencode(path))
    assert isinstance(found, Document), found
    return found


def reason(path: Path, data: bytes | str | None = None) -> str:
    """Why a file is skipped; "!" before it where it failed."""
    if data is not None:
        path.write_bytes(data.encode() if isinstance(data, str) else data)
    found = read(os.fsencode(path))
    assert isinstance(found, SkippedFile), found
    assert found.path == os.fsencode(path)
    return "!" * found.failed + found.reason


def test_a_file_into_a_document(tmp_path: Path) -> None:
    data = b"# A *title*\r\n\r\nWords.\r\n## More\r\n"
    found = document(tmp_path / "notes.md", data)
    assert found.path == os.fsencode(tmp_path / "notes.md")
    assert found.kind == "markdown"
    assert found.digest == hashlib.sha256(data).digest() == digest(found.path)
    assert found.encoding == "utf-8"
    assert found.text == "# A *title*\n\nWords.\n## More\n"
    assert found.title == "A title"
    assert [(heading.level, heading.title) for heading in found.headings] == [(1, "A title"), (2, "More")]
    assert [found.text[heading.offset :][:6] for heading in found.headings] == ["# A *t", "## Mor"]
    assert found.lines is None


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("a.md", "markdown"),
        ("A.MARKDOWN", "markdown"),
        ("a.mdx", "markdown"),
        ("a.qmd", "markdown"),
        ("index.rst.txt", "rst"),
        ("a.md.txt", "markdown"),
        ("a.rest", "rst"),
        ("a.py.txt", "text"),
        ("a.txt", "text"),
        ("a.HTM", "html"),
        ("a.html", "html"),
        ("a.py", "python"),
        ("a.pyi", "python"),
        ("a.mjs", "javascript"),
        ("a.jsx", "javascript"),
        ("a.ts", "typescript"),
        ("a.tsx", "tsx"),
        ("a.go", "go"),
        ("a.rs", "rust"),
        ("A.java", "java"),
        ("a.h", "c"),
        ("a.hpp", "cpp"),
        ("a.C++", "cpp"),
        ("a.rb", "ruby"),
        ("Rakefile", "ruby"),
        ("a.sh", "bash"),
        ("PKGBUILD", "bash"),
        ("Makefile", "text"),
        ("Dockerfile", "text"),
        ("README", "text"),
        ("LICENSE", "text"),
        ("a.json", "json"),
        ("a.kt", "code"),
        ("a.cs", "csharp"),
        ("a.tex", "latex"),
        ("a.unheard-of", "text"),
        (".bashrc", "text"),
        ("no suffix.", "text"),
    ],
)
def test_kinds_by_name(tmp_path: Path, name: str, kind: str) -> None:
    assert document(tmp_path / name, "some words\n").kind == kind


@pytest.mark.parametrize(
    ("line", "kind"),
    [
        ("#!/usr/bin/env python3", "python"),
        ("#!/usr/bin/python2.7 -u", "python"),
        ("#! /usr/bin/env -S python3 -u", "python"),
        ("#!/bin/sh", "bash"),
        ("#!/bin/bash -e", "bash"),
        ("#!/usr/bin/env node", "javascript"),
        ("#!ruby", "ruby"),
        ("#!/usr/bin/perl", "text"),
        ("#!", "text"),
        ("# python", "text"),
    ],
)
def test_kinds_of_scripts_by_their_first_line(tmp_path: Path, line: str, kind: str) -> None:
    assert document(tmp_path / "script", line + "\nsome words\n").kind == kind
    assert document(tmp_path / "script.txt", line + "\nsome words\n").kind == "text"


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("a.doc", "Word document of the old kind: save it as DOCX"),
        ("A.PPT", "presentation of the old kind: save it as PPTX"),
        ("a.numbers", "iWork document: export it as PDF"),
        ("a.jpg", "image"),
        ("a.mp3", "audio"),
        ("a.mkv", "video"),
        ("a.tar.gz", "archive"),
        ("a.md.zip", "archive"),
        ("a.woff2", "font"),
        ("a.pyc", "compiled code"),
    ],
)
def test_what_cannot_be_read_is_told_by_name(tmp_path: Path, name: str, expected: str) -> None:
    assert reason(tmp_path / name, "words") == expected


def test_what_cannot_be_read_is_told_by_content(tmp_path: Path) -> None:
    assert reason(tmp_path / "a.txt", b"PK\x03\x04" + b"words" * 9) == "archive"
    assert reason(tmp_path / "numbers", struct.pack("<2000i", *range(2000))) == "binary"
    assert reason(tmp_path / "small numbers", struct.pack("<2000H", *range(2000))) == "binary"
    assert reason(tmp_path / "floats", struct.pack("<900d", *(i / 7 for i in range(900)))) == "binary"
    assert reason(tmp_path / "zeros", bytes(5000)) == "binary"
    assert reason(tmp_path / "packed", zlib.compress(b"".join(b"%d," % (i * i) for i in range(3000)))) == "binary"
    assert reason(tmp_path / "latin and zeros", "Grüße\0 und mehr Wörter".encode("latin-1")) == "binary"
    assert reason(tmp_path / "installer", b"#!/bin/sh\n" + b"exit 0\n" * 3000 + bytes(range(256)) * 90) == "binary"


def test_what_holds_no_words_is_skipped(tmp_path: Path) -> None:
    assert reason(tmp_path / "a.md", b"") == "empty"
    assert reason(tmp_path / "a.md", b"\xef\xbb\xbf \r\n\t\n\xc2\xa0") == "empty"
    assert reason(tmp_path / "a.md", "---\n***\n\n… _ _\n") == "no words"
    assert reason(tmp_path / "a.html", "<p>!</p><script>var words</script>") == "no words"
    assert reason(tmp_path / "a.html", "<!-- words -->") == "no words"
    assert document(tmp_path / "a.md", "8").text == "8"


GERMAN = "Die Straße führt über die Brücke. Größere Häuser stehen schön am Ufer, „München“.\n"
FRENCH = "L'été dernier, les élèves ont étudié à l'école; où êtes-vous allés? Ça va, déjà.\n"
CHINESE = "这是一个用来测试编码检测的中文文件,内容不长。我们在这里写一些字。\n"
JAPANESE = "これは文字コードを調べるための日本語のファイルです。東京は日本の首都です。\n"
KOREAN = "이것은 인코딩을 시험하기 위한 한국어 파일입니다. 서울은 대한민국의 수도이다.\n"
RUSSIAN = "Это русский текст, который нужен для проверки кодировки. Москва - столица России.\n"
ENGLISH = "The café opens at nine; coffee is 3 euros.\n"
EMOJI = "A plain line, and 😀 beyond the plane.\n"
TEXTS = [GERMAN, FRENCH, CHINESE, JAPANESE, KOREAN, RUSSIAN, ENGLISH, EMOJI]


@pytest.mark.parametrize(
    ("codec", "bom"),
    [
        ("utf-8", b""),
        ("utf-8", codecs.BOM_UTF8),
        ("utf-16-le", b""),
        ("utf-16-be", b""),
        ("utf-16-le", codecs.BOM_UTF16_LE),
        ("utf-16-be", codecs.BOM_UTF16_BE),
        ("utf-32-le", codecs.BOM_UTF32_LE),
        ("utf-32-be", codecs.BOM_UTF32_BE),
        ("utf-32-le", b""),
    ],
)
def test_unicode_in_every_form(tmp_path: Path, codec: str, bom: bytes) -> None:
    for text in [text * times for text in TEXTS for times in (1, 300)]:
        found = document(tmp_path / "a.txt", bom + text.encode(codec))
        assert (found.encoding, found.text) == (codec, text)


@pytest.mark.parametrize(
    ("text", "codec", "name"),
    [
        (GERMAN, "cp1252", "cp1252"),
        (GERMAN.replace("„", "").replace("“", ""), "latin-1", "cp1252"),
        (FRENCH, "latin-1", "cp1252"),
        (ENGLISH, "latin-1", "cp1252"),
        (CHINESE, "gb18030", "gb18030"),
        (CHINESE, "gbk", "gb18030"),
        (JAPANESE, "shift_jis", "cp932"),
        (JAPANESE, "euc_jp", "euc_jp"),
        (KOREAN, "euc_kr", "cp949"),
        (RUSSIAN, "koi8_r", "koi8-r"),
        (RUSSIAN, "cp1251", "cp1251"),
    ],
)
def test_older_encodings_are_guessed(tmp_path: Path, text: str, codec: str, name: str) -> None:
    before = "Plain English stands before. " * 5000
    on_one_line = text.replace("\n", " ")
    for whole in (text, text * 3000, before + text, before + "\n" + text * 3000, before + on_one_line * 3000):
        found = document(tmp_path / "a.txt", whole.encode(codec))
        assert (found.encoding, found.text) == (name, whole)


def test_utf8_with_a_few_bad_bytes_stays_utf8(tmp_path: Path) -> None:
    found = document(tmp_path / "a.txt", GERMAN.encode() + b"bad \xff byte, cut \xe2\x82")
    assert (found.encoding, found.text) == ("utf-8", GERMAN + "bad \ufffd byte, cut \ufffd")


def test_a_few_nul_bytes_are_dropped(tmp_path: Path) -> None:
    found = document(tmp_path / "a.txt", b"one\0 line of a damaged file\0\nand another line of it\n")
    assert (found.encoding, found.text) == ("utf-8", "one line of a damaged file\nand another line of it\n")
    late = document(tmp_path / "a.txt", b"words\n" * 5000 + b"\0" * 40)
    assert late.text == "words\n" * 5000


def test_old_ends_and_terminal_codes_are_text(tmp_path: Path) -> None:
    assert document(tmp_path / "a.txt", "Grüße\r\n\x1a".encode("cp1252")).text == "Grüße\n\x1a"
    assert document(tmp_path / "a.txt", b"\x1b[31mred\x1b[0m\n\x0c").encoding == "utf-8"


def test_utf16_that_is_cut_or_broken_is_read_as_far_as_it_goes(tmp_path: Path) -> None:
    data = codecs.BOM_UTF16_LE + "one two three".encode("utf-16-le") + b"\x3d\xd8" + "four".encode("utf-16-le") + b"x"
    assert document(tmp_path / "a.txt", data).text == "one two three\ufffdfour\ufffd"


def test_lines_are_those_of_an_editor(tmp_path: Path) -> None:
    text = document(tmp_path / "a.txt", "one\r\ntwo\rthree\n\rfive\u2028\x0b\x0c\x85still five\r\n").text
    assert text == "one\ntwo\nthree\n\nfive\u2028\x0b\x0c\x85still five\n"


@pytest.mark.parametrize(
    ("declaration", "codec", "name"),
    [
        ('<meta charset="iso-8859-1">', "latin-1", "cp1252"),
        ("<META http-equiv=Content-Type content='text/html; charset=windows-1250'>", "cp1250", "cp1250"),
        ("<?xml version='1.0' encoding='ISO-8859-2'?>", "iso8859-2", "iso8859-2"),
        ("<meta charset=gb2312>", "gbk", "gb18030"),
        ("<meta charset=iso-2022-jp>", "iso2022_jp", "iso2022_jp"),
        ("<meta charset=iso-8859-1>", "utf-8", "utf-8"),  # it is not, and says so
        ("<meta charset=utf-8>", "latin-1", "cp1252"),
        ("<meta charset=unheard-of>", "utf-8", "utf-8"),
        ("<meta charset=idna>", "utf-8", "utf-8"),  # names of codecs that are none for texts
        ("<meta charset=zlib>", "utf-8", "utf-8"),
        ("<meta charset=unicode_escape>", "utf-8", "utf-8"),
        ("<meta charset=utf-7>", "utf-8", "utf-8"),
        ("<meta charset=cp037>", "utf-8", "utf-8"),
    ],
)
def test_pages_may_say_what_they_are(tmp_path: Path, declaration: str, codec: str, name: str) -> None:
    words = {"gbk": CHINESE, "iso2022_jp": JAPANESE, "cp1250": "Łódź, kůň\n", "iso8859-2": "Łódź, kůň\n"}
    text = words.get(codec, FRENCH).strip()
    found = document(tmp_path / "a.html", f"{declaration}<title>{text}</title><p>{text}</p>".encode(codec))
    assert (found.encoding, found.title, found.text) == (name, text, text)


def test_a_page_into_a_document(tmp_path: Path) -> None:
    found = document(tmp_path / "a.html", "<title>Name</title>\r\n<h1>Top</h1>\r\n<p>Words\r\nhere</p>")
    assert (found.kind, found.title, found.text, found.lines) == ("html", "Name", "Top\n\nWords here", (2, 3, 3))
    assert found.headings[0].title == "Top"
    assert document(tmp_path / "a.html", "<h1>Top</h1><p>Words").title == "Top"
    assert document(tmp_path / "a.html", "<p>Words").title == "a.html"
    assert reason(tmp_path / "a.html", "<div>" * 100_000 + "words") == "HTML nested too deeply"


def test_a_file_without_headings_is_titled_by_its_name(tmp_path: Path) -> None:
    assert document(tmp_path / "a.txt", "# words").title == "a.txt"
    assert document(tmp_path / "a.md", "words").title == "a.md"
    assert document(tmp_path / "a.md", "#\n\nwords\n\n## Named").title == "Named"


@pytest.mark.skipif(os.name != "posix" or os.uname().sysname != "Linux", reason="other systems refuse such names")
def test_any_name_gives_a_title_that_can_be_stored(tmp_path: Path) -> None:
    for name in (b"bad\xff\xfe.md", b"a\nb.md", b"-rf.md", b"x" * 252 + b".md"):
        found = document(tmp_path / os.fsdecode(name), "words")
        assert found.path == os.fsencode(tmp_path) + b"/" + name
        assert found.kind == "markdown"
        assert "\n" not in found.title
        found.title.encode()


def test_a_stamp_is_kept_once_it_can_be_trusted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.txt"
    assert document(path, "words").stamp is None  # too young: it may change again within the same tick
    later = time.time_ns() + 10_000_000_000
    with monkeypatch.context() as clock:
        clock.setattr(time, "time_ns", lambda: later)
        status = path.stat()
        found = read(os.fsencode(path))
        assert isinstance(found, Document)
        assert found.stamp == FileStamp(5, status.st_mtime_ns, status.st_ctime_ns)
        os.utime(path, ns=(later, later + 60_000_000_000))  # written by a clock that is ahead
        found = read(os.fsencode(path))
        assert isinstance(found, Document)
        assert found.stamp is None


@posix
def test_pipes_sockets_devices_and_links_never_hold_the_reader(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)  # the name of a socket must be short
    os.mkfifo("pipe")
    Path("file.md").write_text("words")
    Path("link.md").symlink_to("file.md")
    Path("self.md").symlink_to("self.md")
    assert reason(tmp_path / "pipe") == "named pipe"
    assert reason(tmp_path / "link.md") == "link"
    assert reason(tmp_path / "self.md") == "link"
    assert reason(tmp_path) == "folder"
    assert reason(Path("/dev/null")) == "device"
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("sock")
        assert reason(tmp_path / "sock") == "socket"


@posix
@pytest.mark.parametrize("what", ["pipe", "link"])
def test_what_takes_a_file_s_place_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, what: str) -> None:
    path = tmp_path / "a.md"
    path.write_text("words")
    (tmp_path / "secret").write_text("secret words")
    opened = os.open

    def swap_and_open(name: str | bytes, flags: int) -> int:
        path.unlink()
        if what == "pipe":
            os.mkfifo(path)
        else:
            path.symlink_to(tmp_path / "secret")
        return opened(name, flags)

    monkeypatch.setattr(os, "open", swap_and_open)
    assert reason(path) == ("named pipe" if what == "pipe" else f"!{os.strerror(errno.ELOOP)}")


def test_a_file_that_is_gone_is_no_failure(tmp_path: Path) -> None:
    assert reason(tmp_path / "gone.md") == "vanished"
    assert digest(os.fsencode(tmp_path / "gone.md")) is None


@posix
def test_a_file_that_may_not_be_read_is_a_failure() -> None:
    with as_somebody_else(), tempfile.TemporaryDirectory() as name:
        path = Path(name, "a.md")
        path.write_text("words")
        path.chmod(0)
        assert reason(path) == "!permission denied"
        assert digest(os.fsencode(path)) is None


def test_a_large_file_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "a.md"
    path.write_bytes(b"words " * 100)
    assert read(os.fsencode(path), max_bytes=599) == SkippedFile(
        os.fsencode(path), SkipCode.TOO_LARGE, "0.0 MB, more than the limit of 0.000599 MB"
    )
    assert isinstance(read(os.fsencode(path), max_bytes=600), Document)
    assert digest(os.fsencode(path), max_bytes=599) is None


def test_digest_is_of_any_file(tmp_path: Path) -> None:
    (tmp_path / "a.bin").write_bytes(bytes(range(256)) * 100)
    assert digest(os.fsencode(tmp_path / "a.bin")) == hashlib.sha256(bytes(range(256)) * 100).digest()


def test_a_file_under_change_is_read_whole_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "log.txt"
    path.write_text("start\n")
    reading = threading.Event()
    reading.set()

    def append() -> None:
        with path.open("a") as file:
            while reading.is_set() and file.tell() < 5_000_000:
                file.write("one more line\n" * 10)
                file.flush()

    writer = threading.Thread(target=append)
    writer.start()
    try:
        found = [read(os.fsencode(path)) for _ in range(30)]
    finally:
        reading.clear()
        writer.join()
    for each in found:
        if isinstance(each, SkippedFile):
            assert (each.reason, each.failed) == ("changes while it is read", True)
        else:
            assert each.digest == hashlib.sha256(each.text.encode()).digest()
    assert isinstance(read(os.fsencode(path)), Document)


@pytest.mark.parametrize(("changes", "expected"), [(1, "changed"), (2, "changed"), (3, "")])
def test_a_change_during_reading_means_reading_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, changes: int, expected: str
) -> None:
    path = tmp_path / "a.txt"
    path.write_text("before!")
    left = changes
    sniffed = is_binary

    def change_and_sniff(data: bytes) -> bool:  # comes between the two looks at the file's status
        nonlocal left
        if left:
            left -= 1
            path.write_text("changed")  # of the same size
            os.utime(path, ns=(1, 10**18 + left))
        return sniffed(data)

    monkeypatch.setattr("indexer.read.reader.is_binary", change_and_sniff)
    found = read(os.fsencode(path))
    if expected:
        assert isinstance(found, Document)
        assert found.text == expected
        assert found.digest == hashlib.sha256(expected.encode()).digest()
    else:
        assert found == SkippedFile(os.fsencode(path), SkipCode.CHANGING, "changes while it is read", failed=True)


PIECES = [b"words ", b"\n", b"\r", b"\0", b"# ", b"===\n", b"\xff\xfe", b"\xef\xbb\xbf", b"\xed\xa0\x80", b"\x830\x811"]
PIECES += [
    b"<p>",
    b"<pre>",
    b"</p>",
    b"<li>",
    b"&#xD800;",
    b"&#13;",
    b"<!--",
    b"<title>",
    "é".encode(),
    b"\xe9",
    b"\x84",
]


@pytest.mark.parametrize("name", ["a.md", "a.rst", "a.html", "a.txt", "a"])
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.one_of(st.binary(max_size=300), st.lists(st.sampled_from(PIECES)).map(b"".join)))
@example(data=b"\xff\xfe\0\0")
@example(data=b"\x84\x31\xa4\x37 words")
def test_any_bytes_give_a_document_or_a_reason(tmp_path: Path, name: str, data: bytes) -> None:
    path = tmp_path / name
    path.write_bytes(data)
    found = read(os.fsencode(path))
    if isinstance(found, SkippedFile):
        assert found.reason in {"binary", "empty", "no words", "archive"} or found.reason.startswith("damaged")
        return
    assert found.digest == hashlib.sha256(data).digest()
    assert found.text.encode().decode() == found.text
    found.title.encode()
    assert found.title
    assert not {"\0", "\r"} & set(found.text)
    if found.lines is not None:
        assert len(found.lines) == found.text.count("\n") + 1
        assert all(1 <= line <= data.count(b"\n") + data.count(b"\r") + 1 for line in found.lines)
    for heading in found.headings:
        assert 0 <= heading.offset < len(found.text)
        heading.title.encode()


@settings(max_examples=100, deadline=None)
@given(
    text=st.text(st.characters(exclude_categories=["Cs", "Cc"])),
    codec=st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-32"]),
)
def test_text_in_unicode_comes_back(text: str, codec: str) -> None:
    plain = "words: " + text.removeprefix("\ufeff")
    found, _ = decode(plain.encode(codec))
    assert found == plain or (
        found == "" and codec in ("utf-16", "utf-32")
    )  # where much of it is private or unassigned
