"""What the benchmarks kept in, docs/figures.md out: `make docs`."""

from __future__ import annotations

import json
import sys
from typing import NamedTuple

from benchmarks.results import RESULTS, lines

HEAD = """# Figures

Written by `make docs` from what the benchmarks keep in `benchmarks/results/`: each section names its command, the day
and the machine, and anyone can run it again (`make bench` runs them all, `--save` keeps what is found). The machines
are rented, shared with others and therefore noisy: compare within a table, not between machines.
"""


class Section(NamedTuple):
    """What is said of a benchmark before its figures."""

    name: str
    title: str
    prose: str


SECTIONS = (
    Section(
        "quality",
        "Keyword, vector, hybrid",
        """nDCG@10 and Recall@100 of every labelled set that is there, in each mode, beside reciprocal rank fusion of
the same two rankings. Documents are one passage each, of which the model is given its 256 tokens, but for the two sets
of long ones. The model is English: on German and Chinese sets words decide.""",
    ),
    Section(
        "fusion",
        "Fusion on sets that it has not seen",
        """nDCG@10 on each labelled set, on sets that are made of documents without labels, and on every second question
of sample_docs, with three embedders. "Left out" are the constants that were found without the set, its other splits and
its parts; "now" are those of nearest; "always 0.7" is one weight for all questions.""",
    ),
    Section(
        "stems",
        "Words of many languages",
        """Keyword search alone for pages of LibreOffice's help by their titles, of which nothing but paragraphs and
tables is indexed: words stemmed as if all were English, and by the language of the passage.""",
    ),
    Section(
        "excerpts",
        "What is printed",
        """How many answers that the best hit holds, whole, are among the lines that a terminal of 100 columns shows of
it. Before, these were the first six lines of the passage.""",
    ),
    Section(
        "scifact",
        "The model",
        """SciFact's questions over 5,183 abstracts, one passage each, vector search alone. Published for this model:
nDCG@10 0.6451, Recall@100 0.9250.""",
    ),
    Section(
        "models",
        "Embedded models",
        "What each costs, on abstracts cut to 600 characters; importing the engine is part of the start.",
    ),
    Section(
        "chunking",
        "Passages",
        """Questions on five long documents, vectors alone, 4,000 characters returned: how much of the excerpts that
answer is found. The usual passages of 1,000 characters, and what each part of ours brought, are in
[decision 4](decisions/004-chunking.md).""",
    ),
    Section(
        "confidence",
        "Confidence",
        """Labelled sets that the formula was not fitted on, cut to collections of several sizes, are asked their own
questions and those of the others. Of the best hits: the share that is right, and their mean confidence; the expected
calibration error in ten bins; how often a right one has a higher confidence than a wrong one (AUROC); how many are
called no good match, of the right ones (should be none) and of those for questions on which the collection has nothing
(should be all).""",
    ),
    Section("latency", "Latency", "A search and its parts in a process that has run for a while."),
    Section("cold_search", "A search in a new process", "The whole command, and its parts, each measured alone."),
    Section(
        "embedding",
        "Embedding",
        """The same weights, texts and threads, in turn in one run; medians. Processors with AMX should gain more.""",
    ),
    Section("reindex", "Indexing again", "Python's documentation in reST, after what happens to a folder every day."),
    Section(
        "locality",
        "One sentence more",
        "A sentence is added in the middle of a file: how many of its passages are new, and have to be embedded.",
    ),
    Section(
        "extraction",
        "Extraction",
        "Debian's document packages, read by one process alone; what is said below is of worker processes.",
    ),
    Section("memory", "Memory", "Text that grows without end, indexed until the run is interrupted."),
    Section(
        "fuzz",
        "Questions of any kind",
        "Questions made of operators, quotes, dashes, words of many scripts and broken characters.",
    ),
    Section("kill", "Killed runs", "Runs killed at random moments while they worked; every count should be 0."),
)


def figures() -> str:
    """Make the whole page; a benchmark of which nothing is kept is told of, without figures."""
    parts = [HEAD]
    for section in SECTIONS:
        kept = RESULTS / f"{section.name}.json"
        found = (
            "\n".join(lines(json.loads(kept.read_text(encoding="utf-8"))))
            if kept.is_file()
            else f"`python -m benchmarks.{section.name}` tells; no run of it is kept."
        )
        parts.append(f"## {section.title}\n\n{section.prose}\n\n{found}\n")
    return "\n".join(parts)


if __name__ == "__main__":
    sys.stdout.write(figures())
