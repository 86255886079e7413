"""What a document says of itself in, typed rows out, and back."""

from __future__ import annotations

import math
from datetime import date, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from storage.types import Field, Scalar

    Row = tuple[str, int | None, str, str | int | float]  # key, item, kind, value: see `storage.sqlite.schema`

LARGEST = 2**63 - 1  # of SQLite's integers


def rows_of(metadata: Mapping[str, Field]) -> list[Row]:
    """Make a row for each value, in order; an empty list has none."""
    rows: list[Row] = []
    for key, field in metadata.items():
        if isinstance(field, tuple):
            rows += [(_storable(key), item, *_typed(value)) for item, value in enumerate(field)]
        else:
            rows.append((_storable(key), None, *_typed(field)))
    return rows


def _typed(value: Scalar) -> tuple[str, str | int | float]:
    if isinstance(value, bool):
        return "boolean", int(value)
    if isinstance(value, date):
        return "date", value.isoformat()
    if isinstance(value, int) and abs(value) <= LARGEST:
        return "number", value
    if isinstance(value, float) and math.isfinite(value):
        return "number", value
    return "text", _storable(str(value))  # SQLite has no number for the rest


def _storable(text: str) -> str:
    return text.encode(errors="replace").decode().replace("\0", " ")


def metadata_of(rows: Iterable[Row]) -> dict[str, Field]:
    """Make metadata of what `rows_of` made of it."""
    metadata: dict[str, Field] = {}
    for key, item, kind, stored in rows:
        value = _value(kind, stored)
        if item is None:
            metadata[key] = value
        else:
            former = metadata.get(key, ())
            metadata[key] = (*(former if isinstance(former, tuple) else (former,)), value)
    return metadata


def _value(kind: str, stored: str | int | float) -> Scalar:
    if kind == "boolean":
        return bool(stored)
    if kind == "date":
        text = str(stored)
        return datetime.fromisoformat(text) if "T" in text else date.fromisoformat(text)
    return stored
