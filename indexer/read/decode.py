"""Bytes in, clean text out: which encoding they are in, and what of them no text has."""

from __future__ import annotations

import codecs
import io
import re
from contextlib import suppress

HEAD_BYTES = 8192  # enough to tell a binary file
SAMPLE_BYTES = 65536  # enough to tell an encoding

_BOMS = {  # the longer first: UTF-32's begins with UTF-16's; UTF-8 needs none to be known
    codecs.BOM_UTF32_LE: "utf-32-le",
    codecs.BOM_UTF32_BE: "utf-32-be",
    codecs.BOM_UTF16_LE: "utf-16-le",
    codecs.BOM_UTF16_BE: "utf-16-be",
}
# In no text but by a slip; those that act on a terminal or a printer do stand in logs, and one ends files of DOS.
_ALLOWED = "\a\b\t\n\v\f\r\x1a\x1b"
_CONTROLS = bytes(set(range(32)) - set(_ALLOWED.encode())) + b"\x7f"
_FEW, _VERY_FEW = 0.05, 0.01  # of all bytes; compressed data has 0.1 of them
_HIGH = bytes(range(128, 256))
_FIRST_HIGH = re.compile(rb"[\x80-\xff]")
_HIGH_RUN = re.compile(rb"[\x80-\xff]{3,}")
_LAST_ASCII = re.compile(rb".*[\x00-\x2f]", re.DOTALL)  # below anything that a character of two bytes may end with
_GUESSES = ["gb18030", "big5", "cp932", "euc_jp", "cp949", "koi8_r", "cp1251", "cp1253", "cp1255", "cp1256"]
# What a page may say of itself. Python knows further names: some turn ASCII into something else, some take for ever.
_DECLARABLE = re.compile(
    r"ascii|utf-8|iso8859-\d+|cp(?:125\d|437|[79]\d\d|8(?!75)\d\d)|koi8-\w|gb\w+|big5\w*|shift_jis\w*|euc_\w+|iso2022_\w+|mac-\w+"
)
_MEANT = {
    "iso8859-1": "cp1252",
    "ascii": "cp1252",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "shift_jis": "cp932",
    "euc_kr": "cp949",
}
_SURROGATE = re.compile("[\ud800-\udfff]")


def is_binary(data: bytes) -> bool:
    """Tell whether bytes, a file's first or all of them, are no text in any encoding."""
    return not (data.startswith(tuple(_BOMS)) or _is_byte_text(data) or _wide_encoding(data))


def decode(data: bytes, declared: str | None = None) -> tuple[str, str]:
    """Decode bytes into clean text and the name of the encoding; ("", "") for what is no text.

    A byte order mark decides; then UTF-8, if the bytes are nothing but that; then what the file declares; then UTF-8
    with a few bytes that are not; then a guess. What does not fit the encoding becomes U+FFFD.

    Args:
        declared: what the file says of itself; a name that is not known, or means no text, does not count.
    """
    declared = _meant(declared)
    encoding = next((name for bom, name in _BOMS.items() if data.startswith(bom)), None)
    if not encoding and not _is_byte_text(data):
        encoding = _wide_encoding(data)
        if not encoding:
            return "", ""
    if not encoding:
        candidates = (declared, "utf-8") if data.isascii() else ("utf-8", declared)
        for candidate in filter(None, candidates):
            with suppress(UnicodeDecodeError):
                return clean(data.decode(candidate)), candidate
        encoding = "utf-8" if _is_nearly_utf8(data) else _guess(data)
    text = clean(data.decode(encoding, "replace"))
    return (text, encoding) if _is_plausible(text) else ("", "")


def clean(text: str) -> str:
    """Clean text so that it can be stored, "\\n" its only line break: no NUL, no lone surrogate, no byte order mark."""
    text = text.removeprefix("\ufeff").replace("\0", "").replace("\r\n", "\n").replace("\r", "\n")
    try:
        text.encode()
    except UnicodeEncodeError:
        return _SURROGATE.sub("\ufffd", text)
    return text


def _meant(declared: str | None) -> str | None:
    """Return an encoding by Python's name of what a file means by it; None for one that is not known."""
    try:
        name = codecs.lookup(declared or "").name
    except (LookupError, ValueError):
        return None
    return _MEANT.get(name, name) if _DECLARABLE.fullmatch(name) else None


def _is_byte_text(data: bytes) -> bool:
    """Whether bytes may be text in an encoding that keeps ASCII as it is; only UTF-8 is allowed slips."""
    controls = len(data) - len(data.translate(None, _CONTROLS))
    if not controls:
        return True
    if _is_utf8(data):
        return controls <= _FEW * len(data)
    return b"\0" not in data and controls <= _VERY_FEW * len(data)


def _wide_encoding(data: bytes) -> str | None:
    """UTF-16 or UTF-32 without a byte order mark: the one in which the first bytes are most like a text."""
    likeness: dict[str, tuple[int, int]] = {}
    for encoding in ("utf-32-le", "utf-32-be", "utf-16-le", "utf-16-be"):
        with suppress(UnicodeDecodeError):
            text = codecs.getincrementaldecoder(encoding)().decode(data[:HEAD_BYTES])  # does not mind a cut at the end
            if _is_plausible(text):  # texts in every script have spaces or line breaks, and some ASCII
                likeness[encoding] = (sum(map(text.count, " \t\r\n")), sum(map(str.isascii, text)))
    best = max(likeness, key=likeness.__getitem__, default="")
    return best if best and likeness[best] > (0, 0) else None


def _is_utf8(data: bytes) -> bool:
    """Whether bytes are well-formed UTF-8, but for a last character that may be cut."""
    with suppress(UnicodeDecodeError):
        codecs.getincrementaldecoder("utf-8")().decode(data)
        return True
    return False


def _is_plausible(text: str) -> bool:
    """Whether a decoded text holds little that nobody writes: controls, unassigned and private characters."""
    head = text[:HEAD_BYTES]
    return sum(not (c.isprintable() or c.isspace() or c in _ALLOWED) for c in head) <= _FEW * len(head)


def _is_nearly_utf8(data: bytes) -> bool:
    """Whether more characters beyond ASCII are well-formed UTF-8 than are not."""
    text = data.decode("utf-8", "replace")
    replaced = text.count("\ufffd")
    return len(text) - len(data.translate(None, _HIGH)) - replaced > replaced


def _guess(data: bytes) -> str:
    """Guess the encoding of bytes that are no UTF-8, by the lines of them that tell."""
    lines: list[bytes] = []
    size = 0
    first = _FIRST_HIGH.search(data)
    for line in io.BytesIO(data[first.start() if first else 0 :]):
        if not line.isascii():
            lines.append(line)
            size += len(line)
            if size > SAMPLE_BYTES:
                break
    sample = b"".join(lines)
    if size > SAMPLE_BYTES:
        end = _LAST_ASCII.match(sample, 0, SAMPLE_BYTES)  # not within a character
        sample = end[0] if end else sample[:SAMPLE_BYTES]
    high = len(sample) - len(sample.translate(None, _HIGH))
    if sum(len(run[0]) for run in _HIGH_RUN.finditer(sample)) * 2 < high:
        return "cp1252"  # one or two letters among ASCII, as in "Größe": a language of Western Europe
    from charset_normalizer import from_bytes

    best = from_bytes(sample, cp_isolation=_GUESSES, enable_fallback=False).best()
    return codecs.lookup(best.encoding).name if best else "cp1252"
