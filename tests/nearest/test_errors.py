"""Errors carry codes and options; flags, commands and exit statuses are put into words by the command line alone."""

from __future__ import annotations

import pickle
import re

import pytest

from nearest.cli.errors import FLAGS, HINTS, error_line, exit_status
from storage import errors
from storage.errors import (
    OPTIONS,
    EmbedderMismatchError,
    LockedError,
    MassDeleteError,
    NearestError,
    NotFoundError,
    NothingIndexedError,
    OptionError,
    UnreachableError,
)

KINDS = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, NearestError)]


def test_each_kind_has_a_code_of_its_own() -> None:
    codes = [kind.code for kind in KINDS]
    assert len(set(codes)) == len(codes) == 12
    assert all(re.fullmatch(r"[a-z]+(-[a-z]+)*", code) for code in codes)


@pytest.mark.parametrize(
    ("error", "plain", "line", "status"),
    [
        (NearestError("odd: do this"), "odd: do this", "odd: do this", 2),
        (NothingIndexedError("nothing", hint="index first"), "nothing: index first", "nothing: nearest index PATH", 1),
        (NotFoundError("none"), "none", "none", 1),
        (UnreachableError("silent"), "silent", "silent", 3),
        (LockedError("busy", hint="wait"), "busy: wait", "busy: wait", 2),
        (MassDeleteError("gone", hint="say yes"), "gone: say yes", "gone: give --yes if they are meant to go", 2),
        (
            EmbedderMismatchError("other", hint="x", code="model-changed"),
            "other: x",
            "other: index into a new one with -c NAME",
            2,
        ),
        (
            OptionError("{since} {} is later than {until} {}", "{a}", "b"),
            "since {a} is later than until b",
            "--since {a} is later than --until b",
            2,
        ),
    ],
)
def test_an_error_is_worded_by_the_face(error: NearestError, plain: str, line: str, status: int) -> None:
    assert (str(error), error_line(error), exit_status(error)) == (plain, line, status)


def test_each_option_has_its_flag_and_each_hint_its_code() -> None:
    assert set(FLAGS) == set(OPTIONS)
    own = {"model-changed", "older-version", "weights-changed", "weights-mismatch"}
    assert set(HINTS) <= {kind.code for kind in KINDS} | own


def test_an_error_can_be_sent_to_another_process() -> None:
    error = EmbedderMismatchError("other", hint="x", code="model-changed")
    again = pickle.loads(pickle.dumps(error))  # noqa: S301
    assert (type(again), str(again), again.code) == (EmbedderMismatchError, "other: x", "model-changed")
    option = pickle.loads(pickle.dumps(OptionError("{since} {}", "x")))  # noqa: S301
    assert error_line(option) == "--since x"
