"""A file of questions in, each question out with what should be found for it, as paths or ids of the collection."""

from __future__ import annotations

import json
import os
from collections import defaultdict
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from storage.errors import NearestError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from storage.store import Store

QUESTION = ("question", "query", "text")  # what the field may be called
EXPECTED = ("path", "chunk", "expected")
MAX_GRADE = 1000  # what computes nDCG takes memory for each grade up to the highest
NAMED = 3  # of what is missing


@dataclass(frozen=True, slots=True)
class JudgedQuery:
    """A question and what should be found for it: documents by their paths, or passages by their ids."""

    text: str
    documents: dict[str, int] = field(default_factory=dict)  # grades by path, absolute
    passages: dict[int, int] = field(default_factory=dict)  # grades by id; where there are some, there are no documents


def read_questions(file: Path, collection: Store) -> tuple[list[JudgedQuery], list[str]]:
    """Read the questions of a file, one JSON object a line, and notes for the user.

    A line has `question` (or `query`, or `text`) and one of `path`, `chunk` (the id of a passage) and `expected`
    (either), each a single one or a list, and may have `grade`, a whole number, 1 without it. Other fields are ignored,
    and several lines may judge one question. A path is looked for in the collection as it stands, from the file's
    folder and from the current one, and else as the end of a document's path.

    Args:
        file: to be read.
        collection: open; what is expected but not in it counts as not found.

    Raises:
        NearestError: the file or a line of it is not like that, or a path could be several documents.
    """
    questions: dict[str, JudgedQuery] = {}
    for number, row in read_jsonl(file):
        try:
            one = _judged(row)
            former = questions.get(one.text, one)
            merged = replace(one, documents=former.documents | one.documents, passages=former.passages | one.passages)
            if merged.documents and merged.passages:
                raise ValueError("a question is judged by paths or by chunks, not by both")
        except ValueError as error:
            raise NearestError(f"line {number} of {file}: {error}") from None
        questions[one.text] = merged
    if not questions:
        raise NearestError(f"{file} has no questions: give one JSON object a line, with question and path")
    return _resolved(questions.values(), file, collection)


def read_jsonl(file: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield the JSON objects of a file, one a line, each with its line's number; blank lines are passed over.

    Raises:
        NearestError: the file cannot be read, or a line is no JSON object.
    """
    try:
        with file.open("rb") as lines:
            for number, line in enumerate(lines, start=1):
                if line.strip():
                    yield number, _object(line.decode("utf-8-sig" if number == 1 else "utf-8"))
    except OSError as error:
        raise NearestError(f"cannot read {file}: {error.strerror}") from error
    except ValueError as error:
        raise NearestError(f"line {number} of {file}: {error}") from error


def _object(line: str) -> dict[str, Any]:
    try:
        value = json.loads(line)
    except json.JSONDecodeError as error:
        raise ValueError(f"no JSON: {error.msg} at column {error.colno}") from error
    except RecursionError as error:
        raise ValueError("nested too deep") from error
    if not isinstance(value, dict):
        raise ValueError("no JSON object")
    return value


def _judged(row: dict[str, Any]) -> JudgedQuery:
    text = _only(row, QUESTION)
    if not isinstance(text, str) or not text.strip():
        raise ValueError("the question is no text, or blank")
    grade = row.get("grade", 1)
    if type(grade) is not int or not 1 <= grade <= MAX_GRADE:
        raise ValueError(f"the grade is no whole number from 1 to {MAX_GRADE}")
    expected = _only(row, EXPECTED)
    items = expected if isinstance(expected, list) else [expected]
    allowed = [str] if "path" in row else [int] if "chunk" in row else [str, int]
    if not items or any(type(item) not in allowed or item == "" for item in items):
        raise ValueError("a path is a text, a chunk a whole number, and there has to be one at least")
    return JudgedQuery(
        text.strip(),
        {item: grade for item in items if isinstance(item, str)},
        {item: grade for item in items if isinstance(item, int)},
    )


def _only(row: dict[str, Any], names: tuple[str, ...]) -> Any:
    """Return the value of the one field that goes by one of these names."""
    here = [name for name in names if name in row]
    if len(here) != 1:
        raise ValueError(f"needs one of {', '.join(names)}, and has {' and '.join(here) or 'none'}")
    return row[here[0]]


def _resolved(questions: Iterable[JudgedQuery], file: Path, collection: Store) -> tuple[list[JudgedQuery], list[str]]:
    """Bring the questions to the paths that the collection has; and tell what of all this is not in it."""
    paths = _Paths(file, collection)
    done = []
    gone: list[str] = []
    unknown: list[str] = []
    for question in questions:
        documents: dict[str, int] = {}
        for name, grade in question.documents.items():
            path = paths.find(name)
            if path is None:
                unknown.append(name)
            documents[path or name] = grade
        gone += [str(id_) for id_ in question.passages if not _is_there(collection, id_)]
        done.append(replace(question, documents=documents))
    notes = [missing("paths are not indexed", unknown), missing("passages are not there (any more)", gone)]
    return done, [note for note in notes if note]


def _is_there(collection: Store, chunk_id: int) -> bool:
    return 0 < chunk_id < 2**63 and collection.passages.by_id(chunk_id) is not None  # more SQLite cannot be asked for


def missing(what: str, names: Iterable[str]) -> str:
    """Word what is expected and cannot be found on a line; "" where there is nothing."""
    known = list(dict.fromkeys(names))
    if not known:
        return ""
    more = f" and {len(known) - NAMED} more" if len(known) > NAMED else ""
    return f"{len(known)} expected {what}, and count as not found: {', '.join(known[:NAMED])}{more}"


class _Paths:
    """Finds the document that a name in a file of questions means."""

    def __init__(self, file: Path, collection: Store) -> None:
        self._folders = (file.absolute().parent, Path.cwd())
        self._all = set(map(os.fsdecode, collection.documents.paths()))
        self._by_name: defaultdict[str, list[str]] = defaultdict(list)
        for path in sorted(self._all):
            self._by_name[Path(path).name].append(path)

    def find(self, name: str) -> str | None:
        """Return the path of a document; None where there is none of that name.

        Raises:
            NearestError: there are several.
        """
        for folder in self._folders:
            path = os.path.normpath(folder / name)
            if path in self._all:
                return path
            if os.path.lexists(path) and (target := os.path.realpath(path)) in self._all:
                return target
        tail = os.sep + os.path.normpath(name)
        same = self._by_name.get(Path(name).name, [])
        ending = [path for path in same if path.endswith(tail)]
        if len(ending) > 1:
            raise NearestError(f"{name} may be {ending[0]} or {ending[1]}: write more of its path")
        return ending[0] if ending else None
