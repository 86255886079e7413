"""A folder as BEIR has them in; its rows, and the questions that a split judges, out.

In it are `corpus.jsonl` (_id, title, text), `queries.jsonl` (_id, text) and `qrels/SPLIT.tsv` (query-id, corpus-id and
score, below a line that says so); Thakur et al., NeurIPS 2021.
"""

from __future__ import annotations

import hashlib
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import quote

from search.evaluation.judgements import MAX_GRADE, JudgedQuery, read_jsonl
from storage.errors import NearestError, OptionError

if TYPE_CHECKING:
    from collections.abc import Iterator

    Judgements = dict[str, dict[str, int]]  # grades by id of the row, by id of the question

CORPUS = "corpus.jsonl"
QUERIES = "queries.jsonl"


class Row(NamedTuple):
    """A document, or a question."""

    id: str
    title: str  # may be ""
    text: str  # may be ""


class BeirFolder:
    """Reads such a folder. Everything raises NearestError where it is not what it should be.

    Attributes:
        path: absolute.
    """

    def __init__(self, path: Path) -> None:
        self.path = Path(os.path.abspath(path))  # noqa: PTH100 - links stay what they are called

    def digest(self) -> str:
        """Compute the sha256 of the corpus."""
        file = self.path / CORPUS
        try:
            with file.open("rb") as opened:
                return hashlib.file_digest(opened, "sha256").hexdigest()
        except OSError as error:
            raise NearestError(f"cannot read {file}: {error.strerror}") from error

    def rows(self) -> Iterator[Row]:
        """Yield the rows of the corpus, one at a time, since there may be millions."""
        return _rows(self.path / CORPUS)

    def path_of(self, id_: str) -> bytes:
        """Return the made-up path of a row; the id is escaped, so that it stays a single name whatever is in it."""
        return os.fsencode(self.path / "corpus" / quote(id_.encode(errors="replace"), safe="").replace(".", "%2E"))

    def questions(self, split: str) -> list[JudgedQuery]:
        """Read the questions that are judged in a split, their judgements by `path_of`."""
        judged = self._judgements(split)
        file = self.path / QUERIES
        texts = {row.id: row.text for row in _rows(file) if row.id in judged}
        for id_ in judged:
            if not texts.get(id_, "").strip():
                raise NearestError(f"{file} has no text of the question {id_!r}, which the split {split!r} judges")
        return [
            JudgedQuery(texts[id_], {os.fsdecode(self.path_of(row)): grade for row, grade in grades.items()})
            for id_, grades in judged.items()
        ]

    def _judgements(self, split: str) -> Judgements:
        there = sorted(path.stem for path in self.path.glob("qrels/*.tsv"))
        if not there:
            raise NearestError(f"{self.path} is no BEIR folder: it needs {CORPUS}, {QUERIES} and qrels/test.tsv")
        if split not in there:
            raise OptionError(
                "{} has no split {!r}: choose another with {split}: {}", self.path, split, ", ".join(there)
            )
        file = self.path / "qrels" / f"{split}.tsv"
        judged: Judgements = {}
        try:
            with file.open(encoding="utf-8-sig") as lines:
                for number, line in enumerate(lines, start=1):
                    if number > 1 and line.strip():
                        query, row, grade = _judgement(line, f"line {number} of {file}")
                        judged.setdefault(query, {})[row] = grade
        except (OSError, UnicodeDecodeError) as error:
            raise NearestError(f"cannot read {file}: {error}") from error
        if not judged:
            raise NearestError(f"{file} judges nothing: below its first line it needs query-id, corpus-id and score")
        return judged


def _judgement(line: str, where: str) -> tuple[str, str, int]:
    fields = [field.strip() for field in line.split("\t")]
    if len(fields) != 3 or not re.fullmatch(r"-?\d{1,9}", fields[2]) or int(fields[2]) > MAX_GRADE:
        raise NearestError(f"{where}: needs query-id, corpus-id and a whole number up to {MAX_GRADE}, parted by tabs")
    return fields[0], fields[1], int(fields[2])


def _rows(file: Path) -> Iterator[Row]:
    for number, row in read_jsonl(file):
        id_, title, text = row.get("_id"), row.get("title") or "", row.get("text") or ""
        if not (isinstance(id_, str) and id_ and isinstance(title, str) and isinstance(text, str)):
            raise NearestError(f"line {number} of {file}: needs _id and text, and may have a title, all of them texts")
        yield Row(id_, title, text)
