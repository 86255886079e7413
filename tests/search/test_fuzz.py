"""No question breaks a search: the short form of `python -m benchmarks.fuzz`."""

from __future__ import annotations

import pytest

from benchmarks.fuzz import allowed, run, wanted
from storage.types import Question

pytestmark = pytest.mark.slow


def test_fuzzed_questions_raise_nothing_and_find_what_they_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEAREST_HOME", "set by the run")  # so that it is set back
    findings = run(1_000)
    assert not findings.wrong, findings.examples
    assert findings.questions == 1_000
    assert findings.checked > 500


def test_its_checks_see_what_is_wrong() -> None:
    assert wanted(Question("cat tile")) >= wanted(Question("cat tile", ("naïve Straße",))) != set()
    assert wanted(Question("cat dog")) == wanted(Question("")) == wanted(Question("cat", without=("tile",))) == set()
    assert allowed("a cat", Question("cat", ("cat",)))
    assert not allowed("a cat", Question("tile", ("tile",)))
    assert not allowed("a cat", Question("a", without=("cat",)))
    assert not allowed("a cat", Question("a", without=('"a cat"',)))
