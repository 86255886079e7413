"""A killed indexer loses nothing: the short form of `python -m benchmarks.kill`."""

from __future__ import annotations

import pytest

from benchmarks.kill import run

pytestmark = pytest.mark.slow


def test_killed_runs_lose_nothing_and_end_where_an_undisturbed_run_does() -> None:
    findings = run(trials=5, seed=7, longest=3.0)
    assert findings.killed_at_work == 5
    assert findings.failures == 0, findings
