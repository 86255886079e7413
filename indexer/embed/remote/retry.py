"""What a server said in, what to do about it out: try again, split the batch, or stop."""

from __future__ import annotations

import random
import re
import time
from enum import Enum
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

T = TypeVar("T")

MAX_TRIES = 5
BUDGET = 120.0  # seconds from the first failure of a batch to its last try
FIRST_WAIT = 0.5  # seconds; doubles with each failure


class FailureKind(Enum):
    """What went wrong with one request."""

    # of the text: the batch will fail again as long as it is in there
    TOO_LONG = "a text is longer than the window"
    NOT_A_NUMBER = "the model computed NaN for a text"
    # of the moment: the same request may pass later
    NO_CONNECTION = "nobody answers at that address"
    CUT_OFF = "the answer broke off, or was overdue"
    BUSY = "the server cannot just now"
    GARBLED = "the answer is no embedding answer"
    BAD_VECTORS = "the answer holds vectors that are none"
    # of the set-up: nothing will pass until the user changes something
    FATAL = "the server will not"


class RequestFailed(Exception):
    """When one request brought no usable answer.

    Attributes:
        fault: what went wrong.
        message: the server's own words, on one line.
        status: of the HTTP answer; None where there was no whole one.
        retry_after: seconds that the server asked us to wait.
    """

    def __init__(
        self, fault: FailureKind, message: str, *, status: int | None = None, retry_after: float | None = None
    ) -> None:
        super().__init__(message)
        self.fault = fault
        self.message = message
        self.status = status
        self.retry_after = retry_after


# The words count before the status: Ollama has sent one and the same failure as 400 and as 500 over its versions.
_SAID: tuple[tuple[FailureKind, re.Pattern[str]], ...] = tuple(
    (fault, re.compile(pattern, re.IGNORECASE))
    for fault, pattern in (
        (
            FailureKind.TOO_LONG,
            r"exceeds (the )?(maximum |available )?context|too large|physical batch size|cannot be truncated"
            r"|after truncation",
        ),
        (FailureKind.NOT_A_NUMBER, r"\bNaN\b|unsupported value"),
        (FailureKind.FATAL, r"not support embeddings|invalid model name|invalid input type"),
        (FailureKind.CUT_OFF, r"\bEOF\b|connection reset|forcibly closed|broken pipe"),
        (
            FailureKind.BUSY,
            r"connection refused|actively refused|dial tcp|unexpected server status|server busy|no slots|loading",
        ),
    )
)
_BUSY = frozenset({408, 425, 429, 499, 500, 502, 503, 504})


def classify(status: int, message: str) -> FailureKind:
    """Return the fault behind an HTTP answer that is not 200."""
    # These three come first because their messages repeat the model's name, which may be any words.
    if status in (401, 403, 404):
        return FailureKind.FATAL
    for fault, pattern in _SAID:
        if pattern.search(message):
            return fault
    return FailureKind.BUSY if status in _BUSY else FailureKind.FATAL


def backoff(
    faults: Sequence[FailureKind], *, splittable: bool, spent: float, jitter: float, retry_after: float | None = None
) -> float | None:
    """Return the seconds to wait before the same request is sent again; None when it is not worth sending.

    Args:
        faults: of every try so far, the latest last; not empty.
        splittable: whether the request holds several texts, so that parts of it may pass.
        spent: seconds since the first failure, waits included.
        jitter: from 0 to 1, so that clients that failed together do not return together.
        retry_after: seconds that the server asked for; more than is left of the budget means giving up.
    """
    fault = faults[-1]
    if len(faults) >= MAX_TRIES or faults.count(fault) >= _tries(fault, splittable):
        return None
    wait = max(FIRST_WAIT * 2 ** (len(faults) - 1) * (1 + jitter / 4), retry_after or 0.0)
    return wait if spent + wait <= BUDGET else None


def call_with_retries(
    attempt: Callable[[], T],
    *,
    splittable: bool,
    sleep: Callable[[float], None],
    between: Callable[[RequestFailed], bool],
) -> T:
    """Call `attempt` as often as its failures deserve, and return what it returns.

    Args:
        attempt: sends one request; raises Failure.
        splittable: whether the request holds several texts, so that parts of it may pass.
        sleep: waits the given seconds.
        between: told of each failure before anything else happens; may correct its fault, and says whether to go on.

    Raises:
        RequestFailed: the last one, when no further try is worth it.
    """
    faults: list[FailureKind] = []
    began = waited = 0.0
    while True:
        try:
            return attempt()
        except RequestFailed as failure:
            go_on = between(failure)
            faults.append(failure.fault)
            began = began or time.monotonic()
            wait = backoff(
                faults,
                splittable=splittable,
                spent=max(waited, time.monotonic() - began),  # requests take time as well as waits
                jitter=random.random(),
                retry_after=failure.retry_after,
            )
            if wait is None or not go_on:
                raise
        sleep(wait)
        waited += wait


def _tries(fault: FailureKind, splittable: bool) -> int:
    """How often one fault is met before the request is given up; where a batch can be split, halves beat repeats."""
    match fault:
        case FailureKind.FATAL | FailureKind.TOO_LONG:
            return 1
        case FailureKind.NOT_A_NUMBER:
            return 1 if splittable else 2
        case FailureKind.GARBLED | FailureKind.BAD_VECTORS:
            return 2
        case FailureKind.CUT_OFF:
            return 2 if splittable else MAX_TRIES
        case _:
            return MAX_TRIES
