"""What a server said in, the right next step out."""

from __future__ import annotations

import pytest

from indexer.embed.remote.retry import (
    BUDGET,
    MAX_TRIES,
    FailureKind,
    RequestFailed,
    backoff,
    call_with_retries,
    classify,
)

EOF = 'do embedding request: Post "http://127.0.0.1:39221/embedding": EOF'


@pytest.mark.parametrize(
    ("status", "message", "fault"),
    [
        (400, "the input length exceeds the context length", FailureKind.TOO_LONG),
        (400, "input exceeds maximum context length", FailureKind.TOO_LONG),
        (400, "input length exceeds maximum context length", FailureKind.TOO_LONG),
        (400, "input after truncation exceeds maximum context length", FailureKind.TOO_LONG),
        (400, "input exceeds maximum context length and cannot be truncated further", FailureKind.TOO_LONG),
        (400, "request (302 tokens) exceeds the available context size (256 tokens), try", FailureKind.TOO_LONG),
        (500, "input (103 tokens) is too large to process. increase the physical batch size", FailureKind.TOO_LONG),
        (413, "413 Request Entity Too Large", FailureKind.TOO_LONG),
        (400, "embedding contains NaN or Inf values", FailureKind.NOT_A_NUMBER),
        (500, "failed to encode response: json: unsupported value: NaN", FailureKind.NOT_A_NUMBER),
        (400, EOF, FailureKind.CUT_OFF),
        (500, EOF, FailureKind.CUT_OFF),
        (500, "read tcp 127.0.0.1:1: wsarecv: An existing connection was forcibly closed", FailureKind.CUT_OFF),
        (400, "read: connection reset by peer", FailureKind.CUT_OFF),
        (400, "write: broken pipe", FailureKind.CUT_OFF),
        (400, "dial tcp 127.0.0.1:39221: connect: connection refused", FailureKind.BUSY),
        (400, "No connection could be made because the target machine actively refused it.", FailureKind.BUSY),
        (503, "server busy, please try again.  maximum pending requests exceeded", FailureKind.BUSY),
        (500, "unexpected server status: llm server loading model", FailureKind.BUSY),
        (400, "no slots available after 10 retries", FailureKind.BUSY),
        *[(status, "?", FailureKind.BUSY) for status in (408, 425, 429, 499, 500, 502, 503, 504)],
        (503, "down for maintenance", FailureKind.BUSY),  # holds the letters n-a-n
        (501, "This server does not support embeddings. Start it with `--embeddings`", FailureKind.FATAL),
        (500, "this model does not support embeddings", FailureKind.FATAL),
        (400, "invalid model name", FailureKind.FATAL),
        (400, "invalid input type", FailureKind.FATAL),
        (401, "unauthorized", FailureKind.FATAL),
        (403, "403 Forbidden", FailureKind.FATAL),
        (404, 'model "eof-loading" not found, try pulling it first', FailureKind.FATAL),
        (404, "model 'nan' not found", FailureKind.FATAL),
        (400, "anything else", FailureKind.FATAL),
        (307, "the server redirects to http://elsewhere/", FailureKind.FATAL),
    ],
)
def test_the_words_count_before_the_status(status: int, message: str, fault: FailureKind) -> None:
    assert classify(status, message) is fault


def test_waits_double_and_end_after_five_tries() -> None:
    waits = [backoff([FailureKind.BUSY] * n, splittable=False, spent=0, jitter=0) for n in range(1, MAX_TRIES + 1)]
    assert waits == [0.5, 1, 2, 4, None]


def test_jitter_adds_at_most_a_quarter() -> None:
    assert backoff([FailureKind.BUSY], splittable=False, spent=0, jitter=1) == 0.625


@pytest.mark.parametrize(
    ("fault", "alone", "together"),
    [
        (FailureKind.FATAL, 1, 1),
        (FailureKind.TOO_LONG, 1, 1),
        (FailureKind.NOT_A_NUMBER, 2, 1),
        (FailureKind.GARBLED, 2, 2),
        (FailureKind.BAD_VECTORS, 2, 2),
        (FailureKind.CUT_OFF, 5, 2),
        (FailureKind.NO_CONNECTION, 5, 5),
        (FailureKind.BUSY, 5, 5),
    ],
)
def test_each_fault_has_its_number_of_tries(fault: FailureKind, alone: int, together: int) -> None:
    for splittable, tries in ((False, alone), (True, together)):
        outcomes = [backoff([fault] * n, splittable=splittable, spent=0, jitter=0) for n in range(1, 6)]
        assert outcomes.index(None) + 1 == tries


def test_two_kinds_of_fault_share_the_five_tries() -> None:
    faults = [FailureKind.BUSY, FailureKind.NO_CONNECTION, FailureKind.BUSY, FailureKind.NO_CONNECTION]
    assert backoff(faults, splittable=True, spent=0, jitter=0) == 4
    assert backoff([*faults, FailureKind.BUSY], splittable=True, spent=0, jitter=0) is None


@pytest.mark.parametrize(
    ("spent", "retry_after", "wait"),
    [(0, 7, 7), (0, 0.1, 0.5), (BUDGET - 1, None, 0.5), (BUDGET, None, None), (0, 121, None), (119, 2, None)],
)
def test_the_budget_holds(spent: float, retry_after: float | None, wait: float | None) -> None:
    assert backoff([FailureKind.BUSY], splittable=False, spent=spent, jitter=0, retry_after=retry_after) == wait


def test_persist_never_sleeps_beyond_the_budget() -> None:
    waits: list[float] = []

    def attempt() -> None:
        raise RequestFailed(FailureKind.BUSY, "busy", status=503, retry_after=50)

    with pytest.raises(RequestFailed, match="busy"):
        call_with_retries(attempt, splittable=False, sleep=waits.append, between=lambda failure: True)
    assert waits == [50, 50]


def test_persist_stops_when_told_to() -> None:
    waits: list[float] = []

    def attempt() -> None:
        raise RequestFailed(FailureKind.BUSY, "busy")

    with pytest.raises(RequestFailed):
        call_with_retries(attempt, splittable=False, sleep=waits.append, between=lambda failure: False)
    assert not waits
