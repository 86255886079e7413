"""Sentences added to real documents in, the new passages that each makes out: `python -m benchmarks.locality`.

Beside it the usual way: the same splitter library filling passages from the start of the file. What is counted are
texts that the document did not have before; each would have to be embedded.
"""

from __future__ import annotations

import random
import statistics
from pathlib import Path
from typing import TYPE_CHECKING

from semantic_text_splitter import TextSplitter

from benchmarks import results
from benchmarks.trees import python_documentation
from indexer.chunk.chunker import MAX_CHARACTERS, chunk
from indexer.markup.headings import headings
from storage.types import Document

if TYPE_CHECKING:
    from collections.abc import Callable

SENTENCE = "This sentence was added in the middle of the file."
PLACES = (". ", "\n\n", "\n")  # behind which it is added


def ours(text: str) -> list[str]:
    """The passages of nearest."""
    return [
        passage.embedded
        for passage in chunk(Document(b"", "rst", b"", None, "", "", text, None, headings(text, "rst")))
    ]


def greedy(text: str) -> list[str]:
    """Passages filled from the start to between 60 % and all of the same size."""
    return TextSplitter((MAX_CHARACTERS * 6 // 10, MAX_CHARACTERS)).chunks(text)


def new_texts(split: Callable[[str], list[str]], text: str, seed: int) -> list[int]:
    """How many texts are new after each of 18 additions, every one to the original."""
    pick = random.Random(seed)
    before = set(split(text))
    counts = []
    for place in PLACES:
        for _ in range(6):
            at = text.find(place, pick.randrange(len(text) // 3, 2 * len(text) // 3)) + len(place)
            counts.append(len(set(split(f"{text[:at]}{SENTENCE}{place}{text[at:]}")) - before))
    return counts


def main() -> None:
    """Print a row for each way."""
    parser = results.parser("locality", __doc__)
    parser.add_argument("--tree", type=Path, help="a folder of reST files; Python's documentation if none")
    given = parser.parse_args()
    tree = given.tree or python_documentation()
    texts = [path.read_text(encoding="utf-8") for path in sorted(tree.rglob("*")) if path.is_file()]
    texts = [text for text in texts if 40_000 < len(text) < 70_000]
    rows = []
    for name, split in (("nearest", ours), ("greedy", greedy)):
        counts = [count for seed, text in enumerate(texts) for count in new_texts(split, text, seed)]
        length = statistics.mean(len(passage) for text in texts for passage in split(text))
        few = sum(count <= 2 for count in counts) / len(counts)
        rows.append(
            {
                "cut": name,
                "files": len(texts),
                "additions": len(counts),
                "characters of a passage": round(length),
                "at most 2 new": f"{few:.1%}",
                "new on average": round(statistics.mean(counts), 2),
                "new at worst": max(counts),
            }
        )
    results.report("locality", rows, given.save)


if __name__ == "__main__":
    main()
