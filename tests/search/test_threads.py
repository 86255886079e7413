"""One opened collection serves any number of threads, while another process or thread writes."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from helpers.stored import ROOT, document, embed, local_store, vector_of, writer

from search.ranking.ranker import search
from storage.local.store import LocalStore
from storage.types import Filter, Query, Question

if TYPE_CHECKING:
    from storage.types import Mode

THREADS, ROUNDS = 8, 30
QUESTIONS = ("apple pear", "stone", '"plum cherry"', "note -apple", "number 17", "nothing of it at all")
MODES: tuple[Mode, ...] = ("hybrid", "vector", "keyword")


def answers(store: LocalStore, question: str, mode: Mode) -> list[tuple[int, str, float, float]]:
    """What a question finds, with all that is computed for it."""
    phrases = (question.strip('"'),) if question.startswith('"') else ()
    asked = Question(question.strip('"').partition(" -")[0], phrases, ("apple",) if "-apple" in question else ())
    query = Query(asked, None if mode == "keyword" else vector_of(question), mode, 5, 1, Filter(kinds=("text",)))
    return [(hit.chunk_id, hit.chunk.text, hit.score, hit.confidence) for hit in search(store, query)]


def put(store: LocalStore, numbers: range) -> None:
    """Documents of several passages, in one commit."""
    words = ["apple", "pear", "plum", "cherry", "stone", "wall", "roof", "note"]
    store.documents.put(
        document(
            b"/%d" % number,
            *(f"{words[number % 8]} {words[(number + at) % 8]} number {number} {at}" for at in range(3)),
        )
        for number in numbers
    )


@pytest.fixture
def filled() -> None:
    """A collection of forty documents."""
    with writer() as store:
        put(store, range(40))
        embed(store)
        store.save_snapshot()


def test_threads_find_what_one_finds(filled: None) -> None:
    asked = [(question, mode) for question in QUESTIONS for mode in MODES] * ROUNDS
    with local_store("default") as store:
        alone = {one: answers(store, *one) for one in set(asked)}
    assert sum(map(bool, alone.values())) >= 12
    with local_store("default") as store, ThreadPoolExecutor(THREADS) as threads:
        found = list(threads.map(lambda one: answers(store, *one), asked))
    assert [alone[one] for one in asked] == found


def test_threads_find_what_was_so_after_one_of_the_commits_while_a_writer_writes(filled: None) -> None:
    asked = [(question, mode) for question in QUESTIONS for mode in MODES]
    moments: dict[tuple[str, Mode], list[object]] = {one: [] for one in asked}
    done = threading.Event()

    def note() -> None:
        with local_store("default") as alone:
            for one in asked:
                moments[one].append(answers(alone, *one))

    def read(store: LocalStore, number: int) -> list[tuple[tuple[str, Mode], object]]:
        found: list[tuple[tuple[str, Mode], object]] = []
        while not (done.is_set() and len(found) > 2 * len(asked)):
            one = asked[(len(found) + number) % len(asked)]
            found.append((one, answers(store, *one)))
        return found

    note()
    with local_store("default") as store, ThreadPoolExecutor(THREADS) as threads:
        reading = [threads.submit(read, store, number) for number in range(THREADS)]
        try:
            with local_store("default", write=True) as writing:
                for at in range(5):  # each step is one commit, and is noted before the next
                    put(writing, range(40 + 5 * at, 45 + 5 * at))
                    note()
                    embed(writing)
                    note()
                    writing.documents.remove([b"/%d" % at, b"/%d" % (at + 40)])
                    note()
                writing.save_snapshot()
        finally:
            done.set()
        for future in reading:
            for one, found in future.result():
                assert found in moments[one], one
        assert [answers(store, *one) for one in asked] == [moments[one][-1] for one in asked]


def test_threads_that_write_to_one_store_take_turns(nearest_home: Path) -> None:
    with writer() as store, ThreadPoolExecutor(THREADS) as threads:
        list(threads.map(lambda number: put(store, range(5 * number, 5 * number + 5)), range(THREADS)))
        assert store.documents.count() == 5 * THREADS
        embed(store)
        assert answers(store, "number 17", "keyword")[0][1].startswith("pear")


CHILD = """
import os, sys
from helpers.stored import *
from search.ranking.ranker import search
from storage.errors import NearestError
from concurrent.futures import ThreadPoolExecutor

def ask(store):
    return [hit.chunk_id for hit in search(store, Query(Question("apple"), vector_of("apple"), "hybrid", 5))]

store = local_store("default")
with ThreadPoolExecutor(4) as threads:
    before = list(threads.map(lambda _: ask(store), range(40)))[0]
child = os.fork()
if not child:
    try:
        ask(store)
    except NearestError as error:
        print(error, flush=True)
    with local_store("default") as own:
        print(ask(own) == before, flush=True)
    os._exit(0)
os.waitpid(child, 0)
print(ask(store) == before)
"""


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
def test_a_forked_child_is_told_to_open_the_collection_itself_and_can(filled: None) -> None:
    paths = os.pathsep.join([str(ROOT), str(ROOT / "tests")])
    ran = subprocess.run(
        [sys.executable, "-c", CHILD],
        env={**os.environ, "PYTHONPATH": paths},
        capture_output=True,
        text=True,
        timeout=120,
    )
    told, *same = ran.stdout.splitlines()
    assert told.endswith("was opened before this process was forked from another: open the collection in here"), (
        ran.stderr
    )
    assert same == ["True", "True"]
