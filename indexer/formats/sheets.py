"""A spreadsheet in, its rows out: a table for each sheet, under the sheet's name, each row with its number."""

from __future__ import annotations

import io
import re
import zipfile
from datetime import date, datetime, time
from typing import TYPE_CHECKING, Any

from python_calamine import CalamineError, CalamineWorkbook, PasswordError

from indexer.read.extract import Builder, UnreadableError, row
from storage.files import SkipCode

if TYPE_CHECKING:
    from collections.abc import Iterator

    from indexer.read.extract import Extract, Source

    Row = tuple[int, list[Any]]  # its number, and its cells: str, float, bool, date, time, timedelta

MAX_CELLS = (
    20_000_000  # within the corners of a sheet: the engine makes room for all and takes the process down if none
)
MAX_UNPACKED = 1_000_000_000  # bytes

_ENCRYPTED = ("EncryptedPackage".encode("utf-16-le"), b"encryption-data")
_COLUMN = re.compile(rb"""\sr=["']([A-Z]{1,3})\d""")
_ROW = re.compile(rb"""\sr=["'][A-Z]{1,3}(\d{1,7})""")


def extract(source: Source) -> Extract:
    """Read all sheets, the hidden ones too, and of each the rows that say something.

    Numbers stand without separators, dates in ISO form, formulas as their last result; an error shows nothing.

    Raises:
        UnreadableError: it is encrypted, or takes far more room than what it says.
    """
    if zipfile.is_zipfile(io.BytesIO(source.data)):
        _check_package(source.data)
    try:
        workbook = CalamineWorkbook.from_filelike(io.BytesIO(source.data))
    except (CalamineError, PasswordError) as error:
        if isinstance(error, PasswordError) or any(sign in source.data for sign in _ENCRYPTED):
            raise UnreadableError("encrypted: needs a password", SkipCode.ENCRYPTED) from error
        raise
    builder = Builder()
    for index, name in enumerate(workbook.sheet_names):
        _write_sheet(builder, name, workbook.get_sheet_by_index(index))
    return builder.extract()


def _check_package(data: bytes) -> None:
    """Refuse what would not fit into memory, before the engine tries."""
    with zipfile.ZipFile(io.BytesIO(data)) as package:
        entries = package.infolist()
        if sum(entry.file_size for entry in entries) > MAX_UNPACKED:
            raise UnreadableError(f"more than {MAX_UNPACKED / 1e6:,.0f} MB when unpacked", SkipCode.TOO_LARGE)
        for entry in entries:
            if "/worksheets/" in entry.filename and entry.filename.endswith(".xml"):
                _check_corners(package.read(entry))


def _check_corners(sheet: bytes) -> None:
    columns = [_number_of(letters) for letters in set(_COLUMN.findall(sheet))]
    rows = [int(digits) for digits in set(_ROW.findall(sheet))]
    if columns and (max(columns) - min(columns) + 1) * (max(rows) - min(rows) + 1) > MAX_CELLS:
        raise UnreadableError(
            f"a sheet whose cells lie more than {MAX_CELLS / 1e6:g} million cells apart", SkipCode.TOO_LARGE
        )


def _number_of(column: bytes) -> int:
    """Return a column's number by its letters: A is 1, AA is 27."""
    number = 0
    for letter in column:
        number = 26 * number + letter - ord("A") + 1
    return number


def _write_sheet(builder: Builder, name: str, sheet: Any) -> None:
    used = _used_columns(sheet)
    start: int | None = None  # of the table, below the titles and notes that may stand over it
    header = 0
    for at, (number, cells) in enumerate(_filled_rows(sheet)):
        builder.mark("row", number, name, apart=at == 0)
        if at == 0:
            builder.heading(1, name)
        line = row([_shown(cells[column]) for column in used])
        if start is None and len(used) > 1 and sum(cell != "" for cell in cells) == 1:
            builder.paragraph(line)
            continue
        if start is None:
            start = builder.begin()
            header = len(line) + 1 if all(isinstance(cell, str) for cell in cells) else 0
        builder.line(line)
    if start is not None:
        builder.end("table", start, header if builder.length > start + header else 0)


def _filled_rows(sheet: Any) -> Iterator[Row]:
    return ((number, cells) for number, cells in enumerate(sheet.iter_rows(), 1) if any(cell != "" for cell in cells))


def _used_columns(sheet: Any) -> list[int]:
    """Return the columns in which something stands: sheets have empty ones in between, as merged cells leave."""
    used: set[int] = set()
    for _, cells in _filled_rows(sheet):
        if len(used) == len(cells):
            break
        used.update(column for column, cell in enumerate(cells) if cell != "")
    return sorted(used)


def _shown(cell: Any) -> str:
    if isinstance(cell, str):
        return cell
    if isinstance(cell, bool):
        return str(cell).upper()
    if isinstance(cell, float | int):
        return f"{cell:.15g}"  # what a sheet keeps of a number
    if isinstance(cell, datetime):
        return cell.isoformat(" ")
    if isinstance(cell, date | time):
        return cell.isoformat()
    minutes, seconds = divmod(round(cell.total_seconds()), 60)  # of a timedelta, which is all that is left
    return f"{minutes // 60}:{minutes % 60:02}:{seconds:02}"
