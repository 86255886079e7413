"""Questions of all kinds of nonsense in, what goes wrong with them out: `python -m benchmarks.fuzz [--count N]`.

They are those of `tests/helpers/fuzzed.py`, asked in keyword and in hybrid mode of a few passages of the same words,
with vectors that stand in for those of a model. Counted are

* exceptions;
* operators injected: the parser loses a word or adds one, or something is required or excluded that does not stand in
  quotes or behind a dash, as the judge of `tests/helpers/fuzzed.py` says;
* passages missed: nothing is excluded, a passage has every word of the question (there is one at least) and every
  phrase just as it stands there, and is not found;
* passages found wrongly: without a phrase that is required (as `storage.filters.phrases.contains_phrase` says), or with
  a word or phrase that is excluded just as it stands there.
"""

from __future__ import annotations

import hashlib
import os
import random
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from benchmarks import results
from nearest.settings import from_environment
from search.query.question import parse_question
from search.ranking.ranker import search
from storage.filters.phrases import contains_phrase
from storage.local.store import LocalStore
from storage.types import Chunk, Document, EmbedderFingerprint, Query

sys.path.append(str(Path(__file__).parents[1] / "tests"))
from helpers.fuzzed import A_WORD, NAMES, WORDS, injected, questions

if TYPE_CHECKING:
    from storage.types import Mode, Question, Vectors

DIMENSION = 8
PASSAGES = 10
MODES: tuple[Mode, ...] = ("keyword", "hybrid")
NAMED = 10  # of what went wrong


@dataclass
class Findings:
    """What was checked, and what went wrong.

    Attributes:
        questions: how many were asked.
        checked: passages that had to be found, one mode counted after the other.
        wrong: how often, by what is wrong; empty where all is well.
        examples: some of it.
        seconds: how long all took.
    """

    questions: int = 0
    checked: int = 0
    wrong: Counter[str] = field(default_factory=Counter)
    examples: list[str] = field(default_factory=list)
    seconds: float = 0.0

    def note(self, what: str, text: str, why: str) -> None:
        """Something went wrong with a question."""
        self.wrong[what] += 1
        if len(self.examples) < NAMED:
            self.examples.append(f"{what}: {text!a}: {why}")


def texts() -> list[str]:
    """The passages: the first has all words, the others some."""
    pick, known = random.Random(1), (*WORDS, *NAMES)
    return [" ".join(known), *(" ".join(pick.sample(known, 6)) for _ in range(PASSAGES - 1))]


def vector(text: str) -> Vectors:
    """The unit vector that stands for a text."""
    seed = int.from_bytes(hashlib.sha256(text.encode(errors="replace")).digest()[:8], "little")
    row = np.random.default_rng(seed).standard_normal(DIMENSION)
    unit: Vectors = (row / np.linalg.norm(row)).astype(np.float32)
    return unit


def fill(collection: LocalStore) -> None:
    """A document for each passage."""
    collection.bind_embedder(EmbedderFingerprint("stand-in:sha256", "1", DIMENSION), vector(""))
    collection.documents.put(
        (
            Document(os.fsencode(f"/fuzzed/{at}"), "text", hashlib.sha256(text.encode()).digest(), None, "", "", text),
            [Chunk(text, 0, len(text), 1, 1, ())],
        )
        for at, text in enumerate(texts())
    )
    waiting = collection.texts.waiting_batch(0, PASSAGES)
    collection.texts.add([id_ for id_, _ in waiting], np.stack([vector(text) for _, text in waiting]))


def wanted(question: Question) -> set[str]:
    """The passages that have to be found, whatever the mode; none where something is excluded."""
    words = {word.casefold() for word in A_WORD.findall(question.text)}
    if question.without or not words:
        return set()
    return {
        text
        for text in texts()
        if words <= {word.casefold() for word in A_WORD.findall(text)}
        and all(_verbatim(phrase, text) for phrase in question.phrases)
    }


def allowed(text: str, question: Question) -> bool:
    """Whether a passage may be found."""
    excluded = (one.strip('"') for one in question.without)
    return all(contains_phrase(text, phrase) for phrase in question.phrases) and not any(
        _verbatim(one, text) for one in excluded
    )


def _verbatim(part: str, text: str) -> bool:
    return f" {part} " in f" {text} "


def ask(collection: LocalStore, text: str, findings: Findings) -> None:
    """One question in both modes."""
    findings.questions += 1
    question = parse_question(text, "hybrid")
    if wrong := injected(text, question):
        findings.note("operator injected", text, "; ".join(wrong))
    must = wanted(question)
    for mode in MODES:
        query = Query(question, None if mode == "keyword" else vector(text), mode, PASSAGES, fold_duplicates=False)
        found = {hit.chunk.text for hit in search(collection, query)}
        findings.checked += len(must)
        if must - found:
            findings.note("passage missed", text, f"{mode}: {(must - found).pop()}")
        if mistaken := [one for one in found if not allowed(one, question)]:
            findings.note("passage found wrongly", text, f"{mode}: {mistaken[0]}")


def run(count: int, seed: int = 1) -> Findings:
    """Ask so many questions in a home of its own."""
    findings, start = Findings(), time.perf_counter()
    with tempfile.TemporaryDirectory() as home:
        os.environ["NEAREST_HOME"] = home
        with LocalStore("fuzzed", from_environment(), write=True) as collection:
            fill(collection)
            for text in islice(questions(seed), count):
                try:
                    ask(collection, text, findings)
                except Exception as error:
                    findings.note("exception", text, f"{type(error).__name__}: {error}")
    findings.seconds = time.perf_counter() - start
    return findings


def main() -> None:
    """Print the counts; exit status 1 where anything is wrong."""
    parser = results.parser("fuzz", __doc__)
    parser.add_argument("--count", type=int, default=100_000, help="how many questions (default 100,000)")
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    findings = run(given.count, given.seed)
    row = {
        "questions": findings.questions,
        "modes": len(MODES),
        "seconds": round(findings.seconds),
        "exceptions": findings.wrong["exception"],
        "operators injected": findings.wrong["operator injected"],
        "passages looked for": findings.checked,
        "passages missed": findings.wrong["passage missed"],
        "passages found wrongly": findings.wrong["passage found wrongly"],
    }
    results.report("fuzz", [row], given.save, findings.examples)
    sys.exit(bool(findings.wrong))


if __name__ == "__main__":
    main()
