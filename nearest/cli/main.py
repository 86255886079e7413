"""A command line in, an exit status out: the commands, each a thin line from its options to the floor below."""

from __future__ import annotations

import os
import sys
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click

from nearest import json_output, reports
from nearest.cli import terminal
from nearest.cli.collections import completion, drop, ls, rename
from nearest.cli.evaluate import evaluate
from nearest.cli.group import INTERRUPTED, Cli, notify
from nearest.cli.options import collection_option, context_option, embedder_option, json_option
from nearest.cli.search import emit, screen, search, why_not
from nearest.settings import from_environment
from storage.errors import UnreachableError

if TYPE_CHECKING:
    from indexer.progress import Report

# The engines are imported inside the commands, so that `--help` and a usage error cost nothing.


@click.group(cls=Cli, context_settings={"help_option_names": ["-h", "--help"], "color": None})
@click.version_option(package_name="nearest")
@click.option("--debug", is_flag=True, help="Show the traceback of an error.")
@click.pass_context
def cli(context: click.Context, debug: bool) -> None:
    """Find the passages of your own documents that answer a question.

    Everything happens on this machine, unless you name a server. Begin with: nearest index FOLDER
    """
    if os.environ.get("NO_COLOR"):
        context.color = False


for command in (search, why_not, evaluate, ls, drop, rename, completion):
    cli.add_command(command)


@cli.command()
@click.argument("paths", nargs=-1, type=click.Path())
@collection_option
@embedder_option
@click.option("--include", multiple=True, metavar="GLOB", help="Only files like this; again for more.")
@click.option("--exclude", multiple=True, metavar="GLOB", help="No files or folders like this; again for more.")
@click.option(
    "--ocr",
    metavar="LANG",
    help="Read scanned PDFs with an installed tesseract; LANG as it names languages: eng, deu+eng.",
)
@click.option("-y", "--yes", is_flag=True, help="Drop documents even where more than a fifth of them is gone.")
@click.option("--json", "as_json", is_flag=True, help="Say what was done as a JSON object.")
def index(
    paths: tuple[str, ...], collection: str, embedder: str | None, ocr: str | None, as_json: bool, **options: Any
) -> int:
    """Read files and folders, and make them searchable.

    Run it again to bring everything up to date: only what has changed is read and embedded. Without a PATH, all that
    was ever indexed. It can be interrupted at any time; the next run carries on.

    Files that .gitignore or .nearestignore exclude, hidden, binary and very large ones are passed over;
    nearest status says why.
    """
    from indexer.index import index_by_name
    from indexer.progress import Report
    from nearest.cli.progress import TqdmProgress

    settings = from_environment()
    if ocr:
        settings = replace(settings, ocr=ocr)
    report, bars = Report(), TqdmProgress()
    try:
        index_by_name(collection, paths, settings, embedder, **options, progress=bars, report=report, on_note=notify)
    except KeyboardInterrupt:
        bars.close()
        files = "" if bars.read else " and files that were not read yet"
        waits = f"{report.pending} wait{files}; run it again to carry on"
        notify(f"interrupted: {report.embedded} texts were embedded, {waits}")
        return INTERRUPTED
    except UnreachableError:
        bars.close()
        if report.chunks:
            _report(report, as_json)
        raise
    finally:
        bars.close()
    _report(report, as_json)
    return 0 if report.chunks else _nothing()


def _report(report: Report, as_json: bool) -> None:
    if as_json:
        click.echo(json_output.json_text(json_output.report_object(report), indent=2))
    else:
        for line in reports.report_lines(report):
            click.echo(line, err=True)
    if report.documents.failed:
        notify(f"{report.documents.failed} files could not be read: nearest status says why")
    if note := reports.languages_note(report):
        notify(note)


def _nothing() -> int:
    notify("nothing was indexed: nearest status says why")
    return 1


@cli.command()
@click.argument("reference", metavar="REF")
@collection_option
@context_option
@click.option("--json", "as_json", is_flag=True, help="As a JSON object, with what the document says of itself.")
def get(reference: str, collection: str, context: int, as_json: bool) -> int:
    """Print the passages that stand at a place.

    REF is the chunk_id of a hit, a PATH for all of a document, PATH:LINE or PATH:LINE-LINE. Where a file is not made
    of lines the number is that of a page, slide, row, cell, message or paragraph (report.pdf:7), of subtitles a time
    (talk.srt:00:12:30); the name of a part goes in front of it (budget.xlsx:Costs:12). Exit status 1 where nothing
    stands there.
    """
    from search.query.references import resolve
    from storage.store import open_store

    with open_store(collection, from_environment()) as opened:
        passages = resolve(opened, reference, context)
        metadata = opened.documents.metadata(os.fsencode(passages[0].path))
    if as_json:
        click.echo(json_output.json_text(json_output.passages_object(passages, metadata), indent=2))
    else:
        terminal.print_passages(passages, screen(full=True))
    return 0


@cli.command()
@collection_option
@json_option
def status(collection: str, as_json: bool) -> int:
    """Say what a collection holds, what of it can be found, and what was passed over and why."""
    from storage.store import open_store

    with open_store(collection, from_environment()) as opened:
        found = opened.status()
    emit(as_json, json_output.status_object(collection, found), reports.status_lines(collection, found))
    return 0 if found.documents else 1


@cli.command()
@click.argument("paths", nargs=-1, required=True, type=click.Path())
@collection_option
def forget(paths: tuple[str, ...], collection: str) -> int:
    """Drop files and folders from a collection. The files themselves are not touched."""
    from indexer.index import forget as run
    from storage.store import open_store

    with open_store(collection, from_environment()) as readable:  # so that a misspelt name makes no collection
        _ = readable.identity
    with open_store(collection, from_environment(), write=True) as opened:
        for line in run(opened, paths):
            click.echo(line, err=True)
    return 0


@cli.command()
@click.argument("texts", metavar="TEXT...", nargs=-1, required=True)
@click.option("--embedder", metavar="NAME", envvar="NEAREST_EMBEDDER", default="local:all-minilm", show_default=True,
              help="local:NAME, local:FOLDER or ollama:MODEL; names: docs/models.md.")  # fmt: skip
def embed(texts: tuple[str, ...], embedder: str) -> int:
    """Print the embedding of each TEXT, as the JSON object that Ollama's /api/embed answers with."""
    from indexer.embed.registry import open_embedder

    engine = open_embedder(embedder, from_environment())
    try:
        click.echo(json_output.json_text(json_output.embeddings_object(engine.embed_raw(texts))))
    finally:
        engine.close()
    return 0


def main() -> None:
    """Take the command line of this process, and exit."""
    cli.run()


def script() -> None:
    """Run `main`, without taking the interpreter and the model apart afterwards, which takes a sixth of a second.

    Nothing is lost with that: what is kept is committed and closed before `main` ends, what is written is flushed.
    """
    # The threads of numpy's BLAS, which nothing here needs, spin for a while and take their time from those that work.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    try:
        main()
    except SystemExit as ended:
        for stream in (sys.stdout, sys.stderr):
            if stream is not None:
                stream.flush()
        os._exit(ended.code if isinstance(ended.code, int) else 0)
