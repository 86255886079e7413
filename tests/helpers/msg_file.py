"""Properties in, a message as Outlook saves it out: MSG (MS-OXMSG) in a compound file (MS-CFB), version 3.

Small streams go into 64-byte sectors and large ones into 512-byte sectors, as in files that Outlook writes.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

SECTOR, MINI, CUTOFF = 512, 64, 4096
FREE, END, FAT = 0xFFFFFFFF, 0xFFFFFFFE, 0xFFFFFFFD
STRING8, STRING, BINARY, INTEGER, TIME = 0x001E, 0x001F, 0x0102, 0x0003, 0x0040

STORAGE, STREAM, ROOT = 1, 2, 5

Value = str | bytes | int | datetime | tuple[bytes]  # a tuple: a string in the code page of the message
Properties = Mapping[int, Value]
Tree = dict[str, "bytes | Tree"]


def message(
    properties: Properties,
    recipients: Sequence[Properties] = (),
    attachments: Sequence[Properties | tuple[Properties, Tree]] = (),
    header: int = 32,
) -> Tree:
    """The storage of a message, or with a `header` of 24 bytes, of one that is attached to another."""
    counts = len(recipients), len(attachments)
    head = struct.pack("<8x4I", *counts, *counts).ljust(header, b"\0")
    tree = _storage({0x001A: "IPM.Note", **properties}, head)
    if header == 32:  # the names of further properties, of which there are none
        tree["__nameid_version1.0"] = {f"__substg1.0_{tag:04X}0102": b"" for tag in (2, 3, 4)}
    for number, recipient in enumerate(recipients):
        tree[f"__recip_version1.0_#{number:08X}"] = _storage(recipient, bytes(8))
    for number, attachment in enumerate(attachments):
        own, nested = attachment if isinstance(attachment, tuple) else (attachment, None)
        tree[f"__attach_version1.0_#{number:08X}"] = storage = _storage(own, bytes(8))
        if nested is not None:
            storage["__substg1.0_3701000D"] = nested
    return tree


def _storage(properties: Properties, header: bytes) -> Tree:
    tree: Tree = {}
    entries = [header]
    for tag, value in properties.items():
        kind, data, fixed = _property(value)
        entries.append(struct.pack("<HHI", kind, tag, 6) + fixed)
        if data is not None:
            tree[f"__substg1.0_{tag:04X}{kind:04X}"] = data
    tree["__properties_version1.0"] = b"".join(entries)
    return tree


def _property(value: Value) -> tuple[int, bytes | None, bytes]:
    """Its type, its stream, and what stands in the table of properties."""
    if isinstance(value, int):
        return INTEGER, None, struct.pack("<q", value)
    if isinstance(value, datetime):
        return TIME, None, struct.pack("<Q", int((value - datetime(1601, 1, 1, tzinfo=UTC)).total_seconds()) * 10**7)
    if isinstance(value, str):
        data = value.encode("utf-16-le")
        return STRING, data, struct.pack("<II", len(data) + 2, 0)
    kind, data = (STRING8, value[0]) if isinstance(value, tuple) else (BINARY, value)
    return kind, data, struct.pack("<II", len(data), 0)


@dataclass
class _Entry:
    """A storage, a stream or the root in the directory."""

    name: str
    kind: int  # STORAGE, STREAM, ROOT
    data: bytes = b""
    right: int = FREE  # its sibling
    child: int = FREE

    @property
    def is_small(self) -> bool:
        return self.kind == STREAM and len(self.data) < CUTOFF

    def packed(self, start: int) -> bytes:
        name = self.name.encode("utf-16-le")
        size = len(name) + 2
        return struct.pack(
            "<64sHBB3I36xIQ", name, size, self.kind, 1, FREE, self.right, self.child, start, len(self.data)
        )


def compound_file(tree: Tree) -> bytes:
    """Storages and streams as a file."""
    entries = [_Entry("Root Entry", ROOT)]
    _add(entries, 0, tree)
    entries[0].data = b"".join(it.data.ljust(-(-len(it.data) // MINI) * MINI, b"\0") for it in entries if it.is_small)
    sectors: list[bytes] = []
    fat: list[int] = []
    mini_fat: list[int] = []
    directory = b""
    for it in entries:
        if it.is_small:
            directory += it.packed(_chain(mini_fat, len(it.data), MINI))
        else:
            directory += it.packed(0 if it.kind == STORAGE else _put(sectors, fat, it.data))
    directory += struct.pack("<68x3I48x", FREE, FREE, FREE) * (-len(entries) % 4)
    places = _put(sectors, fat, directory), _put(sectors, fat, _table(mini_fat))
    tables = next(n for n in range(1, 110) if n * (SECTOR // 4) >= len(fat) + n)
    own = range(len(fat), len(fat) + tables)
    numbers = 9, 6, 0, tables, places[0], 0, CUTOFF, places[1], -(-len(mini_fat) * 4 // SECTOR), END, 0
    header = struct.pack("<8s16xHHHHH6x9I", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", 0x3E, 3, 0xFFFE, *numbers)
    header += struct.pack("<109I", *own, *[FREE] * (109 - tables))
    return header + b"".join(sectors) + _table(fat + [FAT] * tables)


def _add(entries: list[_Entry], parent: int, tree: Tree) -> None:
    """The children of a storage, each the right sibling of the one before: in the order that the format asks for."""
    last = parent
    for name in sorted(tree, key=lambda it: (len(it), it.upper())):
        value = tree[name]
        number = len(entries)
        entries.append(_Entry(name, STORAGE) if isinstance(value, dict) else _Entry(name, STREAM, value))
        if last == parent:
            entries[last].child = number
        else:
            entries[last].right = number
        last = number
        if isinstance(value, dict):
            _add(entries, number, value)


def _chain(table: list[int], size: int, sector: int) -> int:
    """The first of the sectors that so many bytes are given."""
    start, count = len(table), -(-size // sector)
    if not count:
        return END
    table += [*range(start + 1, start + count), END]
    return start


def _put(sectors: list[bytes], fat: list[int], data: bytes) -> int:
    sectors += [data[at : at + SECTOR].ljust(SECTOR, b"\0") for at in range(0, len(data), SECTOR)]
    return _chain(fat, len(data), SECTOR)


def _table(numbers: list[int]) -> bytes:
    """Numbers of sectors as whole sectors."""
    return struct.pack(f"<{len(numbers)}I", *numbers) + b"\xff" * (-len(numbers) * 4 % SECTOR)
