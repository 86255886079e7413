"""Options that several commands have in common."""

from __future__ import annotations

from contextlib import suppress
from functools import wraps
from typing import TYPE_CHECKING, Any, Literal, TypeVar

import click

from search.modes import MODES
from storage.errors import NearestError

if TYPE_CHECKING:
    from collections.abc import Callable

    F = TypeVar("F", bound=Callable[..., Any])


def complete_collections(_: click.Context, __: click.Parameter, incomplete: str) -> list[str]:
    """List the names of collections that begin like this."""
    from nearest.settings import from_environment
    from storage import home

    return [name for name in home.names(from_environment()) if name.startswith(incomplete)]


def _chosen(context: click.Context) -> str:
    """Return the collection that was chosen, of several the first."""
    one, several = (context.params.get(name) for name in ("collection", "collections"))
    return one or next(iter(several or ()), "default")


def _complete(what: Literal["tags", "kinds", "keys"]) -> Callable[[click.Context, click.Parameter, str], list[str]]:
    """Make what completes a value that documents of the collection have."""

    def complete(context: click.Context, _: click.Parameter, incomplete: str) -> list[str]:
        from nearest.settings import from_environment
        from storage.store import open_store

        with (
            suppress(NearestError),
            open_store(_chosen(context), from_environment()) as it,
        ):
            known: list[str] = {"tags": it.tags, "kinds": it.kinds, "keys": it.keys}[what]()
            end = "=" if what == "keys" else ""
            return [f"{name}{end}" for name in known if name.casefold().startswith(incomplete.casefold())]
        return []

    return complete


collection_option = click.option(
    "-c", "--collection", "collection", metavar="NAME", default="default", show_default=True,
    envvar="NEAREST_COLLECTION", shell_complete=complete_collections, help="The collection to use.",
)  # fmt: skip
collections_option = click.option(
    "-c", "--collection", "collections", metavar="NAME", multiple=True, default=["default"], show_default=True,
    envvar="NEAREST_COLLECTION", shell_complete=complete_collections, help="The collection to use; again for more.",
)  # fmt: skip
embedder_option = click.option(
    "--embedder",
    metavar="NAME",
    help="local:NAME (default local:all-minilm), local:FOLDER or ollama:MODEL; names: docs/models.md.",
)
context_option = click.option(
    "--context", type=click.IntRange(min=0), default=0, metavar="N",
    help="With the N passages of its document before and after each.",
)  # fmt: skip
limit_option = click.option(
    "-k", "-n", "--limit", "k", type=click.IntRange(min=1), default=10, show_default=True, help="How many."
)
mode_option = click.option(
    "--mode", type=click.Choice(MODES), default="hybrid", show_default=True,
    help="Rank by meaning and words together, by meaning alone, or by words alone.",
)  # fmt: skip
json_option = click.option("--json", "as_json", is_flag=True, help="As a JSON object.")

FILTERS = (
    click.option("--path", "paths", multiple=True, metavar="GLOB",
                 help="Only files like this: '*.md', 'docs/'; again for more."),
    click.option("--type", "types", multiple=True, metavar="TYPE", shell_complete=_complete("kinds"),
                 help="Only documents of this type: markdown, pdf, or a suffix: .md; again for more."),
    click.option("--since", metavar="WHEN",
                 help="Only from then on: 2024-05-03, 2024-05, 2024, today, yesterday, 12h, 7d, 2w, 3m, 1y."),
    click.option("--until", metavar="WHEN", help="Only up to then; a day, month or year to its end."),
    click.option("--tag", "tags", multiple=True, metavar="TAG", shell_complete=_complete("tags"),
                 help="Only documents with this tag; 'a' finds 'a/b', too; again: all of them."),
    click.option("--where", multiple=True, metavar="KEY=VALUE", shell_complete=_complete("keys"),
                 help="Only documents that say so of themselves: draft=false, date=2024-05; again: all of them."),
    click.option("--in", "within", multiple=True, metavar="PATH", type=click.Path(),
                 help="Bring this file or folder up to date, then search in it alone; again for more."),
)  # fmt: skip


def filter_options(command: F) -> F:
    """Add the options of a filter, handed to the command as `filters`: see `search.query.filter_options`."""

    @wraps(command)
    def gathered(*args: Any, **options: Any) -> Any:
        names = ("paths", "types", "since", "until", "tags", "where", "within")
        return command(*args, filters={name: options.pop(name) for name in names}, **options)

    for option in reversed(FILTERS):
        gathered = option(gathered)
    return gathered  # type: ignore[return-value]
