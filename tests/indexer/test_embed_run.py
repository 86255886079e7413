"""Every waiting text gets its vector, whatever happens to the texts beside it; what happens is kept, or taken back."""

from __future__ import annotations

import os
import threading
import time
from _thread import interrupt_main
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pytest
from helpers.command import wait_until
from helpers.desk import Desk, Words
from helpers.stored import local_store, nearest_hits, stored

from indexer.embed.protocol import TokenEmbedder
from indexer.embed.run import embed
from indexer.read import reader as reading
from storage.errors import EmbedderError, EmbedderMismatchError, RefusedError, TooLongError, UnreachableError
from storage.sqlite.documents import Documents
from storage.sqlite.texts import Texts

if TYPE_CHECKING:
    from storage.types import Passage, Vectors

FORTY = [f"note-{number:02}.md" for number in range(40)]


def poisoned(*words: str, error: type[RefusedError] = RefusedError) -> Words:
    """An embedder that refuses every batch with one of these words in it."""

    def refuse(texts: list[str]) -> None:
        for word in words:
            if any(word in text for text in texts):
                raise error(f"it does not like {word!r}")

    return Words(trouble=refuse)


def failing_at(call: int, error: BaseException) -> Words:
    """An embedder that fails with its n-th batch, and with all that come later."""
    embedder = Words()

    def fail(texts: list[str]) -> None:
        if len(embedder.asked) >= call:
            raise error

    embedder.trouble = fail
    return embedder


def text_of(name: str) -> str:
    """What `Desk.write` writes to a file of this name."""
    return f"All about {name.replace('-', ' ').replace('.', ' ')}."


def passages(desk: Desk, question: str) -> list[Passage]:
    """All passages that can be found: every hit, with those that stand beside it."""
    return [one for hit in desk.search(question, 999) for one in (*hit.before, hit, *hit.after)]


# ---- batches


def test_batches_hold_no_more_than_the_embedder_likes_and_texts_of_like_length(desk: Desk) -> None:
    desk.write(FORTY)
    for number, name in enumerate(["long-1.md", "long-2.md"]):
        (desk.root / name).write_text(f"{number} " + "word " * 110)
    desk.index()
    assert [len(batch) for batch in desk.embedder.asked] == [16, 16, 10]
    assert all(len(text) > 500 for text in desk.embedder.asked[0][:2])
    lengths = [len(text) for batch in desk.embedder.asked for text in batch]
    assert lengths == sorted(lengths, reverse=True)


def test_batches_hold_no_more_bytes_than_the_embedder_likes(desk: Desk) -> None:
    desk.embedder = Words(batch_bytes=100)
    for number in range(9):
        (desk.root / f"{number}.md").write_text(f"{number} " + "ü" * 15)  # 32 bytes
    (desk.root / "long.md").write_text("ö" * 90)
    desk.index()
    assert [len(batch) for batch in desk.embedder.asked] == [1, 3, 3, 3]


# ---- several batches at a time


@dataclass
class Tokens(Words):
    """The same as a `TokenEmbedder`: a text's tokens are its characters, and a batch holds at most 400 of them."""

    requests: int = 2
    counted: int = 0  # texts that were made tokens of

    def tokens(self, texts: Sequence[str], truncate: bool = False) -> list[list[int]]:
        self.counted += len(texts)
        return [[ord(letter) for letter in text] for text in texts]

    def batches(self, tokens: Sequence[Sequence[int]]) -> Iterator[list[int]]:
        rows = sorted(range(len(tokens)), key=lambda row: -len(tokens[row]))
        while rows:
            most = max(1, 400 // len(tokens[rows[0]]))
            yield rows[:most]
            rows = rows[most:]

    def embed_tokens(self, tokens: Sequence[Sequence[int]]) -> Vectors:
        return self.embed_documents(["".join(map(chr, letters)) for letters in tokens])


def test_batches_of_tokens_are_embedded_side_by_side_and_each_text_is_tokenised_once(desk: Desk) -> None:
    both = threading.Barrier(2)
    desk.embedder = embedder = Tokens(trouble=lambda texts: void(both.wait(10)))
    assert isinstance(embedder, TokenEmbedder)
    assert not isinstance(Words(), TokenEmbedder)
    desk.write(FORTY)  # of 21 characters, so that 19 go into a batch
    (desk.root / "long.md").write_text("word " * 70)
    assert desk.index() == {"added": 41}
    assert sorted(len(batch) for batch in embedder.asked) == [1, 2, 19, 19]
    assert embedder.counted == len(embedder.embedded) == desk.status().vectors == 41
    for name in FORTY:
        (hit,) = desk.search(text_of(name), 1)
        assert (hit.path, round(hit.score, 4)) == (str(desk.root / name), 1.0)


@pytest.mark.parametrize("error", [RefusedError, TooLongError])
def test_what_is_refused_beside_other_batches_is_singled_out(desk: Desk, error: type[RefusedError]) -> None:
    def refuse(texts: list[str]) -> None:
        if any("note 07 md" in text or "note 23 md" in text for text in texts):
            raise error("it does not like that")

    desk.embedder = Tokens(trouble=refuse)
    desk.write(FORTY)
    desk.index()
    whole = {text_of(name) for name in FORTY} - {text_of("note-07.md"), text_of("note-23.md")}
    made = desk.embedder.embedded
    assert len(made) == len(set(made)) == desk.status().vectors
    if error is RefusedError:
        assert set(made) == whole
        assert desk.status().pending == 2
    else:  # cut in pieces
        assert set(made) > whole
        assert desk.status().pending == 0


def test_no_more_texts_are_read_ahead_than_two_windows_hold(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("indexer.embed.run.WINDOW", 20)
    ahead: list[int] = []
    embedder = Tokens()
    embedder.trouble = lambda texts: ahead.append(embedder.counted - len(embedder.embedded))
    desk.embedder = embedder
    desk.write(f"{number:03}.md" for number in range(200))
    desk.index()
    assert len(set(embedder.embedded)) == embedder.counted == 200
    assert max(ahead) <= 40


def test_vectors_are_kept_by_the_thread_that_asked_for_them(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    keeping: set[int] = set()
    embedding: set[int] = set()
    add = Texts.add

    def noting(self: Texts, ids: Sequence[int], vectors: Vectors) -> None:
        keeping.add(threading.get_ident())
        add(self, ids, vectors)

    monkeypatch.setattr(Texts, "add", noting)
    desk.embedder = Tokens(trouble=lambda texts: embedding.add(threading.get_ident()))
    desk.write(FORTY)
    desk.index()
    assert keeping == {threading.get_ident()}
    assert threading.get_ident() not in embedding


def test_ctrl_c_does_not_wait_for_an_embedder_that_is_silent(desk: Desk) -> None:
    silent = threading.Event()
    desk.embedder = Words()

    def wait(texts: list[str]) -> None:
        if len(desk.embedder.asked) == 3:
            wait_until(lambda: desk.status().vectors == 32)  # the batches before are kept, beside this one
            interrupt_main()
            silent.wait(60)

    desk.embedder.trouble = wait
    desk.write(FORTY)
    start = time.monotonic()
    try:
        with pytest.raises(KeyboardInterrupt):
            desk.index()
        assert time.monotonic() - start < 30
        assert (desk.report.embedded, desk.status().vectors) == (32, 32)
    finally:
        silent.set()


def void(_: object) -> None:
    """Nothing of it."""


# ---- what is refused


@pytest.mark.parametrize("bad", [["note-07"], ["note-00", "note-39"], ["note-07", "note-08", "note-09", "note-23"]])
def test_refused_texts_are_singled_out_and_all_others_embedded(desk: Desk, bad: list[str]) -> None:
    words = [name.replace("-", " ") for name in bad]
    desk.embedder = poisoned(*words)
    desk.write(FORTY)
    assert desk.index() == {"added": 40}
    assert (desk.report.embedded, desk.report.pending) == (40 - len(bad), len(bad))
    assert len(desk.embedder.embedded) == len(set(desk.embedder.embedded)) == 40 - len(bad)  # each once
    assert len(desk.embedder.asked) <= 3 + 2 * 5 * len(bad)  # halves, and not one by one
    found = set(desk.found("all about note", 99))
    assert found == set(FORTY) - {f"{name}.md" for name in bad}


def test_a_refused_text_stays_pending_with_its_place_and_reason(desk: Desk) -> None:
    desk.embedder = poisoned("note 07")
    desk.write(FORTY)
    desk.index()
    status = desk.status()
    assert (status.documents, status.chunks, status.vectors, status.pending) == (40, 40, 39, 1)
    assert status.refused == [(os.fsencode(desk.root / "note-07.md"), 1, "it does not like 'note 07'")]
    assert status.searchable == pytest.approx(39 / 40)


def test_a_refused_text_is_tried_again_in_the_next_run_alone(desk: Desk) -> None:
    desk.embedder = poisoned("note 07", "note 23")
    desk.write(FORTY)
    desk.index()
    desk.embedder = poisoned("note 23")
    assert desk.index() == {"unchanged": 40}
    assert desk.embedder.embedded == [text_of("note-07.md")]
    assert (desk.report.embedded, desk.report.reused, desk.report.pending) == (1, 38, 1)
    assert [reason for _, _, reason in desk.status().refused] == ["it does not like 'note 23'"]
    desk.embedder = Words()
    desk.index()
    assert (desk.status().pending, desk.status().refused, desk.status().searchable) == (0, [], 1.0)
    assert desk.found("all about note 23", 1) == ["note-23.md"]


def test_a_refused_text_is_asked_for_once_in_a_run_even_where_others_are_cut(desk: Desk) -> None:
    def refuse(texts: list[str]) -> None:
        if any(len(text) > 40 for text in texts):
            raise TooLongError("too long")
        if any("poison" in text for text in texts):
            raise RefusedError("poison")

    desk.embedder = Words(counts=False, trouble=refuse)
    desk.write(["poison.md"])
    desk.write(["long.md"], "One sentence here. Another sentence there. And a third one in the end.")
    desk.index()
    assert desk.embedder.asked.count([text_of("poison.md")]) == 1
    assert desk.status().pending == 1


# ---- what is too long


def too_long(limit: int) -> Words:
    """An embedder that cannot count, and says only when asked that a text is too long."""

    def refuse(texts: list[str]) -> None:
        if any(len(text) > limit for text in texts):
            raise TooLongError("the input length exceeds the context length")

    return Words(counts=False, trouble=refuse)


@pytest.mark.parametrize("limit", [5, 40, 300])
def test_a_text_that_is_too_long_is_cut_and_all_of_it_is_found(desk: Desk, limit: int) -> None:
    lines = [f"line{number} holds the words of number {number}." for number in range(1, 21)]
    desk.embedder = too_long(limit)
    desk.write(FORTY[:5], "ok")
    (desk.root / "long.txt").write_text("\n".join(lines))
    assert desk.index() == {"added": 6}
    found = [passage for passage in passages(desk, "line7") if passage.path.endswith("long.txt")]
    found.sort(key=lambda passage: passage.chunk.start_char)
    assert all(len(passage.chunk.text) <= limit for passage in found)
    text = "\n".join(lines)
    assert "".join("".join(passage.chunk.text for passage in found).split()) == "".join(text.split())
    for chunk in (passage.chunk for passage in found):
        assert text[chunk.start_char : chunk.end_char] == chunk.text
        assert chunk.start_line == text.count("\n", 0, chunk.start_char) + 1
        assert chunk.end_line == text.count("\n", 0, chunk.end_char - 1) + 1
    status = desk.status()
    assert (status.pending, status.searchable, status.vectors) == (0, 1.0, len({one.chunk.text for one in found}) + 1)
    assert (desk.report.pending, desk.report.chunks) == (0, len(found) + 5)


def test_what_was_cut_stays_cut_and_is_not_sent_again(desk: Desk) -> None:
    desk.embedder = too_long(50)
    desk.write(["a.md", "b.md"], "Some words to cut in parts. " * 10)  # the same text twice
    desk.index()
    found = passages(desk, "words to cut")
    starts = {passage.chunk.start_char for passage in found}
    assert len(starts) > 5
    assert len(found) == 2 * len(starts) == desk.report.chunks
    assert desk.index() == {"unchanged": 2}
    assert desk.embedder.asked == []


def test_a_single_letter_that_is_too_long_is_refused_and_does_not_go_on_for_ever(desk: Desk) -> None:
    desk.embedder = too_long(0)
    desk.write(["a.md"], "ab")
    desk.index()
    assert desk.status().pending == 2
    assert {reason for _, _, reason in desk.status().refused} == {"the input length exceeds the context length"}


# ---- what ends a run


@pytest.mark.parametrize("error", [EmbedderError("no"), UnreachableError("gone"), KeyboardInterrupt(), MemoryError()])
def test_what_was_embedded_before_the_end_is_kept_and_the_next_run_embeds_only_the_rest(
    desk: Desk, error: BaseException
) -> None:
    desk.write(FORTY)
    desk.embedder = failing_at(3, error)
    with pytest.raises(type(error)):
        desk.index()
    done = list(desk.embedder.embedded)
    assert len(done) == 32
    assert (desk.report.documents.added, desk.report.embedded, desk.report.pending) == (40, 32, 8)
    status = desk.status()
    assert (status.documents, status.chunks, status.vectors, status.pending) == (40, 40, 32, 8)
    assert len(desk.found("all about note", 99)) == 32
    desk.embedder = Words()
    assert desk.index() == {"unchanged": 40}
    assert sorted(done + desk.embedder.embedded) == sorted(text_of(name) for name in FORTY)
    assert (desk.report.embedded, desk.report.reused, desk.report.pending) == (8, 32, 0)


def test_nothing_is_begun_after_what_ends_the_run(desk: Desk) -> None:
    desk.write(FORTY)
    desk.embedder = failing_at(1, EmbedderError("no"))
    with pytest.raises(EmbedderError):
        desk.index()
    time.sleep(0.1)  # two more batches were waiting
    assert len(desk.embedder.asked) == 1


def test_an_interrupt_while_files_are_read_keeps_what_was_read(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    names = [f"{number:03}.md" for number in range(200)]
    desk.write(names)
    read = reading.read_plain

    def interrupted(path: bytes) -> object:
        if path.endswith(b"150.md"):
            raise KeyboardInterrupt
        return read(path)

    with monkeypatch.context() as patch:
        patch.setattr(reading, "read_plain", interrupted)
        with pytest.raises(KeyboardInterrupt):
            desk.index()
    assert desk.documents() == names[:128]  # two batches
    assert desk.index() == {"added": 72, "unchanged": 128}
    assert len(desk.embedder.embedded) == 200
    with local_store("default") as collection:
        assert [root.path for root in collection.documents.roots()] == [os.fsencode(desk.root)]


def test_an_interrupt_amid_a_transaction_leaves_all_of_it_or_nothing(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.write(FORTY)
    put, calls = Documents._put, [0]

    def interrupted(self: Documents, *given: object) -> None:
        calls[0] += 1
        if calls[0] == 20:
            raise KeyboardInterrupt
        put(self, *given)  # type: ignore[arg-type]

    with monkeypatch.context() as patch:
        patch.setattr(Documents, "_put", interrupted)
        with pytest.raises(KeyboardInterrupt):
            desk.index()
    assert desk.documents() == []
    assert desk.index() == {"added": 40}
    assert desk.status().vectors == 40


def replaced() -> Words:
    """An embedder whose weights are exchanged after its first batch, which it tells when asked for the second time."""
    embedder = Words()

    def tell() -> None:
        if len(embedder.asked) > 1:
            raise EmbedderMismatchError("the weights changed during the run")

    embedder.doubt = tell
    embedder.change = lambda rows: rows[:, ::-1] if len(embedder.asked) > 1 else rows
    return embedder


def test_vectors_made_since_the_weights_were_last_checked_are_withdrawn(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("indexer.embed.run.WINDOW", 16)
    desk.write(FORTY)
    desk.embedder = replaced()
    with pytest.raises(EmbedderMismatchError, match="changed during the run"):
        desk.index()
    assert len(desk.embedder.embedded) == 32
    kept = desk.status()
    assert (kept.vectors, kept.pending) == (16, 24)  # the first window was checked, the second was not
    assert len(desk.found("all about note", 99)) == 16
    desk.embedder = Words()
    desk.index()
    assert len(desk.embedder.embedded) == 24
    for name in FORTY:
        (hit,) = desk.search(text_of(name), 1)
        assert (hit.path, round(hit.score, 4)) == (str(desk.root / name), 1.0)


def test_withdrawn_vectors_are_gone_for_a_reader_that_had_seen_them(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.write(FORTY)
    seen: list[int] = []

    def look(texts: list[str]) -> None:
        there = 1 + 16 * (len(desk.embedder.asked) - 1)
        wait_until(lambda: found() >= there)  # the batch before is kept beside this one
        seen.append(found())
        if len(desk.embedder.asked) == 3:
            raise EmbedderMismatchError("the weights changed during the run")

    desk.index("note-00.md")
    with local_store("default") as reader:

        def found() -> int:
            return len(nearest_hits(reader, desk.embedder.embed_query("note"), 99))

        desk.embedder.trouble = look
        with pytest.raises(EmbedderMismatchError):
            desk.index()
        assert seen == [1, 17, 33]
        assert len(nearest_hits(reader, desk.embedder.embed_query("note"), 99)) == 1


@pytest.mark.parametrize(
    "other",
    [Words(digest="2"), Words(dimension=32), Words(document_prefix="passage: ")],
    ids=["digest", "dim", "prefix"],
)
def test_what_is_not_what_made_the_collection_embeds_nothing_into_it(desk: Desk, other: Words) -> None:
    desk.write(FORTY)
    desk.index()
    desk.write(["new.md"])
    desk.embedder = other
    with pytest.raises(EmbedderMismatchError, match="has other weights, prefixes or dimensions"):
        desk.index()
    assert desk.embedder.asked == []
    assert (desk.status().vectors, desk.status().pending) == (40, 1)
    desk.embedder = Words(name="test:other")
    with pytest.raises(EmbedderMismatchError, match="was made with test:words, not test:other"):
        desk.index()


def test_an_embedder_that_no_longer_embeds_as_it_did_is_noticed_by_its_probe(desk: Desk) -> None:
    desk.write(FORTY)
    desk.index()
    desk.write(["new.md"])
    desk.embedder = Words(change=lambda rows: rows[:, ::-1])
    with pytest.raises(EmbedderMismatchError, match="no longer embeds as it did"):
        desk.index()
    assert desk.status().vectors == 40


@pytest.mark.parametrize("row", [np.nan, np.inf, 0.0, 1.0])
def test_what_is_no_unit_vector_is_never_kept(desk: Desk, row: float) -> None:

    def broken(rows: Vectors) -> Vectors:
        rows[-1] = row
        return rows

    desk.write(FORTY)
    desk.index("note-00.md")
    desk.embedder = Words(change=lambda rows: broken(rows) if len(rows) > 1 else rows)
    with pytest.raises(EmbedderError, match="test:words gives what is no vector"):
        desk.index()
    assert (desk.status().vectors, desk.status().pending) == (1, 39)


def test_each_batch_is_told_as_it_is_kept(desk: Desk) -> None:
    desk.embedder = poisoned("note 07")
    desk.write(FORTY)
    desk.index()
    done: list[tuple[int, int]] = []
    with local_store("default", write=True) as collection:
        collection.texts.discard([id_ for (id_,) in stored(collection, "SELECT text FROM vectors ORDER BY id")][:20])
        embed(collection, desk.embedder, lambda settled, embedded, _: done.append((settled, embedded)))
    assert sorted(done) in ([(5, 4), (16, 16)], [(5, 5), (16, 15)])


def test_texts_nobody_points_to_are_not_embedded(desk: Desk) -> None:
    desk.write(FORTY)
    desk.embedder = failing_at(1, EmbedderError("no"))
    with pytest.raises(EmbedderError):
        desk.index()
    for name in FORTY[:8]:
        (desk.root / name).unlink()
    desk.embedder = Words()
    desk.index()
    assert sorted(desk.embedder.embedded) == [text_of(name) for name in FORTY[8:]]
