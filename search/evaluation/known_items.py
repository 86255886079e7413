"""A collection in, questions out that one of its passages is known to answer, made from its own words.

No language model is needed for these known items (Azzopardi, de Rijke and Balog, "Building Simulated Queries for
Known-Item Topics", SIGIR 2007), of three kinds in about equal numbers, as far as there are enough of each:

    heading     the innermost heading of a passage, where it stands in the collection once
    sentence    the sentence of a passage whose words are the rarest
    paraphrase  such a sentence without the words that give it away: the two or three rarest are dropped
"""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from search.judgements import Judged
from search.question import QUOTES
from storage.errors import NearestError
from storage.terms import DENSE_START, RUN, WORD, term_id, terms

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from storage.collection import Collection
    from storage.types import Passage

FEWEST = 50  # questions; of fewer, half are too few to tell anything
BATCH = 256  # passages that are read at a time
LOOKED_AT = 20  # passages for each question that is asked for, at most
SHORTEST = 3  # units
SHORTEST_HEADING = 2
LONGEST = 30  # units; what is longer is no sentence, but a table or a listing
COMMON = 50  # passages that have all words of a heading; where more have, it is not specific
DROPPED = 2  # of a paraphrase; one more where the sentence is long
LONG = 8  # units

SENTENCE_END = re.compile(r"(?<=[.!?])\s+|(?<=[。！？])|\n\s*\n|\n(?=\s*(?:[-*+#>|]|\d+[.)])\s)")
LINE_END = re.compile(r"\n")
MARKUP = re.compile(r"[*`|]+|(?<!\w)#+")
OPERATORS = re.compile(rf"[{QUOTES}]|(?<!\S)-+")  # a question would be read for more than its words


class Unit(NamedTuple):
    """A word; of a script that is written without blanks, two characters."""

    start: int
    end: int
    terms: frozenset[str]


def known_items(collection: Collection, count: int, seed: int = 0) -> list[Judged]:
    """Questions, each judged by the passages that it was made from.

    Of a passage one question is made at most; passages whose text stands in the collection twice give none. The same
    collection, count and seed give the same questions. Only passages that were drawn are read, 20 for each question
    that is asked for at most.

    Args:
        collection: open.
        count: how many questions there should be, at least FEWEST; where less can be made, there are less.
        seed: another one draws other passages.

    Raises:
        NearestError: fewer than FEWEST were asked for, or could be made.
    """
    if count < FEWEST:
        raise NearestError(f"{count} questions are too few to learn from: ask for {FEWEST} at least")
    maker = _Maker(collection)
    made: list[list[Judged]] = [[], [], []]
    for passage in _drawn(collection, count * LOOKED_AT, seed):
        kinds = sorted(range(len(made)), key=lambda kind: len(made[kind]))
        for kind in kinds:
            question = maker.question(kind, passage)
            if question is not None:
                made[kind].append(question)
                break
        if sum(map(len, made)) == count:
            break
    # One text may be a heading and a sentence; then it is one question that several passages answer.
    questions: dict[str, Judged] = {}
    for one in (one for kind in made for one in kind):
        former = questions.get(one.text)
        questions[one.text] = Judged(one.text, passages=former.passages | one.passages) if former else one
    if len(questions) < FEWEST:
        raise NearestError(f"too little to learn from: {len(questions)} questions could be made, {FEWEST} are needed")
    return list(questions.values())


def _drawn(collection: Collection, most: int, seed: int) -> Iterator[Passage]:
    """Passages in random order whose texts stand in the collection once."""
    index = collection.keywords.refreshed()
    ids = np.random.default_rng(seed).permutation(np.sort(index.chunks[index.alive]))[:most].tolist()
    for start in range(0, len(ids), BATCH):
        some = ids[start : start + BATCH]
        found = {passage.chunk_id: (text, passage) for text, passage in collection.passages.of_ids(some)}
        spots = collection.passages.spots(texts=sorted({text for text, _ in found.values()}))
        texts = [spot.text for spot in spots.values()]
        twice = {text for text in texts if texts.count(text) > 1}
        yield from (found[id_][1] for id_ in some if id_ in found and found[id_][0] not in twice)


class _Maker:
    """Makes questions of passages, with the frequencies of all terms of the collection at hand."""

    def __init__(self, collection: Collection) -> None:
        self._collection = collection
        self._index = collection.keywords.refreshed()
        self._rarity: dict[str, float] = {}

    def question(self, kind: int, passage: Passage) -> Judged | None:
        """A heading (0), a sentence (1) or a paraphrase (2); None where the passage has none."""
        if kind == 0:
            return self._heading(passage)
        sentence = self._sentence(passage)
        text = sentence if kind == 1 else self._paraphrase(sentence)
        return Judged(text, passages={passage.chunk_id: 1}) if text else None

    def _heading(self, passage: Passage) -> Judged | None:
        """The passage's innermost heading, which all passages of its section answer."""
        heading = passage.chunk.headings[-1] if passage.chunk.headings else ""
        text = _plain(heading)
        if len(units(text)) < SHORTEST_HEADING:
            return None
        holding = self._collection.keywords.holding(text)
        if len(holding) > COMMON:
            return None
        others = [other for _, other in self._collection.passages.of_ids(holding.tolist())]
        section = [one for one in others if one.chunk.headings and one.chunk.headings[-1] == heading]
        if {(one.path, one.chunk.headings) for one in section} != {(passage.path, passage.chunk.headings)}:
            return None
        return Judged(text, passages={one.chunk_id: 1 for one in section})

    def _sentence(self, passage: Passage) -> str:
        """The sentence whose terms are the rarest on the mean; of equal ones the first, "" where there is none."""
        known = {_plain(heading) for heading in passage.chunk.headings}
        best, text = 0.0, ""
        for sentence in sentences(passage.chunk.text):
            found = units(sentence)
            if sentence in known or not SHORTEST <= len(found) <= LONGEST:
                continue
            mean = math.fsum(map(self._rare, found)) / len(found)
            if mean > best:
                best, text = mean, sentence
        return text

    def _paraphrase(self, sentence: str) -> str:
        """The sentence without its rarest words, wherever they stand in it; "" where too little is left."""
        found = units(sentence)
        kinds = sorted({unit.terms: unit for unit in reversed(found)}.values(), key=lambda one: (-self._rare(one), one))
        dropped = {unit.terms for unit in kinds[: DROPPED + (len(found) > LONG)]}
        kept = sentence
        for unit in reversed(found):
            if unit.terms in dropped:
                kept = kept[: unit.start] + " " * (not _is_dense(sentence, unit)) + kept[unit.end :]
        kept = _plain(kept)
        return kept if len(units(kept)) >= SHORTEST else ""

    def _rare(self, unit: Unit) -> float:
        return max(map(self._idf, unit.terms))

    def _idf(self, term: str) -> float:
        """As `storage.bm25` has it; passages that are gone count until the index is written anew."""
        if term not in self._rarity:
            number = sum(len(part.of(term_id(term))[0]) for part in self._index.parts)
            self._rarity[term] = math.log(1 + (len(self._index.chunks) - number + 0.5) / (number + 0.5))
        return self._rarity[term]


def sentences(text: str) -> list[str]:
    """The sentences of a text, each on one line; of what has too many words for one, its lines."""
    found: list[str] = []
    for piece in SENTENCE_END.split(text):
        parts: Sequence[str] = (piece,) if len(units(piece)) <= LONGEST else LINE_END.split(piece)
        found += filter(None, map(_plain, parts))
    return found


def units(text: str) -> list[Unit]:
    """The words of a text, in order; those without any term are none."""
    found: list[Unit] = []
    for word in WORD.finditer(text):
        for run in RUN.finditer(word[0]) if DENSE_START.search(word[0]) else [None]:
            start, end = (run.start(), run.end()) if run else (0, len(word[0]))
            size = 2 if run and DENSE_START.match(run[0]) else end - start
            for at in range(start, end, size):
                piece = word[0][at : min(at + size, end)]
                if own := frozenset(terms(piece)):
                    found.append(Unit(word.start() + at, word.start() + at + len(piece), own))
    return found


def _is_dense(text: str, unit: Unit) -> bool:
    return DENSE_START.match(text, unit.start) is not None


def _plain(text: str) -> str:
    """The text on one line, without markup, lone punctuation and what would be an operator of a question."""
    return " ".join(token for token in OPERATORS.sub(" ", MARKUP.sub(" ", text)).split() if WORD.search(token))
