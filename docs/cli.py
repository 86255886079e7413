"""The commands in, docs/cli.md out: `make docs`."""

from __future__ import annotations

import sys

import click

from nearest.cli.main import cli

HEAD = """# Every command

Written by `make docs` from the commands themselves; `nearest COMMAND --help` says the same.

Standard output carries results only, standard error what is said beside them. Exit status: 0 found or done, 1 nothing
found or no good match, 2 an error or bad usage, 3 embedder unreachable, 130 interrupted.
"""


def reference() -> str:
    """Make the whole page: the help of each command, at 80 columns."""
    whole = click.Context(cli, info_name="nearest", terminal_width=80, **cli.context_settings)
    contexts = [whole, *(click.Context(cli.commands[name], whole, name) for name in sorted(cli.commands))]
    parts = [f"## {one.command_path}\n\n```\n{one.command.get_help(one)}\n```\n" for one in contexts]
    return "\n".join([HEAD, *parts])


if __name__ == "__main__":
    sys.stdout.write(reference())
