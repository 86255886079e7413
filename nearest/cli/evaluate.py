"""The commands that measure: `eval` and `tune`."""

from __future__ import annotations

from pathlib import Path

import click

from search.cli_search import either, opened, search_notes
from search.group import tell
from search.options import collection_option, embedder_option, json_option


@click.command("eval")
@click.argument("questions", required=False, type=click.Path(dir_okay=False))
@collection_option
@embedder_option
@click.option("--beir", metavar="FOLDER", type=click.Path(file_okay=False),
              help="Index the corpus.jsonl of FOLDER as a collection of its own, ask its queries.jsonl.")  # fmt: skip
@click.option("--split", metavar="NAME", help="Of --beir: the questions that qrels/NAME.tsv judges (test).")
@click.option("--whole", is_flag=True,
              help="Of --beir: one passage for each document, embedded up to the model's window.")  # fmt: skip
@json_option
def evaluate(
    questions: str | None,
    collection: str,
    embedder: str | None,
    beir: str | None,
    split: str | None,
    whole: bool,
    as_json: bool,
) -> int:
    """Measure how well questions find what they should, by meaning, by words and by both.

    A line of QUESTIONS is a JSON object: {"question": "...", "path": "notes/roof.md"}, or "chunk" with the chunk_id
    of a hit in place of the path; each may be a list. nDCG@10, recall and MRR@10 are means over the questions, with
    the interval that holds them with 95 % certainty.
    """
    from search.evaluate import evaluate as measured
    from search.evaluate import evaluation_lines, evaluation_object
    from search.progress import Bars

    if (questions is None) == (beir is None):
        raise click.UsageError("give either a file of QUESTIONS or --beir FOLDER")
    if beir is None and (split or whole):
        raise click.UsageError("--split and --whole are for --beir")
    bars = Bars()
    try:
        if beir is not None:
            from search.beir import prepare

            collection, judged, notes = prepare(Path(beir), split or "test", whole, embedder, bars)
            bars.close()
        searcher = opened(collection, embedder, "hybrid")
        if questions is not None:
            from search.judgements import read_questions

            judged, notes = read_questions(Path(questions), searcher.collection)
        with searcher:
            evaluation = measured(searcher, judged, notes=notes, track=bars.asking)
            search_notes(searcher, "hybrid")
    finally:
        bars.close()
    either(as_json, evaluation_object(evaluation), evaluation_lines(evaluation))
    for note in () if as_json else evaluation.notes:
        tell(note)
    return 0


@click.command()
@collection_option
@json_option
def tune(collection: str, as_json: bool) -> int:
    """Fit the ranking to the documents of a collection, without any questions of yours.

    Questions are made from headings and sentences of the documents themselves, as they stand and without the words
    that give them away. On one half the weight of meaning against words is chosen, on the other it is measured; it is
    kept only where it is better beyond noise. Such questions share more words with their answers than yours may: where
    you have some, see with nearest eval.
    """
    from search.progress import Bars
    from search.tune import tune as tuned
    from search.tune import tuning_lines, tuning_object

    bars = Bars()
    try:
        with opened(collection, None, "hybrid") as searcher:
            tuning = tuned(searcher, track=bars.asking)
    finally:
        bars.close()
    either(as_json, tuning_object(tuning), tuning_lines(tuning))
    return 0
