"""The commands that keep house: which collections there are, one gone, one renamed; and completion for a shell."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import click

from nearest import json_output
from nearest.cli.errors import error_line
from nearest.cli.group import notify
from nearest.cli.options import complete_collections, json_option
from nearest.plain_text import escape_controls, relative_path
from nearest.settings import from_environment

if TYPE_CHECKING:
    from collections.abc import Iterator

    from storage.settings import Settings

SHELLS = ("bash", "fish", "zsh")


@click.command()
@click.option(
    "-c", "--collection", "collection", metavar="NAME", shell_complete=complete_collections,
    help="List the documents of this one.",
)  # fmt: skip
@json_option
def ls(collection: str | None, as_json: bool) -> int:
    """List the collections there are, or the documents of one.

    Of each: documents, passages, size on disk, embedder, and the folders that were indexed. Exit status 1 where there
    is none.
    """
    settings = from_environment()
    if collection is not None:
        return _documents(collection, settings, as_json)
    rows = list(_collections(settings))
    if as_json:
        click.echo(json_output.json_text({"version": json_output.VERSION, "collections": rows}, indent=2))
        return 0 if rows else 1
    if not rows:
        notify("there is no collection yet: nearest index PATH")
    widths = [max((len(str(row[key])) for row in rows), default=0) for key in ("name", "documents", "chunks")]
    for row in rows:
        name, documents, chunks = (str(row[key]) for key in ("name", "documents", "chunks"))
        folders = ", ".join(relative_path(folder) for folder in row["folders"])
        shown = (
            f"{name.ljust(widths[0])}  {documents.rjust(widths[1])} documents  {chunks.rjust(widths[2])} passages  "
            f"{row['bytes_on_disk'] / 1e6:6.1f} MB  {row['embedder'] or '-'}  {folders}"
        )
        click.echo(escape_controls(shown.rstrip()))
    return 0 if rows else 1


def _collections(settings: Settings) -> Iterator[dict[str, Any]]:
    from storage import home
    from storage.errors import NearestError
    from storage.store import open_store

    for name in home.names(settings):
        try:
            with open_store(name, settings) as opened:
                yield json_output.collection_object(name, opened.status())
        except NearestError as error:  # the others are there all the same
            notify(f"{name}: {error_line(error)}")


def _documents(collection: str, settings: Settings, as_json: bool) -> int:
    from storage.store import open_store

    with open_store(collection, settings) as opened:
        paths = [os.fsdecode(path) for path in opened.documents.paths()]
    if as_json:
        click.echo(json_output.json_text({"version": json_output.VERSION, "documents": paths}, indent=2))
    else:
        for path in paths:
            click.echo(os.fsencode(relative_path(path)))
    return 0 if paths else 1


@click.command()
@click.argument("name", shell_complete=complete_collections)
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
def drop(name: str, yes: bool) -> int:
    """Drop the collection NAME. The documents themselves are not touched."""
    from storage.store import check_exists, drop_store

    check_exists(name, from_environment())  # before anybody is asked
    if not yes:
        click.confirm(f"drop collection {name!r}, to be indexed again?", abort=True, err=True)
    drop_store(name, from_environment())
    notify(f"dropped collection {name!r}")
    return 0


@click.command()
@click.argument("old", shell_complete=complete_collections)
@click.argument("new")
def rename(old: str, new: str) -> int:
    """Give the collection OLD the name NEW."""
    from storage.store import rename_store

    rename_store(old, new, from_environment())
    notify(f"renamed collection {old!r} to {new!r}")
    return 0


@click.command()
@click.argument("shell", type=click.Choice(SHELLS))
def completion(shell: str) -> int:
    """Print what makes a SHELL complete commands, options, collections, tags and types.

    For bash, in ~/.bashrc: eval "$(nearest completion bash)"; for zsh the same in ~/.zshrc; for fish:
    nearest completion fish > ~/.config/fish/completions/nearest.fish
    """
    from click.shell_completion import get_completion_class

    chosen = get_completion_class(shell)
    if chosen is None:  # cannot be: click has all of SHELLS
        raise click.UsageError(f"click knows no shell {shell!r}")
    root = click.get_current_context().find_root().command
    click.echo(chosen(root, {}, "nearest", "_NEAREST_COMPLETE").source())
    return 0
