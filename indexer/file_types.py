"""What a file is, by its name and first bytes; or the reason why it is not read."""

from __future__ import annotations

import re

MAX_BYTES = 64_000_000  # of a text file; a text of more is data, not something to read
MAX_FORMAT_BYTES = 256_000_000  # of a file that is more than its text: a PDF with pictures, an archive of mail

MARKUP = {
    "markdown": "md markdown mdx qmd",
    "rst": "rst rest",
    "org": "org",
    "latex": "tex latex ltx sty cls",
    "json": "json geojson jsonc json5 webmanifest",
}
# Formats that something beside a decoder has to take apart: by module of indexer.formats, by kind, their suffixes.
FORMATS = {
    "delimited": {"csv": "csv", "tsv": "tsv tab"},
    "epub": {"epub": "epub"},
    "html": {"html": "html htm xhtml"},
    "mail": {"eml": "eml", "mbox": "mbox mbx", "msg": "msg"},
    "notebook": {"notebook": "ipynb"},
    "opendocument": {"odt": "odt ott", "odp": "odp otp"},
    "pdf": {"pdf": "pdf"},
    "jsonl": {"jsonl": "jsonl ndjson"},
    "rtf": {"rtf": "rtf"},
    "sheets": {"spreadsheet": "xlsx xlsm xltx xltm xlsb xls ods ots"},
    "pptx": {"pptx": "pptx pptm ppsx potx"},
    "subtitles": {"subtitles": "srt vtt ass ssa"},
    "docx": {"docx": "docx docm dotx dotm"},
    "xml": {"xml": "xml xsd xsl xslt dbk docbook rss atom opml tei"},
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
    "csharp": "cs csx",
    "php": "php phtml",
    # Parted by their indentation alone.
    "code": "css dart el ex exs fs gd groovy hcl hs jl kt kts less lisp lua ml mli nim nix pas pl pm proto ps1 r scala"
    " scss sql swift tf v vb vhd vim zig",
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
    "Word document of the old kind: save it as DOCX": "doc dot",
    "presentation of the old kind: save it as PPTX": "ppt pps pot",
    "iWork document: export it as PDF": "key pages numbers",
    "Kindle book": "mobi azw azw3",
    "image": "png jpg jpeg gif bmp tif tiff webp ico heic heif avif jxl svg psd raw cr2 nef",
    "audio": "mp3 wav flac ogg oga opus m4a aac wma aiff mid",
    "video": "mp4 m4v mkv mov avi webm mpg mpeg wmv flv",
    "font": "ttf otf woff woff2 eot",
    "archive": "zip tgz bz2 tbz xz txz zst 7z rar tar lz4 br jar war whl egg deb rpm apk dmg iso cab",
    "compiled code": "pyc pyo class o a so dylib dll exe obj lib wasm",
}
# What a file is whatever its name says: the first bytes of formats that might pass for text otherwise.
MAGIC = (
    (re.compile(rb"%PDF-"), "pdf"),
    (re.compile(rb"{\\rtf"), "rtf"),
    (re.compile(rb"From \S+ +[A-Z][a-z]{2} [A-Z][a-z]{2} [ \d]\d \d\d:\d\d"), "mbox"),
)
UNREAD_MAGIC = {b"PK\x03\x04": "archive"}

_MODULES = {kind: module for module, table in FORMATS.items() for kind in table}
_SUFFIX_KIND = {
    suffix: kind for table in (MARKUP, CODE, *FORMATS.values()) for kind, row in table.items() for suffix in row.split()
}
_NAME_KIND = {name: kind for kind, row in NAMES.items() for name in row.split()}
_UNREAD_REASON = {suffix: reason for reason, row in UNREAD.items() for suffix in row.split()}
_MARKUP_SUFFIXES = {suffix for kind in ("markdown", "rst", "org") for suffix in MARKUP[kind].split()} | {"html", "htm"}
# "#!/usr/bin/env -S python3 -u" and "#!/bin/sh" alike: the word after the last slash or space before its arguments.
_SHEBANG = re.compile(r"#!\s*(?:\S*/env\s+(?:-\S+\s+)*|\S*/)?(\S+)")
_SECTION = re.compile(r"[1-9n][a-z]{0,3}")  # of the manual: the suffix of its pages
# Requests, and text for other readers, may stand in front of the one that begins a page of the manual.
_COMMENT = re.compile(r"""\s*[.']\s*\\\"|\s*\.(?:TH|Dd|so)\s""")
_MANUAL = re.compile(r"^\.(?:TH|Dd|so)\s", re.MULTILINE)
MANUAL_HEAD = 20_000  # characters


def unread_reason(name: str) -> str | None:
    """Say why a file of this name cannot be read, or None where it is worth a look inside."""
    stem, dot, suffix = unpacked_name(name).lower().rpartition(".")
    return _UNREAD_REASON.get(suffix) if stem and dot else None


def magic_reason(head: bytes) -> str | None:
    """Say why a file that starts with these bytes cannot be read, or None."""
    return next((reason for magic, reason in UNREAD_MAGIC.items() if head.startswith(magic)), None)


def is_packed(name: str) -> bool:
    """Tell whether a file is another one, compressed."""
    return len(name) > 3 and name.lower().endswith(".gz")


def unpacked_name(name: str) -> str:
    """Return a file's name without what says that it is compressed."""
    return name[:-3] if is_packed(name) else name


def is_plain(name: str) -> bool:
    """Tell whether a file's name promises text that only has to be decoded, or nothing."""
    return not is_packed(name) and kind_of_name(name) not in _MODULES


def max_bytes(name: str) -> int:
    """Return the size above which files are not read."""
    return MAX_BYTES if is_plain(name) else MAX_FORMAT_BYTES


def module_of(kind: str | None) -> str:
    """Return the module that takes files of this kind apart."""
    return "indexer.formats." + _MODULES.get(kind or "", "text")


def kind_of_name(name: str) -> str | None:
    """Return the kind that a file's name alone decides.

    It is "text" for a suffix that says nothing more, None without a suffix.
    """
    name = unpacked_name(name).lower()
    stem, dot, suffix = name.rpartition(".")
    if not (stem and dot):
        return _NAME_KIND.get(name)
    if suffix == "txt":  # "index.rst.txt" is how documentation servers publish their sources
        suffix = stem.rpartition(".")[2] if "." in stem else ""
        return _SUFFIX_KIND[suffix] if suffix in _MARKUP_SUFFIXES else "text"
    return _SUFFIX_KIND.get(suffix, None if _SECTION.fullmatch(suffix) else "text")


def kind_of_magic(head: bytes) -> str | None:
    """Return the kind that a file's first bytes alone decide, or None."""
    return next((kind for magic, kind in MAGIC if magic.match(head)), None)


def kind_of_text(text: str) -> str:
    """Return what a text without a telling name is.

    That is a page of the manual, or a script whose first line names its language.
    """
    if _COMMENT.match(text) and _MANUAL.search(text, 0, MANUAL_HEAD):
        return "man"
    if match := _SHEBANG.match(text):
        program = match[1].rpartition("/")[2]
        return next((kind for kind, known in SHEBANGS.items() if re.fullmatch(known, program)), "text")
    return "text"
