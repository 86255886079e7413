"""The front matter of a text in, its fields out: what a document says of itself before it begins."""

from __future__ import annotations

import math
import re
import tomllib
from contextlib import suppress
from datetime import date
from typing import TYPE_CHECKING, Any

import yaml

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from storage.types import Field

MAX_CHARACTERS = 64_000
MAX_DEPTH = 20  # of lists and mappings within each other; the loader would take any number, and the process with it

_FENCES = {
    "---": re.compile(r"^(?:---|\.\.\.)[ \t]*$", re.MULTILINE),
    "+++": re.compile(r"^\+\+\+[ \t]*$", re.MULTILINE),
}
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_STARTS = (yaml.MappingStartEvent, yaml.SequenceStartEvent)
_ENDS = (yaml.MappingEndEvent, yaml.SequenceEndEvent)
_ORG = re.compile(r"#\+(title|subtitle|author|date|filetags|description|language):[ \t]*(\S.*)", re.IGNORECASE)
_ORG_DATE = re.compile(r"[<\[]?(\d{4}-\d\d-\d\d)\b")


def fields(text: str) -> dict[str, Field]:
    """Read what stands between "---" lines (YAML) or "+++" lines (TOML) at the very start of a text.

    Numbers, truth values and dates keep their types. Of a mapping within the front matter the fields are named
    "author.name"; what is nested more deeply, and what is not well-formed, is left out.

    Args:
        text: with "\\n" as its only line break.
    """
    first, _, rest = text[:MAX_CHARACTERS].partition("\n")
    closing = _FENCES.get(first.rstrip())
    end = closing.search(rest) if closing else None
    if not end:
        return {}
    source = rest[: end.start()]
    found: Any = None
    # Beside errors of their own, the loaders let through what the construction of a number or a date raises.
    with suppress(yaml.YAMLError, ValueError, TypeError, OverflowError, RecursionError):
        if first.startswith("+"):
            found = tomllib.loads(source)
        elif _is_tame(source):
            found = yaml.load(source, _LOADER)
    return dict(_flat(found)) if isinstance(found, dict) else {}


def org_fields(text: str) -> dict[str, Field]:
    """Read what the keyword lines at the start of an Org text say."""
    found: dict[str, Field] = {}
    for line in text[:MAX_CHARACTERS].split("\n"):
        if line.strip() and not line.startswith(("#", ":")):
            break
        if match := _ORG.match(line):
            found[match[1].lower()] = _org_value(match[1].lower(), match[2].strip())
    return found


def _org_value(name: str, value: str) -> Field:
    if name == "filetags":
        return tuple(filter(None, re.split(r"[:\s]+", value)))
    if name == "date" and (match := _ORG_DATE.match(value)):
        with suppress(ValueError):
            return date.fromisoformat(match[1])
    return value


def _is_tame(source: str) -> bool:
    """Whether YAML is not nested deeply, and has no aliases: a few lines of them stand for more than memory holds."""
    depth = 0
    for event in yaml.parse(source, _LOADER):
        depth += isinstance(event, _STARTS) - isinstance(event, _ENDS)
        if depth > MAX_DEPTH or isinstance(event, yaml.AliasEvent):
            return False
    return True


def _flat(mapping: Mapping[Any, Any], prefix: str = "") -> Iterator[tuple[str, Field]]:
    for key, value in mapping.items():
        name = prefix + str(key)
        if isinstance(value, dict) and not prefix:
            yield from _flat(value, name + ".")
        elif _is_scalar(value):
            yield name, value
        elif isinstance(value, list) and value and all(map(_is_scalar, value)):
            yield name, tuple(value)


def _is_scalar(value: Any) -> bool:
    if isinstance(value, int):
        return value.bit_length() < 64  # what a database holds
    return isinstance(value, str | date) or (isinstance(value, float) and math.isfinite(value))
