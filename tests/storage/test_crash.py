"""A writer that is killed, whenever: what it acknowledged is there, and nothing is there by half."""

from __future__ import annotations

import inspect
import random
import sqlite3
import time
from contextlib import closing

import numpy as np
import pytest
from helpers.stored import OtherProcess, embed, found, local_store, stored, truth, vector_of, writer

pytestmark = pytest.mark.slow

WRITES = """
from storage import snapshot
snapshot.SMALL_TAIL = 0  # so that the snapshot is written as often as can be
c = writer()
for n in range(10_000):
    c.documents.put([document(b"/%d" % (n % 7), *passages(n))])
    print(f"put {n}", flush=True)
    embed(c)
    print(f"embedded {n}", flush=True)
    c.texts.sweep(4e9)
    c.save_snapshot()
"""


def passages(n: int) -> tuple[str, ...]:
    """What the document of round n consists of."""
    return (*(f"{n} {m}" for m in range(n % 5 + 1)), "everywhere")


@pytest.mark.parametrize("seed", range(5))
def test_a_writer_that_is_killed_leaves_all_that_it_acknowledged_and_nothing_by_half(seed: int) -> None:
    dice = random.Random(seed)
    acknowledged = {"put": -1, "embedded": -1}
    with OtherProcess() as other:
        other.begins(inspect.getsource(passages) + WRITES)
        for _ in range(dice.randrange(3, 60)):
            what, _, n = other.hears().partition(" ")
            acknowledged[what] = int(n)
        time.sleep(dice.random() / 100)  # so that it dies anywhere
        other.kill()
    with local_store("default") as reader:
        there: dict[bytes, tuple[str, ...]] = {}
        sql = "SELECT path, text FROM (SELECT path, texts.text, start_char FROM chunks JOIN texts ON texts.id = \
            chunks.text JOIN documents ON documents.id = document) ORDER BY path, start_char"
        for path, text in stored(reader, sql):
            there[path] = (*there.get(path, ()), text)
        rounds = {int(texts[0].split()[0]) for texts in there.values()}
        last = max(rounds)
        assert last >= acknowledged["put"]
        assert rounds == set(range(max(0, last - 6), last + 1))
        assert there == {b"/%d" % (n % 7): passages(n) for n in rounds}
        waiting = {text for _, text in reader.texts.waiting_batch(0, 999)}
        assert waiting <= {text for n in rounds if n > acknowledged["embedded"] for text in passages(n)}
        for text, blob in stored(
            reader, "SELECT texts.text, vector FROM vectors JOIN texts ON texts.id = vectors.text"
        ):
            np.testing.assert_array_equal(np.frombuffer(blob, "<f4"), vector_of(text))
        findable = {path: tuple(text for text in texts if text not in waiting) for path, texts in there.items()}
        assert found(reader, "question", 99) == truth(findable, "question", 99)
    with writer() as again:
        assert set(embed(again)) == waiting
        again.save_snapshot()
        assert found(again, "question", 99) == truth(there, "question", 99)
        assert not list(again.folder.glob("*.tmp"))
        with closing(sqlite3.connect(again.folder / "nearest.db")) as db:
            assert db.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
            assert db.execute("PRAGMA foreign_key_check").fetchall() == []
