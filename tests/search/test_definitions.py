"""A name brings what has it before what mentions it; what is no name changes nothing."""

from __future__ import annotations

import os

import pytest
from helpers.stored import local_store

from search.ranking.definitions import OF_DOCUMENT, name_of, order_of
from search.ranking.ranker import search
from search.types import Hit
from storage.types import Chunk, Document, Passage, Query, Question


def passage(text: str, path: str = "/src/asyncio/tasks.py", headings: tuple[str, ...] = (), lead: str = "") -> Passage:
    chunk = Chunk(text, 0, len(text), 1, 1, headings, lead=lead)
    return Passage(chunk_id=1, path=path, kind="x", title="Title of it", digest=b"", stamp=None, chunk=chunk)


@pytest.mark.parametrize(
    "text",
    [
        "x = 1\n\ndef gather(*aws):\n    pass", "async def gather(", "class gather:", "  function gather() {",
        "export default async function gather(a)", "gather: int = 3",
        "func (s *Server) gather(a int) {", "pub(crate) async fn gather<T>(", "gather = partial(run)",
        "const gather = () => {", ".. function:: asyncio.gather(*aws)", ".. py:method:: gather", "#define gather(x) x",
        "static int gather(int a, char *b) {", "char *gather(int a) {", "CREATE TABLE gather (", "type gather struct {",
    ],
)  # fmt: skip
def test_what_makes_a_name(text: str) -> None:
    for question in ("gather", "gather()", "asyncio.gather", "`asyncio.gather`", "Gather"):
        name = name_of(question)
        assert name is not None
        assert order_of(name, passage(text)) == 0, question
    elsewhere = name_of("trio.gather")
    assert elsewhere is not None
    assert order_of(elsewhere, passage(text)) == 1


@pytest.mark.parametrize(
    "text",
    [
        "await asyncio.gather(a, b)", "def gather_all():", "the class of gather", "return gather(x)", "    gather=5,",
        "if gather == 3:", "gather == 3", "def ungather():", "import gather", "we gather = here", "defgather",
    ],
)  # fmt: skip
def test_what_uses_it(text: str) -> None:
    name = name_of("gather")
    assert name is not None
    assert order_of(name, passage(text)) is None


@pytest.mark.parametrize(
    ("question", "headings", "lead", "order"),
    [
        ("freezer rules", ("Kitchen", "Freezer  Rules"), "", 0),
        ("Freezer rules?", ("Freezer rules",), "", 0),
        ("run", ("run(main, *, debug)",), "", 0),
        ("freezer rules", ("Freezer rules",), "Kitchen\n", OF_DOCUMENT),
        ("freezer rules", ("Freezer rules", "Soup"), "", None),
        ("title of it", (), "", OF_DOCUMENT),
        ("tasks.py", (), "", OF_DOCUMENT),
        ("tasks", (), "", OF_DOCUMENT),
        ("asyncio", (), "", None),
        ("the rules of the freezer", ("Freezer rules",), "", None),
    ],
)
def test_sections_and_documents_of_that_name(
    question: str, headings: tuple[str, ...], lead: str, order: int | None
) -> None:
    name = name_of(question)
    assert name is not None
    assert order_of(name, passage("some text", headings=headings, lead=lead)) == order


def test_many_words_are_no_name() -> None:
    assert name_of("how long does stored food survive when the electricity fails") is None
    assert name_of(" ?! ") is None


def found(question: str, k: int = 3) -> list[Hit]:
    """What is found by words among documents that use a name and one that makes it."""
    uses = "use gather here, gather there, and gather once more: gather(gather)"
    texts = {
        "/1.py": [uses], "/2.py": [uses + " again"],
        "/3.py": ["an introduction " * 9, "def gather():\n    " + "x = 1\n    " * 30],
        "/gather.txt": ["second thoughts", "of gather and gather, more of gather, gather"],
    }  # fmt: skip
    with local_store("names", write=True) as store:
        store.documents.put(
            (Document(os.fsencode(path), "x", bytes(32), None, "", "T", "\n".join(parts)),
             [Chunk(part, 500 * at, 500 * at + 499, at + 1, at + 1, ()) for at, part in enumerate(parts)])
            for path, parts in texts.items()
        )  # fmt: skip
    with local_store("names") as store:
        return search(store, Query(Question(question), None, "keyword", k))


def test_a_definition_comes_first_and_one_is_sure_of_it() -> None:
    hits = found("gather")
    assert [hit.path for hit in hits][:2] == ["/3.py", "/gather.txt"]
    assert hits[0].is_good_match
    assert [hit.score for hit in hits] == sorted((hit.score for hit in hits), reverse=True)
    assert [hit.path for hit in found("gather", 1)] == ["/3.py"]
    assert found("gather use once")[0].path == "/1.py"
