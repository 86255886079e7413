"""Text that is its own source, markup and programs among it: decoded, its headings found, its lines as they are."""

from __future__ import annotations

from typing import TYPE_CHECKING

from indexer.decode import decode
from indexer.extract import Extract, UnreadableError
from indexer.kinds import kind_of_text
from indexer.outline import headings

if TYPE_CHECKING:
    from indexer.extract import Source


def extract(source: Source) -> Extract:
    """The text of a file in whatever encoding.

    Raises:
        UnreadableError: it is no text.
    """
    text, encoding = decode(source.data)
    if not encoding:
        raise UnreadableError("binary")
    kind = source.kind or kind_of_text(text)
    return Extract(text, encoding=encoding, kind=kind, lines=None, headings=headings(text, kind))
