"""What can go wrong, as a tree; every message is one line that names the cure.

NearestError                    anything a user can be told
├── OptionError                 something that was asked for cannot be meant
├── NothingIndexedError         there is nothing to search yet
├── NotFoundError               nothing stands at the place that was asked for
├── UnreachableError            the embedder does not answer
├── EmbedderError               the embedder answers, but not with what it should
│   └── RefusedError            it will never embed this batch as it is; smaller batches may pass
│       └── TooLongError        one text is longer than the model's window
├── EmbedderMismatchError       the collection was made by something else
├── DamagedError                the database cannot be read
├── LockedError                 another process is writing
└── MassDeleteError             the run would drop more than the user may have meant
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

INDEX_FIRST = "index a file or folder first"


class NearestError(Exception):
    """Base of everything that ends in one line for the user instead of a traceback.

    Args:
        message: what is wrong, on one line; with its cure, unless that is in `hint`.
        hint: the cure, where a face may have other words for it.
        code: of what is wrong, where the class does not say enough.

    Attributes:
        code: a word that programs may rely on.
    """

    code = "error"

    def __init__(self, message: str, *, hint: str = "", code: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.code = code or self.code

    def __str__(self) -> str:
        return f"{self.message}: {self.hint}" if self.hint else self.message


class OptionError(NearestError):
    """When something that was asked for cannot be meant: no date, no pattern, nothing at all.

    Args:
        template: the message, with the name of each option in braces: "{since} {} is later than {until} {}".
        values: what the empty braces stand for.
    """

    code = "option"

    def __init__(self, template: str, *values: object) -> None:
        self.template = template
        self.values = values
        super().__init__(self.worded({}))

    def worded(self, names: Mapping[str, str]) -> str:
        """Word the message with names of the options; one that is not among them is called as it is."""
        return self.template.format(*self.values, **{name: names.get(name, name) for name in OPTIONS})


OPTIONS = (
    "exclude", "include", "paths", "since", "split", "tags", "types", "until", "where", "whole", "within",
)  # fmt: skip


class NothingIndexedError(NearestError):
    """When a question is asked of a collection that holds nothing."""

    code = "nothing-indexed"


class NotFoundError(NearestError):
    """When a passage is asked for by its id or place, and there is none."""

    code = "not-found"


class UnreachableError(NearestError):
    """When the embedder cannot be reached, or stays silent past its time."""

    code = "unreachable"


class EmbedderError(NearestError):
    """When the embedder answers with something that is no embedding of what was sent."""

    code = "embedder"


class RefusedError(EmbedderError):
    """When a batch will not be embedded as it stands, though its parts, sent apart, might be."""

    code = "refused"


class TooLongError(RefusedError):
    """When a text does not fit the model's window; cut in pieces, it would."""

    code = "too-long"


class EmbedderMismatchError(NearestError):
    """When a collection is opened with another embedder, other weights or other settings than made it."""

    code = "embedder-mismatch"


class DamagedError(NearestError):
    """When the database is no database any more; nothing is written to it."""

    code = "damaged"


class LockedError(NearestError):
    """When another process holds the collection for writing."""

    code = "locked"


class MassDeleteError(NearestError):
    """When a run would drop more documents than a slip should be able to."""

    code = "mass-delete"
