"""The bytes of a ZIP file in, an open archive out that is safe to unpack."""

from __future__ import annotations

import io
import zipfile
import zlib
from typing import TYPE_CHECKING

from indexer.read.extract import UnreadableError
from storage.files import SkipCode

if TYPE_CHECKING:
    from collections.abc import Callable

OLE_MAGIC = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"  # the container of old office files, and of new ones encrypted
ENCRYPTED_STREAM = "EncryptedPackage".encode("utf-16-le")  # its name, in the container's directory
MAX_UNPACKED = 512_000_000  # bytes of all members together
MAX_UNPACKED_RATIO = 200  # unpacked to packed; text and its markup come to 20
MIN_BOMB = 64_000_000  # bytes unpacked, below which any ratio is harmless
MARKUP_SUFFIXES = (".xml", ".rels", "mimetype")


def open_zip(data: bytes) -> zipfile.ZipFile:
    """Open an archive for reading; no member of it gives more bytes than it declares here.

    Raises:
        UnreadableError: encrypted, damaged, of the office formats of before 2007, or it would unpack to too much.
    """
    if data.startswith(OLE_MAGIC):
        encrypted = ENCRYPTED_STREAM in data
        if encrypted:
            raise UnreadableError("encrypted: needs a password", SkipCode.ENCRYPTED)
        raise UnreadableError("of the old kind: save it in the new one", SkipCode.FORMAT)
    try:
        archive = zipfile.ZipFile(io.BytesIO(data))
    except zipfile.BadZipFile as error:
        raise UnreadableError("damaged, or no ZIP archive") from error
    members = archive.infolist()
    if any(member.flag_bits & 1 for member in members):
        raise UnreadableError("encrypted: needs a password", SkipCode.ENCRYPTED)
    unpacked = sum(member.file_size for member in members)
    if unpacked > MAX_UNPACKED or (unpacked > MIN_BOMB and unpacked > MAX_UNPACKED_RATIO * len(data)):
        raise UnreadableError(f"{unpacked / 1e6:,.0f} MB when unpacked", SkipCode.TOO_LARGE)
    return archive


def markup_only(archive: zipfile.ZipFile, simplify: Callable[[bytes], bytes] = bytes) -> io.BytesIO:
    """Copy an archive with its pictures, films and fonts empty: libraries read them all, and none is needed.

    Args:
        archive: open for reading.
        simplify: is given everything else in it, which is XML, and returns what is to be copied.

    Raises:
        UnreadableError: a member of it is damaged.
    """
    copy = io.BytesIO()
    with zipfile.ZipFile(copy, "w") as target:
        for name in dict.fromkeys(archive.namelist()):
            try:
                data = simplify(archive.read(name)) if name.endswith(MARKUP_SUFFIXES) else b""
            except (zipfile.BadZipFile, zlib.error, EOFError) as error:
                raise UnreadableError(f"damaged: {error}") from error
            target.writestr(name, data)
    return copy
