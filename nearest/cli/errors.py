"""An error in, its exit status and the line that says it in the words of the command line out."""

from __future__ import annotations

from storage.errors import NearestError, NotFoundError, NothingIndexedError, OptionError, UnreachableError

FLAGS = {
    "exclude": "--exclude", "include": "--include", "paths": "--path", "since": "--since", "split": "--split",
    "tags": "--tag", "types": "--type", "until": "--until", "where": "--where", "whole": "--whole", "within": "--in",
}  # fmt: skip
HINTS = {
    "embedder-mismatch": "leave --embedder away, or index into another collection with -c NAME",
    "mass-delete": "give --yes if they are meant to go",
    "model-changed": "index into a new one with -c NAME",
    "nothing-indexed": "nearest index PATH",
    "older-version": "run nearest index once, which renews it",
    "weights-changed": "run `nearest index` again",
    "weights-mismatch": "bring the former model back, or index into a new collection with -c NAME",
}
STATUS = 2


def exit_status(error: NearestError) -> int:
    """Look up the exit status of a command that ends with this error."""
    if isinstance(error, NothingIndexedError | NotFoundError):
        return 1
    return 3 if isinstance(error, UnreachableError) else STATUS


def error_line(error: NearestError) -> str:
    """Say an error and its cure with the flags and commands that there are."""
    if isinstance(error, OptionError):
        return error.worded(FLAGS)
    return f"{error.message}: {HINTS.get(error.code, error.hint)}" if error.hint else str(error)
