"""Ways of chunking in, how much of the marked excerpts comes back out: `python -m benchmarks.chunking`.

All documents of a set are searched together, by vectors alone. Passages are taken in the order of their scores until
4,000 characters have come back, the last one cut to that; what came back already is not paid for again.
recall: characters of the excerpts, blanks aside, that came back; whole: questions all of whose excerpts did entirely;
precision and IoU: over all characters. Means over the questions. On SciFact: nDCG@10 by a document's best passage.
"""

from __future__ import annotations

import itertools
import json
import re
import statistics
from collections import defaultdict
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from benchmarks import results
from benchmarks.metrics import ndcg
from indexer.chunk import chunker as chunking
from indexer.chunk import split as cutting
from indexer.embed.registry import open_embedder
from nearest.settings import from_environment
from search.ranking.adjacency import boosted, merge_adjacent
from storage.types import Document, Heading

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from indexer.embed.protocol import Embedder
    from storage.types import Chunk, Vectors

    Span = tuple[str, int, int]  # document, start, end

DATA = Path(__file__).parents[2] / "shared" / "data"
HIT = 400  # characters of budget for which one hit is asked for: 10 of them, the default, for 4,000
WIKI_HEADING = re.compile(r"^ ((?:= )+)([^=\n]+?)(?: =)+ *$", re.MULTILINE)
SENTENCE_END = re.compile(r"[.!?]\s*$|\n\s*$")


@dataclass(frozen=True)
class Way:
    """A way of chunking and ranking; as it stands, that of nearest."""

    name: str
    characters: int = chunking.MAX_CHARACTERS
    smallest: int = cutting.SMALLEST
    overlap: float = 0.0  # share of a passage that it has of the one before
    sentences: bool = False  # units are whole sentences
    headings: bool = False  # lines such as " = = Title = = " are headings, and stand in front of what is embedded
    lift: bool = True  # by neighbours
    fold: bool = True  # what touches a hit comes with it


WAYS = (
    Way("1,000 characters, at least 1/8", 1000, 8, lift=False, fold=False),
    Way("600, at least 1/8", 600, 8, lift=False, fold=False),
    Way("600, at least 1/4", lift=False, fold=False),
    Way("  + whole sentences", sentences=True, lift=False, fold=False),
    Way("  + overlap of 10 %", overlap=0.1, lift=False, fold=False),
    Way("  + overlap of 20 %", overlap=0.2, lift=False, fold=False),
    Way("  + headings in front", headings=True, lift=False, fold=False),
    Way("600, at least 1/4, lifted by neighbours", fold=False),
    Way("600, at least 1/4, lifted, folded: nearest"),
    Way("  + headings in front", headings=True),
    Way("400, lifted, folded", 400),
    Way("500, lifted, folded", 500),
    Way("800, lifted, folded", 800),
    Way("1,000, at least 1/8, lifted, folded", 1000, 8),
)


class Passages(NamedTuple):
    """The passages of a set in the order of their documents, and the vector of each."""

    spans: list[Span]
    vectors: Vectors


class JudgedQuery(NamedTuple):
    """How well the questions of a set were answered, 0 to 1 each."""

    recall: float
    precision: float
    iou: float
    whole: float


class Lab:
    """Embeds no text twice."""

    def __init__(self, embedder: Embedder) -> None:
        self._embedder = embedder
        self._known: dict[str, Vectors] = {}

    def embed(self, texts: Sequence[str]) -> Vectors:
        """float32 of shape (len(texts), dimension)."""
        new = list(dict.fromkeys(text for text in texts if text not in self._known))
        if new:
            self._known.update(zip(new, self._embedder.embed_documents(new), strict=True))
        return np.stack([self._known[text] for text in texts])

    def passages(self, documents: dict[str, str], way: Way) -> Passages:
        """All documents, cut this way."""
        spans: list[Span] = []
        texts: list[str] = []
        for name, text in documents.items():
            found = _headings(text) if way.headings else ()
            document = Document(b"", "text", b"", None, "", "", text, None, found)
            for passage in self._chunks(document):
                start = max(passage.start_char - int(way.overlap * (passage.end_char - passage.start_char)), 0)
                if way.overlap and not self._fits(passage.lead + text[start : passage.end_char]):
                    start = passage.start_char
                spans.append((name, start, passage.end_char))
                texts.append(passage.lead + text[start : passage.end_char])
        return Passages(spans, self.embed(texts))

    def _chunks(self, document: Document) -> list[Chunk]:
        chunks = chunking.chunk(document)
        tokens = self._count([chunk.embedded for chunk in chunks])
        return chunking.split_to_window(document, chunks, tokens, self._count, self._embedder.max_tokens or 0)

    def _count(self, texts: Sequence[str]) -> list[int]:
        return self._embedder.count_tokens(texts) or []

    def _fits(self, text: str) -> bool:
        return self._count([text])[0] <= (self._embedder.max_tokens or 0)


def _headings(text: str) -> tuple[Heading, ...]:
    return tuple(Heading(it.start(), it[1].count("="), it[2].strip()) for it in WIKI_HEADING.finditer(text))


def set_way(way: Way) -> None:
    """Make the chunker cut this way."""
    chunking.MAX_CHARACTERS, cutting.SMALLEST = way.characters, way.smallest
    cutting._units = _sentences if way.sentences else UNITS


UNITS = cutting._units


def _sentences(part: cutting.Section, size: int) -> list[cutting.Unit]:
    """The units of nearest joined until each ends with a sentence or a line."""
    units: list[cutting.Unit] = []
    for unit in UNITS(part, size):
        if units and unit.end - units[-1].start <= chunking.MAX_CHARACTERS:
            before = part.text[units[-1].start : unit.start]
            if not SENTENCE_END.search(before):
                units[-1] = cutting.Unit(units[-1].start, unit.end)
                continue
        units.append(unit)
    return units


def ranking(scores: Vectors, spans: Sequence[Span], way: Way, hits: int) -> list[int]:
    """Passages in the order in which a search gives them."""
    own = scores.tolist()
    beside = [
        {other for other in (at - 1, at + 1) if 0 <= other < len(own) and spans[other][0] == spans[at][0]}
        for at in range(len(own))
    ]
    if way.lift:
        own = [boosted(score, (own[other] for other in beside[at])) for at, score in enumerate(own)]
    order = [int(at) for at in np.argsort(-np.array(own), kind="stable")[: 4 * hits]]
    if not way.fold:
        return order
    return [at for run in merge_adjacent(order, dict(enumerate(beside)), hits) for at in run]


def judge(
    order: Sequence[int], spans: Sequence[Span], documents: dict[str, str], excerpts: Sequence[Span], budget: int
) -> JudgedQuery:
    """What came back of the excerpts of one question."""
    got: defaultdict[str, set[int]] = defaultdict(set)
    left = budget
    for at in order:
        name, start, end = spans[at]
        fresh = [place for place in range(start, end) if place not in got[name]][:left]
        got[name].update(fresh)
        left -= len(fresh)
        if not left:
            break
    wanted = {(name, at) for name, start, end in excerpts for at in range(start, end)}
    hit = {(name, at) for name, at in wanted if at in got[name]}
    inked = {(name, at) for name, at in wanted if not documents[name][at].isspace()}
    returned = budget - left
    return JudgedQuery(
        recall=len(hit & inked) / len(inked),
        precision=len(hit) / returned,
        iou=len(hit) / (returned + len(wanted) - len(hit)),
        whole=float(inked <= hit),
    )


def excerpts_of(name: str) -> tuple[dict[str, str], dict[str, str], dict[str, list[Span]]]:
    """A set's documents by name, its questions by id, and the excerpts of each."""
    documents = {path.stem: path.read_text(encoding="utf-8") for path in sorted((DATA / name / "documents").iterdir())}
    questions = {row["_id"]: row["text"] for row in _rows(DATA / name / "queries.jsonl")}
    excerpts: defaultdict[str, list[Span]] = defaultdict(list)
    for row in _rows(DATA / name / "spans.jsonl"):
        excerpts[row["query_id"]].append((row["doc_id"], row["start"], row["end"]))
    return documents, {query: questions[query] for query in excerpts}, excerpts


def _rows(file: Path) -> Iterator[dict[str, Any]]:
    return map(json.loads, file.read_text(encoding="utf-8").splitlines())


def run_excerpts(lab: Lab, name: str, ways: Sequence[Way], budgets: Sequence[int]) -> Iterator[dict[str, Any]]:
    """A row for each way and budget."""
    documents, questions, excerpts = excerpts_of(name)
    queries = lab.embed(list(questions.values()))
    for way in ways:
        set_way(way)
        passages = lab.passages(documents, way)
        scores = queries @ passages.vectors.T
        length = statistics.mean(end - start for _, start, end in passages.spans)
        for budget in budgets:
            orders = [ranking(row, passages.spans, way, budget // HIT) for row in scores]
            judged = [
                judge(order, passages.spans, documents, excerpts[query], budget)
                for order, query in zip(orders, questions, strict=True)
            ]
            figures = JudgedQuery(*(statistics.mean(column) for column in zip(*judged, strict=True)))
            yield {
                "set": name,
                "way": way.name,
                "passages": len(passages.spans),
                "characters of each": round(length),
                "characters returned": budget,
                **{key: f"{value:.3f}" for key, value in figures._asdict().items()},
                "nDCG@10": "",
            }


def run_documents(lab: Lab, name: str, ways: Sequence[Way]) -> Iterator[dict[str, Any]]:
    """NDCG@10 for each way, documents ranked by their best passage."""
    corpus = {row["_id"]: f"{row['title']} {row['text']}".strip() for row in _rows(DATA / name / "corpus.jsonl")}
    judged: defaultdict[str, dict[str, int]] = defaultdict(dict)
    for file in sorted((DATA / name / "qrels").glob("*.tsv")):
        for line in file.read_text(encoding="utf-8").splitlines()[1:]:
            query, document, grade = line.split("\t")
            judged[query][document] = int(grade)
    texts = {row["_id"]: row["text"] for row in _rows(DATA / name / "queries.jsonl")}
    queries = lab.embed([texts[query] for query in judged])
    for way in ways:
        set_way(way)
        passages = lab.passages(corpus, way)
        values = []
        for row, query in zip(queries @ passages.vectors.T, judged, strict=True):
            order = ranking(row, passages.spans, way, 100)
            found = list(dict.fromkeys(passages.spans[at][0] for at in order))
            values.append(ndcg(found, judged[query], 10))
        length = statistics.mean(end - start for _, start, end in passages.spans)
        yield {
            "set": name,
            "way": way.name,
            "passages": len(passages.spans),
            "characters of each": round(length),
            "characters returned": "",
            **dict.fromkeys(JudgedQuery._fields, ""),
            "nDCG@10": f"{statistics.mean(values):.4f}",
        }


def main() -> None:
    """Print a row for each set and way."""
    parser = results.parser("chunking", __doc__)
    parser.add_argument("--quick", action="store_true", help="only the way of nearest, on chunking-eval")
    options = parser.parse_args()
    if not DATA.is_dir():
        parser.exit(2, f"there is no labelled data at {DATA}\n")
    lab = Lab(open_embedder("local:all-minilm", from_environment()))
    nearest = tuple(replace(way) for way in WAYS if way == Way(way.name))
    few = [WAYS[0], WAYS[2], *nearest]
    rows = (
        run_excerpts(lab, "chunking-eval", nearest, [4000])
        if options.quick
        else itertools.chain(
            run_excerpts(lab, "chunking-eval", WAYS, [4000]),
            run_excerpts(lab, "qmsum-val", few, [4000, 8000]),
            run_documents(lab, "scifact-train-1k", few),
        )
    )
    results.report("chunking", list(rows), options.save)


if __name__ == "__main__":
    main()
