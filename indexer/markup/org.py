"""An Org text in, its headlines and its blocks and tables out."""

from __future__ import annotations

import re

from storage.types import Block

MAX_TITLE = 1000  # characters of source: enough of a title, and too little to be busy with for long

_TOLD = re.compile(
    r"^(?:(?P<stars>\*+)[ \t]+(?P<headline>.*)|[ \t]*#\+(?:title:(?P<title>.*)|(?P<edge>begin|end)_(?P<name>\w+).*))$",
    re.MULTILINE | re.IGNORECASE,
)
_KEYWORDS = re.compile(r"^[ \t]*#\+(?:seq_|typ_)?todo:(.*)$", re.MULTILINE | re.IGNORECASE)
_PRIORITY = re.compile(r"\[#\w+\]\s*")
_TAGS = re.compile(r":[\w@#%:]+:")
_LINK = re.compile(r"\[\[(?:[^\[\]]*\]\[)?([^\[\]]*)\]\]")
_MARKED = re.compile(r"(?<![\w*/_=~+])([*/_=~+])(?=\S)(.+?)(?<=\S)\1(?![\w*/_=~+])")
_TABLE = re.compile(r"^[ \t]*\|.*(?:\n[ \t]*\|.*)*", re.MULTILINE)
_RULE = re.compile(r"[ \t]*\|-[-+|]*[ \t]*\n")


def structure(text: str) -> tuple[list[tuple[int, int, str]], list[Block]]:
    """Find headlines (offset, level, title) without keywords and tags, below the document's title where it has one.

    The blocks come with them.

    Args:
        text: with "\\n" as its only line break.
    """
    found: list[tuple[int, int, str]] = []
    blocks = [_table(match) for match in _TABLE.finditer(text)]
    keywords = {"TODO", "DONE", "COMMENT"} | set(re.findall(r"[^\s|()]+", " ".join(_KEYWORDS.findall(text))))
    titled = 0
    begun: tuple[str, int, int] | None = None  # name and start of the block that is open, how much was found before
    for match in _TOLD.finditer(text):
        name = (match["name"] or "").lower()
        if match["stars"]:
            title = _plain(match["headline"], keywords)
            found.append((match.start(), len(match["stars"]) + titled, title))
        elif match["title"] and not found:
            titled = 1
            found.append((match.start(), 1, _without_markup(match["title"])))
        elif match["edge"] and match["edge"].lower() == "begin":
            begun = begun or (name, match.start(), len(found))
        elif begun and begun[0] == name:
            del found[begun[2] :]  # stars in a listing
            if name in ("src", "example"):
                blocks.append(Block("code", begun[1], match.end()))
            begun = None
    return found, blocks


def _plain(headline: str, keywords: set[str]) -> str:
    words, blank, last = headline.rstrip().replace("\t", " ").rpartition(" ")
    headline = words if _TAGS.fullmatch(last) else words + blank + last
    word, _, rest = headline.partition(" ")
    headline = _PRIORITY.sub("", rest if word in keywords else headline, count=1)
    return _without_markup(headline)


def _without_markup(title: str) -> str:
    return _MARKED.sub(r"\2", _LINK.sub(r"\1", title[:MAX_TITLE]))


def _table(match: re.Match[str]) -> Block:
    rows = match[0]
    first = rows.find("\n") + 1
    rule = _RULE.match(rows, first) if first else None
    return Block("table", match.start(), match.end(), match.start() + rule.end() if rule else 0)
