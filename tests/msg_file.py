"""Properties in, a message as Outlook saves it out: MSG (MS-OXMSG) in a compound file (MS-CFB), version 3.

Small streams go into 64-byte sectors and large ones into 512-byte sectors, as in files that Outlook writes.
"""

from __future__ import annotations

import struct
from datetime import UTC, datetime

SECTOR, MINI, CUTOFF = 512, 64, 4096
FREE, END, FAT = 0xFFFFFFFF, 0xFFFFFFFE, 0xFFFFFFFD
STRING8, STRING, BINARY, INTEGER, TIME = 0x001E, 0x001F, 0x0102, 0x0003, 0x0040

Value = str | bytes | int | datetime | tuple[bytes]  # a tuple: a string in the code page of the message
Tree = dict[str, "bytes | Tree"]


def message(
    properties: dict[int, Value],
    recipients: tuple[dict[int, Value], ...] = (),
    attachments: tuple[dict[int, Value] | Tree, ...] = (),
    header: int = 32,
) -> Tree:
    """The storage of a message, or with a `header` of 24 bytes, of one that is attached to another."""
    head = struct.pack("<8x4I", len(recipients), len(attachments), len(recipients), len(attachments)).ljust(header, b"\0")
    tree = _storage(properties, head)
    for number, recipient in enumerate(recipients):
        tree[f"__recip_version1.0_#{number:08X}"] = _storage(recipient, bytes(8))
    for number, attachment in enumerate(attachments):
        properties = {tag: value for tag, value in attachment.items() if isinstance(tag, int)}
        nested = {name: value for name, value in attachment.items() if isinstance(name, str)}
        tree[f"__attach_version1.0_#{number:08X}"] = _storage(properties, bytes(8)) | nested
    return tree


def _storage(properties: dict[int, Value], header: bytes) -> Tree:
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


def compound_file(tree: Tree) -> bytes:
    """Storages and streams as a file."""
    entries: list[list[int | str | bytes]] = [["Root Entry", 5, FREE, FREE, FREE, b""]]  # name, type, siblings, child, data
    _add(entries, 0, tree)
    small = [it[5] for it in entries[1:] if isinstance(it[5], bytes) and it[1] == 2 and len(it[5]) < CUTOFF]
    mini = b"".join(it.ljust(-(-len(it) // MINI) * MINI, b"\0") for it in small)
    sectors: list[bytes] = []
    fat: list[int] = []
    mini_fat: list[int] = []
    starts = []
    for entry in entries:
        data = mini if entry[1] == 5 else entry[5]
        assert isinstance(data, bytes)
        if entry[1] == 2 and len(data) < CUTOFF:
            starts.append(_chain(mini_fat, len(data), MINI))
        else:
            starts.append(_put(sectors, fat, data))
    directory = b"".join(_entry(it, start, len(mini)) for it, start in zip(entries, starts, strict=True))
    directory += struct.pack("<64xHBB3I36x", 0, 0, 0, FREE, FREE, FREE) * (-len(entries) % 4)
    directory_start = _put(sectors, fat, directory)
    mini_start = _put(sectors, fat, _table(mini_fat))
    tables = 1
    while tables * (SECTOR // 4) < len(fat) + tables:
        tables += 1
    fat_sectors = range(len(fat), len(fat) + tables)
    assert tables <= 109
    fat_bytes = _table(fat + [FAT] * tables)
    header = struct.pack("<8s16xHHHHH6xIIIIIIIII", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", 0x3E, 3, 0xFFFE, 9, 6, 0, tables,
                         directory_start, 0, CUTOFF, mini_start, -(-len(mini_fat) * 4 // SECTOR), END, 0)  # fmt: skip
    header += struct.pack("<109I", *fat_sectors, *[FREE] * (109 - tables))
    return header + b"".join(sectors) + fat_bytes


def _add(entries: list[list[int | str | bytes]], parent: int, tree: Tree) -> None:
    """The children of a storage, as a tree that leans to the right: in the order that the format asks for."""
    last = parent
    for name in sorted(tree, key=lambda it: (len(it), it.upper())):
        value = tree[name]
        number = len(entries)
        entries.append([name, 1 if isinstance(value, dict) else 2, FREE, FREE, FREE, b"" if isinstance(value, dict) else value])
        entries[last][4 if last == parent else 3] = number
        last = number
        if isinstance(value, dict):
            _add(entries, number, value)


def _entry(entry: list[int | str | bytes], start: int, mini_size: int) -> bytes:
    name, kind, left, right, child, data = entry
    assert isinstance(name, str)
    assert isinstance(data, bytes)
    encoded = name.encode("utf-16-le")
    size = mini_size if kind == 5 else len(data)
    return struct.pack("<64sHBB3I36xIQ", encoded, len(encoded) + 2, kind, 1, left, right, child, 0 if kind == 1 else start, size)


def _chain(table: list[int], size: int, sector: int) -> int:
    count = -(-size // sector)
    start = len(table)
    table += [*range(start + 1, start + count), END][: count or None] if count else []
    return start if count else END


def _put(sectors: list[bytes], fat: list[int], data: bytes) -> int:
    start = _chain(fat, len(data), SECTOR)
    sectors += [data[at : at + SECTOR].ljust(SECTOR, b"\0") for at in range(0, len(data), SECTOR)]
    return start


def _table(numbers: list[int]) -> bytes:
    """Numbers of sectors as whole sectors."""
    return struct.pack(f"<{len(numbers)}I", *numbers) + b"\xff" * (-len(numbers) * 4 % SECTOR)
