"""The command that measures: `eval`."""

from __future__ import annotations

from pathlib import Path

import click

from nearest import json_output, reports
from nearest.cli.group import notify
from nearest.cli.options import collection_option, embedder_option, json_option
from nearest.cli.search import emit, open_searcher, search_notes
from nearest.settings import from_environment


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
    from nearest.cli.progress import TqdmProgress
    from search.evaluation.evaluate import evaluate as measured

    if (questions is None) == (beir is None):
        raise click.UsageError("give either a file of QUESTIONS or --beir FOLDER")
    if beir is None and (split or whole):
        raise click.UsageError("--split and --whole are for --beir")
    bars = TqdmProgress()
    try:
        if beir is not None:
            from search.evaluation.beir import prepare

            collection, judged, notes = prepare(Path(beir), from_environment(), split or "test", whole, embedder, bars)
            bars.close()
        searcher = open_searcher(collection, embedder, "hybrid")
        if questions is not None:
            from search.evaluation.judgements import read_questions

            judged, notes = read_questions(Path(questions), searcher.collection)
        with searcher:
            evaluation = measured(searcher, judged, notes=notes, track=bars.asking)
            search_notes(searcher, "hybrid")
    finally:
        bars.close()
    emit(as_json, json_output.evaluation_object(evaluation), reports.evaluation_lines(evaluation))
    for note in () if as_json else evaluation.notes:
        notify(note)
    return 0
