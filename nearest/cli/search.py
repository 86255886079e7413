"""The commands that ask: `search` and `why-not`."""

from __future__ import annotations

import os
import shutil
import sys
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from nearest import json_output
from nearest.cli import terminal
from nearest.cli.errors import error_line
from nearest.cli.group import notify
from nearest.cli.options import (
    collection_option,
    collections_option,
    context_option,
    embedder_option,
    filter_options,
    json_option,
    limit_option,
    mode_option,
)
from nearest.plain_text import escape_controls
from nearest.settings import from_environment
from search.modes import SORTS
from storage.errors import UnreachableError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from search.rerank.reranker import Reranker
    from search.result import SearchResult
    from search.searcher import Searcher
    from storage.types import Filter, Mode

FORMS = ("json", "jsonl", "paths", "vimgrep", "markdown", "xml")


@click.command()
@click.argument("question", nargs=-1, required=True)
@collections_option
@embedder_option
@limit_option
@mode_option
@context_option
@filter_options
@click.option(
    "--all",
    "fold_duplicates",
    is_flag=True,
    flag_value=False,
    default=True,
    help="Do not fold passages that say nearly the same into one hit.",
)
@click.option(
    "--exact", is_flag=True, help='Demand "phrases" even where no passage has them, and take words as spelled.'
)
@click.option("--explain", is_flag=True, help="With the rank and score in either ranking, and the words found.")
@click.option(
    "--rerank", metavar="ADDRESS",
    help="Let a reranker put the first 50 hits in order: local:FOLDER, a cross-encoder's files; http:HOST:PORT or "
    "http:HOST:PORT#MODEL, a server, where the question and these passages are sent.",
)  # fmt: skip
@click.option(
    "--min-confidence", type=click.FloatRange(0, 1), default=0.0, metavar="P",
    help="Leave out hits below this confidence: 0.4 for 40 %.",
)  # fmt: skip
@click.option(
    "--sort", type=click.Choice(SORTS), default="score", show_default=True,
    help="date: the hits of the newest documents first.",
)  # fmt: skip
@click.option(
    "--full/--brief", default=None,
    help="Passages whole, or what of them answers best. By default the latter on a terminal, and a screenful of it.",
)  # fmt: skip
@click.option(
    "--format", "form", type=click.Choice(FORMS),
    help="markdown, xml: numbered sources for a language model; the others as by their own options.",
)  # fmt: skip
@click.option("--json", "form", flag_value="json", help="One JSON object.")
@click.option("--jsonl", "form", flag_value="jsonl", help="One JSON object a line, one line a question.")
@click.option("--paths", "form", flag_value="paths", help="The paths alone, each once.")
@click.option("--vimgrep", "form", flag_value="vimgrep", help="path:line:column:text, for editors.")
def search(
    question: tuple[str, ...],
    collections: tuple[str, ...],
    embedder: str | None,
    filters: dict[str, Any],
    rerank: str | None,
    explain: bool,
    min_confidence: float,
    full: bool | None,
    form: str | None,
    **options: Any,
) -> int:
    """Find the passages that answer QUESTION best.

    Passages are ranked by meaning and by the words they share with the question. A phrase in "quotes" has to stand in
    every passage found, and -WORD in none: nearest search 'roof "slate tiles" -price' A phrase that no passage has is
    told and left aside, unless --exact.

    With - for the question, questions are read from standard input, one a line. Exit status 1 where nothing is found,
    or no hit is a good match.
    """
    from search.several import open_searchers
    from storage.errors import NearestError

    text = " ".join(question)
    if not text.strip():
        raise NearestError("the question is empty: ask something")
    reranker = _reranker(rerank)
    if len(set(collections)) > 1 and filters["within"]:
        raise click.UsageError("--in brings one collection up to date: name that one alone with -c")
    only = build_filter(collections[0], embedder, filters)
    forms = _formats(text == "-", screen(full), explain)
    searchers = open_searchers(collections, from_environment(), embedder, mode=options["mode"], by_words=True)
    try:
        found = False
        for one in _questions(text):
            answer = _answer(searchers, reranker, one, only=only, **options).with_notes().at_least(min_confidence)
            found |= answer.has_good_match
            if text == "-" and form is None:
                click.echo(click.style(f"# {escape_controls(one)}", bold=True))
            forms[form or "people"](answer)
            for note in answer.notes:
                notify(f"{one!r}: {note}" if text == "-" else note)
        for name, searcher in searchers.items():
            search_notes(searcher, options["mode"], of=f"{name}: " if len(searchers) > 1 else "")
    finally:
        for searcher in searchers.values():  # the model goes with the process: to take it apart takes longer
            searcher.collection.close()
    return 0 if found else 1


def _reranker(address: str | None) -> Reranker | None:
    if address is None:
        return None
    from search.rerank.registry import open_reranker

    return open_reranker(address, from_environment())


def _answer(
    searchers: Mapping[str, Searcher], reranker: Reranker | None, question: str, *, k: int, **options: Any
) -> SearchResult:
    from search.several import ask_all

    if reranker is None:
        return ask_all(searchers, question, k, **options)
    from search.rerank.reranker import FIRST
    from search.result import reranked

    result = reranked(ask_all(searchers, question, max(k, FIRST), **options), reranker, k)
    # Which hits are printed is the server's word; of these the newest come first where that is asked.
    return replace(result, hits=tuple(sorted(result.hits, key=lambda hit: hit.date, reverse=True)))


def build_filter(collection: str, embedder: str | None, filters: dict[str, Any]) -> Filter:
    """Build the filter of these options; what `--in` names is brought up to date first."""
    from search.searcher import NO_FILTER

    if not any(value is not None and value != () for value in filters.values()):
        return NO_FILTER
    from search.query.filter_options import filter_of

    only = filter_of(**filters)
    if filters["within"]:
        from indexer.index import index_by_name
        from nearest.cli.progress import TqdmProgress

        bars = TqdmProgress()
        try:
            paths = [os.path.expanduser(path) for path in filters["within"]]  # noqa: PTH111 - it stays what it is called
            index_by_name(collection, paths, from_environment(), embedder, progress=bars, on_note=notify)
        except UnreachableError as error:  # the words are there all the same
            notify(error_line(error))
        finally:
            bars.close()
    return only


def open_searcher(collection: str, embedder: str | None, mode: Mode) -> Searcher:
    """Open a searcher, its engines imported now."""
    from search.searcher import Searcher

    return Searcher(collection, from_environment(), embedder, mode=mode)


def _questions(text: str) -> Iterator[str]:
    if text != "-":
        yield text
        return
    for line in sys.stdin:
        if line.strip():
            yield line.strip()


def screen(full: bool | None) -> terminal.Screen:
    """Find out where hits are printed, and how much of them: a screenful, unless one asks for more."""
    editor = from_environment().editor  # a bad one is told in a pipe, too
    if not sys.stdout.isatty():
        return terminal.Screen(full=full is not False)
    size, context = shutil.get_terminal_size(), click.get_current_context()
    asked = full or context.get_parameter_source("k") is not ParameterSource.DEFAULT
    # The last rows are those of the prompt and of a note.
    rows = None if asked else size.lines - 2
    return terminal.Screen(size.columns, rows, bool(full), "" if context.color is False else editor)


def _formats(several: bool, screen: terminal.Screen, explain: bool) -> dict[str, Callable[[SearchResult], None]]:
    def as_json(answer: SearchResult, indent: int | None) -> None:
        click.echo(json_output.json_text(answer.to_dict(explain=explain), indent=indent))

    return {
        "json": lambda answer: as_json(answer, None if several else 2),
        "jsonl": lambda answer: as_json(answer, None),
        "paths": terminal.print_paths,
        "vimgrep": terminal.print_vimgrep,
        "markdown": lambda answer: click.echo(answer.to_markdown(), nl=several),
        "xml": lambda answer: click.echo(answer.to_xml(), nl=False),
        "people": lambda answer: terminal.print_hits(answer, screen, explain=explain),
    }


def emit(as_json: bool, found: Mapping[str, Any], lines: Iterable[str]) -> None:
    """Print what was found: for programs as a JSON object, for people in lines."""
    if as_json:
        click.echo(json_output.json_text(found, indent=2))
        return
    for line in lines:
        click.echo(line)


def search_notes(searcher: Searcher, mode: Mode, of: str = "") -> None:
    """Tell what the user should know of a search; `of` stands in front."""
    for note in searcher.notes:
        notify(of + note)
    if pending := searcher.pending_note(mode, "nearest index"):
        notify(of + pending)


@click.command("why-not")
@click.argument("path", type=click.Path())
@click.argument("question", nargs=-1, required=True)
@collection_option
@embedder_option
@limit_option
@mode_option
@filter_options
@json_option
def why_not(
    path: str,
    question: tuple[str, ...],
    collection: str,
    embedder: str | None,
    filters: dict[str, Any],
    mode: Mode,
    k: int,
    as_json: bool,
) -> int:
    """Say why the document at PATH did not come up for QUESTION.

    It may not be indexed, and by which rule; be skipped, and why; wait for its embedding; be filtered; or stand further
    down: then its rank by meaning and by words is told, and what stands above it. PATH may be a folder.
    """
    from nearest.reasons import reason_lines
    from search.explain.why_not import why_not as reasons_of

    only = build_filter(collection, embedder, filters)
    searcher = open_searcher(collection, embedder, mode)
    try:
        reasons = reasons_of(searcher, path, " ".join(question), k, mode=mode, only=only)
        search_notes(searcher, mode)
    finally:
        searcher.collection.close()
    emit(as_json, json_output.reasons_object(reasons), reason_lines(reasons))
    return 0
