"""What can go wrong, as a tree; every message is one line that names the cure.

NearestError                  anything a user can be told; exit status 2
├── NothingIndexedError       there is nothing to search yet; exit status 1
├── NotFoundError             nothing stands at the place that was asked for; exit status 1
├── UnreachableError          the embedder does not answer; exit status 3
├── EmbedderError             the embedder answers, but not with what it should
│   └── RefusedError          it will never embed this batch as it is; smaller batches may pass
│       └── TooLongError      one text is longer than the model's window
├── EmbedderMismatchError             the collection was made by something else
├── DamagedError              the database cannot be read
├── LockedError               another process is writing
└── MassDeleteError                the run would drop more than the user may have meant
"""


class NearestError(Exception):
    """Base of everything that ends in one line for the user instead of a traceback."""

    exit_status = 2


class NothingIndexedError(NearestError):
    """When a question is asked of a collection that holds nothing."""

    exit_status = 1


class NotFoundError(NearestError):
    """When a passage is asked for by its id or place, and there is none."""

    exit_status = 1


class UnreachableError(NearestError):
    """When the embedder cannot be reached, or stays silent past its time."""

    exit_status = 3


class EmbedderError(NearestError):
    """When the embedder answers with something that is no embedding of what was sent."""


class RefusedError(EmbedderError):
    """When a batch will not be embedded as it stands, though its parts, sent apart, might be."""


class TooLongError(RefusedError):
    """When a text does not fit the model's window; cut in pieces, it would."""


class EmbedderMismatchError(NearestError):
    """When a collection is opened with another embedder, other weights or other settings than made it."""


class DamagedError(NearestError):
    """When the database is no database any more; nothing is written to it."""


class LockedError(NearestError):
    """When another process holds the collection for writing."""


class MassDeleteError(NearestError):
    """When a run would drop more documents than a slip should be able to."""
