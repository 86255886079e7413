"""The front matter of a text in, its fields out, and where the text itself begins."""

from __future__ import annotations

import math
import re
import tomllib
from contextlib import suppress
from datetime import date
from typing import TYPE_CHECKING, Any, NamedTuple

import yaml

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from storage.types import Field

MAX_CHARACTERS = 64_000
MAX_VALUE = 1000  # characters of one that no YAML is, and that is kept as it stands there
MAX_DEPTH = 20  # of lists and mappings within each other; the loader would take any number, and the process with it

_FENCES = {
    "---": re.compile(r"^(?:---|\.\.\.)[ \t]*$", re.MULTILINE),
    "+++": re.compile(r"^\+\+\+[ \t]*$", re.MULTILINE),
}
_ENTRY = re.compile(r"([^\W\d_][\w .-]*?)[ \t]*:(?:[ \t]+(.*))?")  # a key, and what stands behind it on its line
_CONTINUED = (" ", "\t", "- ", "-\t")  # how a line begins that goes on with the entry above it
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_STARTS = (yaml.MappingStartEvent, yaml.SequenceStartEvent)
_ENDS = (yaml.MappingEndEvent, yaml.SequenceEndEvent)
_ORG = re.compile(r"#\+(title|subtitle|author|date|filetags|description|language):[ \t]*(\S.*)", re.IGNORECASE)
_ORG_DATE = re.compile(r"[<\[]?(\d{4}-\d\d-\d\d)\b")


class FrontMatter(NamedTuple):
    """What a document says of itself before it begins."""

    fields: dict[str, Field]
    end: int  # where the text itself begins, in characters; 0 where there is no front matter


NONE = FrontMatter({}, 0)


def front_matter(text: str) -> FrontMatter:
    """Read what stands between "---" lines (YAML) or "+++" lines (TOML) at the very start of a text.

    Numbers, truth values and dates keep their types. Of a mapping within the front matter the fields are named
    "author.name"; what is nested more deeply is left out. Of YAML that is not well-formed each entry is read by itself,
    and what is none, such as `title: Repair: the roof`, kept as it stands there.

    Args:
        text: with "\\n" as its only line break.
    """
    first, _, rest = text[:MAX_CHARACTERS].partition("\n")
    closing = _FENCES.get(first.rstrip())
    end = closing.search(rest) if closing else None
    if not end:
        return NONE
    source = rest[: end.start()]
    if first.startswith("+"):
        found = _loaded(source, tomllib.loads)
    else:
        found = _loaded(source, _yaml)
        found = _by_entry(source) if found is None else found
    if not isinstance(found, dict) or not found:
        return NONE
    return FrontMatter(dict(_flat(found)), len(first) + 1 + end.end())


def org_front_matter(text: str) -> FrontMatter:
    """Read what the keyword lines at the start of an Org text say."""
    found: dict[str, Field] = {}
    at = end = 0
    for line in text[:MAX_CHARACTERS].split("\n"):
        if line.strip() and not line.startswith(("#", ":")):
            break
        at += len(line) + 1
        if match := _ORG.match(line):
            found[match[1].lower()] = _org_value(match[1].lower(), match[2].strip())
            end = min(at, len(text))
    return FrontMatter(found, end)


def _loaded(source: str, load: Callable[[str], Any]) -> Any:
    # Beside errors of their own, the loaders let through what the construction of a number or a date raises.
    with suppress(yaml.YAMLError, ValueError, TypeError, OverflowError, RecursionError):
        return load(source)
    return None


def _yaml(source: str) -> Any:
    return yaml.load(source, _LOADER) if _is_tame(source) else None


def _by_entry(source: str) -> dict[str, Any] | None:
    """Read each entry by itself; None where a line belongs to none, as in prose between two rules."""
    entries: list[list[str]] = []
    for line in source.split("\n"):
        if not line.strip() or line.startswith("#"):
            continue
        if line.startswith(_CONTINUED) and entries:
            entries[-1].append(line.replace("\t", "  "))
        elif _ENTRY.fullmatch(line):
            entries.append([line])
        else:
            return None
    found: dict[str, Any] = {}
    for first, *more in entries:
        entry = _loaded("\n".join((first, *more)), _yaml)
        if isinstance(entry, dict):
            found |= entry
        elif (match := _ENTRY.fullmatch(first)) and match[2] and len(match[2]) <= MAX_VALUE:
            found[match[1]] = match[2].strip()
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
