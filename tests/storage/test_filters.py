"""A filter lets through the documents it says, and the nearest among them are found exactly, however few they are."""

from __future__ import annotations

import hashlib
import os
import random
import time
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta, timezone
from typing import TYPE_CHECKING

import numpy as np
import pytest
from helpers.stored import DIMENSION, document, embed, vector_of

from storage.errors import NearestError
from storage.files import Root
from storage.filters.dates import instant, interval
from storage.filters.filters import Allowed, intersected, matching
from storage.local.folder import SNAPSHOT
from storage.types import Chunk, Document, FileStamp, Filter
from storage.vectors.flat import FlatIndex
from storage.vectors.vector_index import VectorIndex

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from storage.local.store import LocalStore
    from storage.types import Field

    Fits = Callable[["File"], bool]

DAY = 86_400 * 10**9
NEW_YEAR = instant(datetime(2024, 1, 1, tzinfo=UTC))


@pytest.fixture
def berlin(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The clock of this machine is one or two hours ahead of UTC."""
    with monkeypatch.context() as patch:
        patch.setenv("TZ", "CET-1CEST,M3.5.0,M10.5.0/3")
        time.tzset()
        yield
    time.tzset()


@dataclass(frozen=True)
class File:
    """A document of a test."""

    path: bytes
    passages: tuple[str, ...] = ()
    kind: str = "markdown"
    mtime_ns: int | None = NEW_YEAR
    says: dict[str, Field] = field(default_factory=dict)


def put(collection: LocalStore, files: Sequence[File], root: bytes = b"/home") -> None:
    collection.documents.remember(Root(root))
    batch: list[tuple[Document, list[Chunk]]] = []
    for file in files:
        stamp = None if file.mtime_ns is None else FileStamp(1, file.mtime_ns, file.mtime_ns)
        plain, chunks = document(file.path, *(file.passages or (repr(file.path),)))
        digest = hashlib.sha256(file.path).digest()
        batch.append(
            (Document(file.path, file.kind, digest, stamp, "utf-8", "", plain.text, metadata=file.says), chunks)
        )
    collection.documents.put(batch)


def passing(collection: LocalStore, only: Filter) -> list[str]:
    """The paths of the documents that are let through, without the root."""
    found = matching(collection.database, only)
    assert found
    paths = {passage.path for _, passage in collection.passages.of_ids(found.chunks.tolist())}
    return sorted(path.removeprefix("/home/") for path in paths)


def saying(collection: LocalStore, *pairs: str) -> list[str]:
    """The documents that say each of these "key=value"."""
    return passing(
        collection, Filter(where=tuple((key, value) for key, _, value in (it.partition("=") for it in pairs)))
    )


def said(collection: LocalStore, **documents: dict[str, Field]) -> None:
    put(collection, [File(f"/home/{name}".encode(), says=says) for name, says in documents.items()])


# ---- what comes back is exact


class Corpus:
    """Documents whose every property is known, in a collection; some are orphans, some came after the snapshot."""

    def __init__(self, collection: LocalStore, chance: random.Random, count: int) -> None:
        self.collection = collection
        self.files = [self.file(chance, number) for number in range(count)]
        gone = [self.file(chance, count + number) for number in range(count // 10)]
        put(collection, [*self.files[: count // 2], *gone])
        embed(collection)
        collection.documents.remove([file.path for file in gone])
        collection.save_snapshot()
        put(collection, self.files[count // 2 :])
        embed(collection)
        rows = collection.database.rows(
            "SELECT path, chunks.id, texts.id, texts.text FROM chunks JOIN texts ON texts.id = chunks.text"
            " JOIN documents ON documents.id = chunks.document"
        )
        self.chunks: dict[bytes, list[int]] = {}
        self.texts: dict[bytes, set[int]] = {}
        for path, chunk, text, _ in rows:
            self.chunks.setdefault(path, []).append(chunk)
            self.texts.setdefault(path, set()).add(text)
        self.vectors = {text: vector_of(words).astype(np.float64) for _, _, text, words in rows}
        embedder = collection.database.value("SELECT id FROM embedders")
        self.neighbours = VectorIndex(collection.database, collection.folder / SNAPSHOT, embedder, DIMENSION)

    def file(self, chance: random.Random, number: int) -> File:
        kind, suffix = chance.choice([("markdown", "md"), ("pdf", "pdf"), ("python", "PY")])
        says: dict[str, Field] = {
            "tags": tuple(chance.sample(["Roof", "roof/tiles", "boiler", "garden"], chance.randint(0, 3))),
            "rating": chance.randint(1, 5),
            "draft": chance.random() < 0.1,
        }
        if chance.random() < 0.5:
            says["date"] = date(2024, 1, 1) + timedelta(days=chance.randrange(366))
        # One passage of each is that of many others.
        passages = (*(f"{number} {at}" for at in range(9)), f"shared {chance.randrange(50)}")
        return File(
            f"/home/{'abc'[number % 3]}/{chance.randrange(10)}/{number}.{suffix}".encode(),
            passages,
            kind,
            NEW_YEAR + chance.randrange(366) * DAY + 5,
            says,
        )

    def exact(self, fits: Fits, query: np.ndarray) -> tuple[list[int], np.ndarray]:
        """Ids of the passages, and the cosines of the ten best texts, by comparing with all of them."""
        files = [file for file in self.files if fits(file)]
        texts = {text for file in files for text in self.texts[file.path]}
        cosines = np.array([float(self.vectors[text] @ query) for text in texts])
        return sorted(chunk for file in files for chunk in self.chunks[file.path]), np.sort(cosines)[::-1][:10]


def when(file: File) -> tuple[int, int]:
    """When a document is of, computed otherwise than by what is tested."""
    day = file.says.get("date")
    if isinstance(day, date):
        start = round(datetime(day.year, day.month, day.day).timestamp()) * 10**9
        following = day + timedelta(days=1)
        return start, round(datetime(following.year, following.month, following.day).timestamp()) * 10**9
    assert file.mtime_ns
    return file.mtime_ns, file.mtime_ns + 1


def tags_of(file: File) -> set[str]:
    found = file.says["tags"]
    assert isinstance(found, tuple)
    return {str(tag).lower() for tag in found}


def random_filter(chance: random.Random, count: int) -> tuple[Filter, Fits]:
    """A filter of one to four parts, and what it means."""
    number, sub, top = chance.randrange(count), chance.randrange(10), chance.choice("abc")
    home, below, named = b"/home/" + top.encode() + b"/", b"%d" % sub, b"/%d." % number
    since = NEW_YEAR + chance.randrange(300) * DAY
    until = since + chance.choice([1, 10, 100]) * DAY
    rating = chance.randint(1, 5)
    parts: list[tuple[dict[str, object], Fits]] = [
        ({"paths": (f"{top}/*/*.md",)}, lambda f: f.path.startswith(home) and f.kind == "markdown"),
        ({"paths": (f"{sub}/", f"{number}.*")}, lambda f: f.path.split(b"/")[3] == below or named in f.path),
        ({"paths": (f"/home/{top}/**",)}, lambda f: f.path.startswith(home)),
        ({"kinds": ("PDF", ".py")}, lambda f: f.kind in ("pdf", "python")),
        ({"since": since}, lambda f: when(f)[1] > since),
        ({"since": since, "until": until}, lambda f: when(f)[1] > since and when(f)[0] < until),
        ({"tags": ("roof",)}, lambda f: bool(tags_of(f) & {"roof", "roof/tiles"})),
        ({"tags": ("#Roof/Tiles", "garden")}, lambda f: tags_of(f) >= {"roof/tiles", "garden"}),
        ({"where": (("Rating", f"{rating}.0"),)}, lambda f: f.says["rating"] == rating),
        (
            {"where": (("draft", "yes"), ("rating", str(rating)))},
            lambda f: f.says["draft"] is True and f.says["rating"] == rating,
        ),
        ({"below": (home + below, b"/home/c")}, lambda f: f.path.startswith((home + below + b"/", b"/home/c/"))),
        ({"below": (home + below,)}, lambda f: f.path.startswith(home + below + b"/")),
    ]
    chosen: dict[str, object] = {}
    conditions = []
    for values, fits in chance.sample(parts, chance.choice([1, 1, 2, 2, 3, 4])):
        if not chosen.keys() & values.keys():
            chosen |= values
            conditions.append(fits)
    return Filter(**chosen), lambda file: all(fits(file) for fits in conditions)  # type: ignore[arg-type]


def test_the_nearest_that_a_filter_lets_through_are_the_exact_ones_for_every_filter(
    collection: LocalStore, berlin: None
) -> None:
    chance = random.Random(20240503)
    corpus = Corpus(collection, chance, 1000)
    assert collection.documents.chunk_count() == 10_000
    numbers = []
    for trial in range(200):
        only, fits = random_filter(chance, 1000)
        query = vector_of(f"question {trial}")
        chunks, cosines = corpus.exact(fits, query.astype(np.float64))
        found = matching(collection.database, only)
        assert found is not None, only
        assert found.chunks.tolist() == chunks, only
        scores, texts = corpus.neighbours.search(query, 10, among=found.texts)
        assert len(set(texts.tolist())) == len(texts) == len(cosines), only
        assert set(texts.tolist()) <= set(found.texts.tolist()), only
        np.testing.assert_allclose([corpus.vectors[text] @ query for text in texts.tolist()], cosines, atol=1e-6)
        np.testing.assert_allclose(scores, cosines, atol=1e-6)
        numbers.append(len(chunks))
    assert sum(number == 0 for number in numbers) > 5
    assert sum(0 < number <= 50 for number in numbers) > 10
    assert sum(number > 5000 for number in numbers) > 5


def rows(count: int, dimension: int = DIMENSION) -> np.ndarray:
    """Unit vectors."""
    found = np.random.default_rng(7).standard_normal((count, dimension)).astype(np.float32)
    return np.asarray(found / np.linalg.norm(found, axis=1, keepdims=True))


def test_ids_of_any_size_unknown_ones_and_none_at_all_may_be_allowed() -> None:
    ids = np.array([2**40, 7, 3, 2**62, 8])
    vectors = FlatIndex(DIMENSION).with_added([(ids, rows(5))])
    query = rows(5)[1]
    order = ids[np.argsort(-(rows(5) @ query))].tolist()
    assert vectors.search(query, 9, among=np.sort(ids))[1].tolist() == order
    some = np.array([1, 3, 9, 2**40, 2**62 - 1, 2**62, 2**62 + 1])
    assert vectors.search(query, 9, among=some)[1].tolist() == [id_ for id_ in order if id_ in {3, 2**40, 2**62}]
    assert vectors.search(query, 9, [2**40, 8], among=some)[1].tolist() == [id_ for id_ in order if id_ in {3, 2**62}]
    for none in (np.empty(0, np.int64), np.array([1, 2, 2**50])):
        scores, found = vectors.search(query, 9, among=none)
        assert (scores.tolist(), found.tolist()) == ([], [])
    assert FlatIndex(DIMENSION).search(query, 9, among=ids)[1].tolist() == []


@pytest.mark.parametrize("there", [1, 7, 8, 9, 63, 64, 65, 1000])
def test_each_vector_can_be_the_only_one_that_is_allowed(there: int) -> None:
    vectors = FlatIndex(DIMENSION).with_added([(np.arange(100, 100 + there), rows(there))])
    again = FlatIndex.from_bytes(b"".join(vectors.to_bytes()), DIMENSION)
    for id_ in {100, 100 + there // 2, 99 + there}:
        assert again.search(rows(1)[0], 10, among=np.array([id_]))[1].tolist() == [id_]


def test_an_orphan_is_not_found_even_where_it_is_allowed(collection: LocalStore) -> None:
    put(collection, [File(b"/home/a", ("one",)), File(b"/home/b", ("two",))])
    embed(collection)
    embedder = collection.database.value("SELECT id FROM embedders")
    neighbours = VectorIndex(collection.database, collection.folder / SNAPSHOT, embedder, DIMENSION)
    both = np.array([1, 2])
    assert sorted(neighbours.search(vector_of("one"), 5, among=both)[1].tolist()) == [1, 2]
    collection.documents.remove([b"/home/a"])
    assert neighbours.search(vector_of("one"), 5, among=both)[1].tolist() == [2]


# ---- all and nothing


def test_an_empty_filter_lets_everything_through(collection: LocalStore) -> None:
    said(collection, a={})
    assert matching(collection.database, Filter()) is None


def test_a_filter_that_nothing_fits_lets_nothing_through(collection: LocalStore) -> None:
    said(collection, a={})
    found = matching(collection.database, Filter(tags=("none",)))
    assert found
    assert (found.chunks.tolist(), found.texts.tolist()) == ([], [])
    assert found.chunks.dtype == found.texts.dtype == np.int64


def test_every_part_of_a_filter_has_to_fit(collection: LocalStore) -> None:
    says: dict[str, Field] = {"tags": ("x",), "n": 1, "date": date(2024, 5, 3)}
    put(
        collection,
        [File(b"/home/d/a.md", says=says), File(b"/home/d/b.md"), File(b"/home/e/c.txt", kind="text", says=says)],
    )
    fits = {"paths": ("*.md",), "kinds": ("markdown",), "since": NEW_YEAR + 1, "tags": ("x",), "where": (("n", "1"),)}
    assert passing(collection, Filter(**fits, below=(b"/home/d",))) == ["d/a.md"]  # type: ignore[arg-type]
    assert passing(collection, Filter(**fits, below=(b"/home/e",))) == []  # type: ignore[arg-type]


def test_a_text_that_others_have_too_is_allowed_with_the_passages_of_those_let_through(collection: LocalStore) -> None:
    put(collection, [File(b"/home/a.md", ("same", "own")), File(b"/home/b.txt", ("same", "same"), "text")])
    found = matching(collection.database, Filter(kinds=("text",)))
    assert found
    assert (found.chunks.tolist(), found.texts.tolist()) == ([3, 4], [1])


# ---- narrowed


def ids(*numbers: int) -> np.ndarray:
    return np.array(numbers, np.int64)


def test_passages_are_narrowed_to_some_and_without_others(collection: LocalStore) -> None:
    put(collection, [File(b"/home/a", ("one", "two", "same")), File(b"/home/b", ("same", "five"))])
    db = collection.database
    everything = Allowed(ids(1, 2, 3, 4, 5), ids(1, 2, 3, 4))

    def result(among: Allowed | None, **sets: np.ndarray) -> tuple[list[int], list[int]]:
        found = intersected(db, among, **sets)
        assert found
        return found.chunks.tolist(), found.texts.tolist()

    assert intersected(db, None) is None
    assert intersected(db, None, never=ids()) is None
    assert intersected(db, everything) is everything
    assert result(None, only=ids()) == ([], [])
    assert result(None, only=ids(2, 4, 99)) == ([2, 4], [2, 3])
    assert result(None, never=ids(3)) == ([1, 2, 4, 5], [1, 2, 3, 4])
    assert result(None, never=ids(3, 4)) == ([1, 2, 5], [1, 2, 4])
    assert result(everything, only=ids(1, 3, 4), never=ids(1, 4)) == ([3], [3])
    assert result(Allowed(ids(1, 5), ids(1, 4)), only=ids(1, 2, 3)) == ([1], [1])
    assert result(Allowed(ids(1, 5), ids(1, 4)), never=ids(1, 5)) == ([], [])


# ---- kinds


def kinds(collection: LocalStore) -> None:
    files = [
        (b"a.md", "markdown"),
        (b"B.MARKDOWN", "markdown"),
        (b"c.tar.GZ", "text"),
        (b"md", "pdf"),
        (b"\xff.PDF", "pdf"),
    ]
    put(collection, [File(b"/home/" + name, kind=kind) for name, kind in files])


@pytest.mark.parametrize(
    ("asked", "there"),
    [
        (("Markdown",), ["B.MARKDOWN", "a.md"]),
        ((".md",), ["a.md"]),
        ((".MD", ".markdown"), ["B.MARKDOWN", "a.md"]),
        ((".gz",), ["c.tar.GZ"]),
        ((".tar.gz", "pdf"), ["c.tar.GZ", "md", "\udcff.PDF"]),
    ],
)
def test_a_type_is_a_kind_or_a_suffix_whatever_its_case(
    collection: LocalStore, asked: tuple[str, ...], there: list[str]
) -> None:
    kinds(collection)
    assert passing(collection, Filter(kinds=asked)) == there


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        (("pdf", "docx"), "no document is of type 'docx'; there are: markdown, pdf, text"),
        (("md",), "no document is of type 'md'; there are: markdown, pdf, text; did you mean '.md'?"),
        ((".docx",), "no document is of type '.docx'; there are: .gz, .markdown, .md, .pdf"),
        ((".pfd",), "no document is of type '.pfd'; there are: .gz, .markdown, .md, .pdf"),
    ],
)
def test_a_type_that_nothing_is_of_is_told_with_those_there_are(
    collection: LocalStore, asked: tuple[str, ...], told: str
) -> None:
    kinds(collection)
    with pytest.raises(NearestError) as caught:
        matching(collection.database, Filter(kinds=asked))
    assert str(caught.value) == told


def test_a_type_is_known_even_where_another_part_of_the_filter_leaves_none_of_it(collection: LocalStore) -> None:
    kinds(collection)
    assert passing(collection, Filter(kinds=("pdf",), below=(b"/home/a.md",))) == []


def test_where_there_is_no_document_no_type_is_wrong(collection: LocalStore) -> None:
    assert passing(collection, Filter(kinds=("pdf",))) == []


# ---- paths


@pytest.mark.parametrize(
    ("globs", "there"),
    [
        (("*.md",), ["a.md", "sub/b.md", "sub/deep/c.md"]),
        (("sub/*.md",), ["sub/b.md"]),
        (("sub",), ["sub/b.md", "sub/d\n.txt", "sub/deep/c.md"]),
        (("deep/",), ["sub/deep/c.md"]),
        (("**/c.*", "a.md"), ["a.md", "sub/deep/c.md"]),
        (("*.md", "!c.md"), ["a.md", "sub/b.md"]),
        (("d?.txt",), ["sub/d\n.txt"]),
        (("b.md/",), []),
        (("/home/sub/*",), ["sub/b.md", "sub/d\n.txt", "sub/deep/c.md"]),
        (("/home/*.md", "*.txt"), ["a.md", "sub/d\n.txt"]),
        (("/sub/*.md",), []),
        (("home/a.md",), []),
        (("A.md",), []),
        (("[[a].md",), ["a.md"]),
    ],
)
def test_globs_match_below_the_root_or_where_they_begin_with_a_slash_the_whole_path(
    collection: LocalStore, globs: tuple[str, ...], there: list[str]
) -> None:
    put(collection, [File(b"/home/" + name) for name in (b"a.md", b"sub/b.md", b"sub/deep/c.md", b"sub/d\n.txt")])
    assert passing(collection, Filter(paths=globs)) == there


def test_a_glob_matches_below_any_root_that_a_document_lies_in(collection: LocalStore) -> None:
    put(collection, [File(b"/home/sub/a.md"), File(b"/home/other/a.md"), File(b"/home/subs/a.md")])
    collection.documents.remember(Root(b"/home/sub"))
    collection.documents.remember(Root(b"/home/other/a.md"))
    assert passing(collection, Filter(paths=("sub/*.md",))) == ["sub/a.md"]
    assert passing(collection, Filter(paths=("!sub/", "a.md/", "sub"))) == ["sub/a.md"]
    collection.documents.forget(b"/home/subs")
    put(collection, [File(b"/x/y.md")], b"/")
    assert passing(collection, Filter(paths=("x/*.md",))) == ["/x/y.md"]


def test_of_a_root_that_is_a_file_the_name_is_matched(collection: LocalStore) -> None:
    put(collection, [File(b"/home/notes.md")], b"/home/notes.md")
    assert passing(collection, Filter(paths=("notes.*",))) == ["notes.md"]
    assert passing(collection, Filter(paths=("home/*",))) == []


@pytest.mark.parametrize("glob", ["", "  ", "# all", "!"])
def test_what_is_no_pattern_is_told(collection: LocalStore, glob: str) -> None:
    said(collection, a={})
    with pytest.raises(
        NearestError, match=r"^paths .* is no pattern; write it as in a \.gitignore: '\*\.md' or 'docs/'$"
    ):
        matching(collection.database, Filter(paths=("*.md", glob)))


# ---- below


def test_below_is_a_file_or_what_lies_in_a_folder(collection: LocalStore) -> None:
    put(collection, [File(b"/home/" + name) for name in (b"a/1", b"a/b/2", b"a.md", b"ab/3", b"\xff/4")])
    assert passing(collection, Filter(below=(b"/home/a",))) == ["a/1", "a/b/2"]
    assert passing(collection, Filter(below=(b"/home/a/", b"/home/a/b", b"/home/a.md"))) == ["a.md", "a/1", "a/b/2"]
    assert passing(collection, Filter(below=(b"/home/\xff",))) == ["\udcff/4"]
    assert len(passing(collection, Filter(below=(b"/",)))) == 5
    many = tuple(b"/home/%d" % n for n in range(2000))
    assert passing(collection, Filter(below=(*many, b"/home/ab"))) == ["ab/3"]


# ---- times


def between(collection: LocalStore, since: str | None, until: str | None = None) -> list[str]:
    """The documents of that time; of `until`, to its end."""
    first, last = interval(since or "2000"), interval(until or "2000")
    assert first
    assert last
    return passing(collection, Filter(since=first[0] if since else None, until=last[1] if until else None))


def test_a_document_is_of_the_date_it_gives_itself_and_else_of_its_file(collection: LocalStore, berlin: None) -> None:
    old = date(2001, 1, 1)
    said(
        collection,
        date={"date": date(2024, 5, 3), "created": old},
        later={"Updated": date(2024, 5, 4), "created": old},
        office={"created": old, "modified": datetime(2024, 5, 5, 10, 30)},
        mail={"created": datetime(2024, 5, 6, 1, tzinfo=timezone(timedelta(hours=9)))},
        text={"date": "2024-05-07T08:00:00Z"},
        month={"date": "2024-06"},
        year={"date": 2025},
        listed={"date": (date(2024, 5, 9), old)},
    )
    assert between(collection, "2024-05-03", "2024-05-03") == ["date"]
    assert between(collection, "2024-05-04", "2024-05-04") == ["later"]
    assert between(collection, "2024-05-05T10:30", "2024-05-05T10:30") == ["office"]
    assert between(collection, "2024-05-05T18:00", "2024-05-05T18:00") == ["mail"]  # by the clock of this machine
    assert between(collection, "2024-05-07T10:00", "2024-05-07T10:00") == ["text"]
    assert between(collection, "2024-06-30", "2024-06-30") == ["month"]
    assert between(collection, "2025-03") == ["year"]
    assert between(collection, "2024-05-09", "2024-05-09") == ["listed"]
    assert between(collection, None, "2010") == []


def test_what_is_no_date_is_passed_over_for_the_next_and_then_for_the_file(collection: LocalStore) -> None:
    said(
        collection,
        file={"date": "last May", "created": True, "sent": date(2001, 1, 1)},
        number={"date": 1714694400, "updated": "2023-01-01"},
        month={"date": "2024-13", "lastmod": date(2023, 1, 1)},
    )
    assert between(collection, "2024-01-01", "2024-01-01") == ["file"]
    assert between(collection, "2023-01-01", "2023-01-01") == ["month", "number"]


def test_a_day_is_let_through_where_any_of_it_is(collection: LocalStore, berlin: None) -> None:
    said(collection, day={"date": date(2024, 5, 3)})
    start = instant(datetime(2024, 5, 2, 22, tzinfo=UTC))  # midnight in summer
    inside = [(start, None), (start + DAY - 1, None), (None, start + 1), (start + DAY // 2, start + DAY // 2 + 1)]
    outside = [(start + DAY, None), (None, start)]
    assert [passing(collection, Filter(since=since, until=until)) for since, until in inside] == [["day"]] * 4
    assert [passing(collection, Filter(since=since, until=until)) for since, until in outside] == [[]] * 2


def test_the_time_of_a_file_is_a_moment_that_since_includes_and_until_does_not(collection: LocalStore) -> None:
    put(collection, [File(b"/home/a", mtime_ns=1000)])
    for since, until, there in [(1000, None, 1), (1001, None, 0), (None, 1000, 0), (None, 1001, 1), (0, 2000, 1)]:
        assert len(passing(collection, Filter(since=since, until=until))) == there


def test_a_file_whose_times_were_not_kept_is_asked_for_them(collection: LocalStore, tmp_path: Path) -> None:
    file = tmp_path / "young.md"
    file.write_text("young")
    os.utime(file, ns=(NEW_YEAR, NEW_YEAR))
    put(collection, [File(os.fsencode(file), mtime_ns=None), File(b"/home/gone", mtime_ns=None)])
    assert passing(collection, Filter(since=NEW_YEAR, until=NEW_YEAR + 1)) == [str(file)]
    just_now = time.time_ns() - 60 * 10**9
    assert passing(collection, Filter(since=just_now, until=just_now + DAY)) == ["gone"]


# ---- tags


@pytest.fixture
def tags(collection: LocalStore) -> LocalStore:
    said(
        collection,
        listed={"tags": ("Roof", "boiler")},
        text={"Tags": "roof, Hot  Water;#house"},
        hashes={"tag": "#roof #attic/left"},
        pdf={"keywords": ("Hot water", "cold")},
        org={"filetags": ("roof", "work")},
        nested={"tags": ("roof/tiles/red", "#Café")},
        number={"tags": (2024, True)},
        other={"category": "roof", "tags": ("roofs", "under roof")},
        both={"tags": ("boiler",), "keywords": ("roof",)},
    )
    return collection


@pytest.mark.parametrize(
    ("asked", "there"),
    [
        (("roof",), ["both", "hashes", "listed", "nested", "org", "text"]),
        (("#ROOF", "boiler"), ["both", "listed"]),
        (("hot water",), ["pdf", "text"]),
        (("house",), ["text"]),
        (("roof/tiles",), ["nested"]),
        (("roof/tiles/",), ["nested"]),
        (("roof/tile",), []),
        (("tiles",), []),
        (("attic",), ["hashes"]),
        (("CAFE\u0301",), ["nested"]),
        (("2024", "true"), ["number"]),
        (("roof", "cold"), []),
    ],
)
def test_a_document_has_the_tags_that_it_gives_itself(
    tags: LocalStore, asked: tuple[str, ...], there: list[str]
) -> None:
    assert passing(tags, Filter(tags=asked)) == there


# ---- what documents say of themselves


@pytest.fixture
def notes(collection: LocalStore) -> LocalStore:
    said(
        collection,
        ann={"Author": "Ann Lee", "pages": 1, "draft": False, "created": date(2024, 5, 3)},
        bob={
            "author": ("Bob", "ANN  LEE"),
            "pages": 1.5,
            "draft": True,
            "created": datetime(2024, 5, 31, 9, 5, tzinfo=UTC),
        },
        text={"pages": "1.0", "draft": "yes", "created": "2024-05-03T09:05", "subject.name": "straße"},
        large={"pages": 2**53 + 1, "author": "", "created": "2024 in short"},
    )
    return collection


@pytest.mark.parametrize(
    ("pairs", "there"),
    [
        (("author=ann lee",), ["ann", "bob"]),
        (("AUTHOR=ann lee", "Author=bob"), ["bob"]),
        (("author=Ann",), []),
        (("author=",), ["large"]),
        (("nobody=Ann",), []),
        (("pages=1",), ["ann"]),
        (("pages=1.0",), ["ann", "text"]),
        (("pages=1.50",), ["bob"]),
        (("pages=9007199254740993",), ["large"]),
        (("pages=9007199254740992",), []),
        (("pages=one",), []),
        (("draft=true",), ["bob"]),
        (("draft=Yes",), ["bob", "text"]),
        (("draft=no",), ["ann"]),
        (("draft=0",), []),
        (("created=2024",), ["ann", "bob", "text"]),
        (("created=2024-05",), ["ann", "bob", "text"]),
        (("created=2024-05-3",), []),
        (("created=2024-05-03",), ["ann", "text"]),
        (("created=2024-05-31 09:05",), ["bob"]),
        (("created=2024-05-03T09",), ["text"]),
        (("created=2024-05-03T0",), []),
        (("created=202",), []),
        (("created=",), []),
        (("created=2024 IN SHORT",), ["large"]),
        (("subject.name=STRASSE",), ["text"]),
    ],
)
def test_values_are_compared_as_what_they_are(notes: LocalStore, pairs: tuple[str, ...], there: list[str]) -> None:
    assert saying(notes, *pairs) == there
