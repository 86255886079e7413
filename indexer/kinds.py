"""A file's name, first bytes and status in; the kind of document it holds out, or the reason why it is left out."""

from __future__ import annotations

import re
import stat
from typing import TYPE_CHECKING

from storage.types import Skip, Stamp

if TYPE_CHECKING:
    import os

MAX_BYTES = 64_000_000  # of a file; a text of more is data, not something to read

MARKUP = {
    "markdown": "md markdown mdx qmd",
    "rst": "rst rest",
    "html": "html htm xhtml",
}
CODE = {
    "python": "py pyi pyw",
    "javascript": "js mjs cjs jsx",
    "typescript": "ts mts cts",
    "tsx": "tsx",
    "go": "go",
    "rust": "rs",
    "java": "java",
    "c": "c h",
    "cpp": "cc cpp cxx c++ hh hpp hxx h++ ipp",
    "ruby": "rb rake gemspec",
    "bash": "sh bash bats ksh",
}
NAMES = {
    "python": "sconstruct sconscript wscript",
    "ruby": "rakefile gemfile guardfile vagrantfile brewfile podfile fastfile",
    "bash": "pkgbuild apkbuild",
}
SHEBANGS = {
    "python": r"python[\d.]*|pypy[\d.]*",
    "bash": r"(?:ba|da|k)?sh",
    "javascript": r"node(?:js)?",
    "ruby": r"ruby[\d.]*",
}
UNREAD = {
    "PDF is not read yet": "pdf",
    "Word document is not read yet": "doc docx docm dot dotx",
    "spreadsheet is not read yet": "xls xlsx xlsm xlsb ods",
    "presentation is not read yet": "ppt pptx pptm odp key",
    "OpenDocument text is not read yet": "odt",
    "EPUB is not read yet": "epub mobi azw3",
    "RTF is not read yet": "rtf",
    "image": "png jpg jpeg gif bmp tif tiff webp ico heic heif avif jxl svg psd raw cr2 nef",
    "audio": "mp3 wav flac ogg oga opus m4a aac wma aiff mid",
    "video": "mp4 m4v mkv mov avi webm mpg mpeg wmv flv",
    "font": "ttf otf woff woff2 eot",
    "archive": "zip gz tgz bz2 tbz xz txz zst 7z rar tar lz4 br jar war whl egg deb rpm apk dmg iso cab",
    "compiled code": "pyc pyo class o a so dylib dll exe obj lib wasm",
}
# What a file is whatever its name says: the first bytes of formats that might pass for text otherwise.
MAGIC = {b"%PDF-": "PDF is not read yet", b"{\\rtf": "RTF is not read yet", b"PK\x03\x04": "archive"}
SPECIAL = {
    stat.S_IFSOCK: "socket",
    stat.S_IFIFO: "named pipe",
    stat.S_IFCHR: "device",
    stat.S_IFBLK: "device",
    stat.S_IFDIR: "folder",
    stat.S_IFLNK: "link",
}

_SUFFIX_KIND = {suffix: kind for table in (MARKUP, CODE) for kind, row in table.items() for suffix in row.split()}
_NAME_KIND = {name: kind for kind, row in NAMES.items() for name in row.split()}
_UNREAD_REASON = {suffix: reason for reason, row in UNREAD.items() for suffix in row.split()}
_MARKUP_SUFFIXES = {suffix for row in MARKUP.values() for suffix in row.split()}
# "#!/usr/bin/env -S python3 -u" and "#!/bin/sh" alike: the word after the last slash or space before its arguments.
_SHEBANG = re.compile(r"#!\s*(?:\S*/env\s+(?:-\S+\s+)*|\S*/)?(\S+)")


def unread_reason(name: str) -> str | None:
    """Why a file of this name cannot be read yet, or None where it is worth a look inside."""
    stem, dot, suffix = name.lower().rpartition(".")
    return _UNREAD_REASON.get(suffix) if stem and dot else None


def magic_reason(head: bytes) -> str | None:
    """Why a file that starts with these bytes cannot be read yet, or None."""
    return next((reason for magic, reason in MAGIC.items() if head.startswith(magic)), None)


def kind_of_name(name: str) -> str | None:
    """The kind that a file's name alone decides: "text" for a suffix that says nothing more, None without a suffix."""
    name = name.lower()
    stem, dot, suffix = name.rpartition(".")
    if not (stem and dot):
        return _NAME_KIND.get(name)
    if suffix == "txt":  # "index.rst.txt" is how documentation servers publish their sources
        suffix = stem.rpartition(".")[2] if "." in stem else ""
        return _SUFFIX_KIND[suffix] if suffix in _MARKUP_SUFFIXES else "text"
    return _SUFFIX_KIND.get(suffix, "text")


def kind_of_script(text: str) -> str:
    """The language that the first line of a script names ("#!/usr/bin/env python3"), "text" where it names none."""
    if match := _SHEBANG.match(text):
        program = match[1].rpartition("/")[2]
        return next((kind for kind, known in SHEBANGS.items() if re.fullmatch(known, program)), "text")
    return "text"


def stamp_of(status: os.stat_result) -> Stamp:
    """What of a file's status tells whether it has changed."""
    return Stamp(status.st_size, status.st_mtime_ns, status.st_ctime_ns)


def unfit(path: bytes, status: os.stat_result, max_bytes: int) -> Skip | None:
    """Why a file is not read by what it is: no regular file, or too large; None where it can be."""
    if not stat.S_ISREG(status.st_mode):
        return Skip(path, SPECIAL.get(stat.S_IFMT(status.st_mode), "not a regular file"))
    if status.st_size > max_bytes:
        return Skip(path, f"{status.st_size / 1e6:,.1f} MB, more than the limit of {max_bytes / 1e6:g} MB")
    return None


def failure(path: bytes, error: OSError) -> Skip:
    """An error of the file system into its reason; what is gone is no failure, the rest may be better next time."""
    if isinstance(error, FileNotFoundError):
        return Skip(path, "vanished")
    if isinstance(error, PermissionError):
        return Skip(path, "permission denied", failed=True)
    return Skip(path, error.strerror or type(error).__name__, failed=True)
