"""What a command comes to in, an exit status and at most one line out.

0 found or done, 1 nothing found, 2 an error or bad usage, 3 embedder unreachable, 130 interrupted.
"""

from __future__ import annotations

import io
import os
import sys
import traceback
from typing import NoReturn

import click

from nearest.cli.errors import STATUS, error_line, exit_status
from nearest.plain_text import escape_controls
from storage.errors import NearestError
from storage.home import similar

INTERRUPTED = 130


class Cli(click.Group):
    """The one place where errors become one line and an exit status."""

    def run(self) -> NoReturn:
        """Take the command line of this process, and exit. See the module's docstring for the status."""
        debug = bool(os.environ.get("NEAREST_DEBUG")) or "--debug" in sys.argv[1:]
        status: int | None
        _prepare_streams()
        try:
            status = self.main(prog_name="nearest", standalone_mode=False)
            if sys.stdout is not None:
                sys.stdout.flush()
        except NearestError as error:
            if debug:
                traceback.print_exc()
            notify(error_line(error))
            status = exit_status(error)
        except click.ClickException as error:
            error.show()
            status = error.exit_code
        except (KeyboardInterrupt, click.Abort):
            notify("interrupted")
            status = INTERRUPTED
        except (BrokenPipeError, SystemExit):  # whoever reads has read enough; click makes an exit of that
            _silence_stdout()
            status = 0
        except OSError as error:  # standard output, most likely: all other files have a sentence of their own
            if debug:
                traceback.print_exc()
            notify(f"{error}: see that there is room where the output goes")
            _silence_stdout()
            status = STATUS
        sys.exit(status or 0)

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse as click does it, and say where an option of a command belongs."""
        try:
            return super().parse_args(ctx, args)
        except click.NoSuchOption as error:
            name = error.option_name
            having = [
                command
                for command in self.list_commands(ctx)
                if any(name in one.opts for one in self.commands[command].params)
            ]
            if not having:
                raise
            command = "search" if "search" in having else having[0]
            raise click.UsageError(f"{name} belongs behind the command: nearest {command} {name}", ctx) from error

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Resolve as click does it, and suggest the command that was meant."""
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as error:
            known = self.list_commands(ctx)
            if args[0].startswith("-") or args[0] in known:
                raise
            raise click.UsageError(f"No such command {args[0]!r}{similar(args[0], known)}", ctx) from error


def _prepare_streams() -> None:
    """UTF-8 whatever the locale; lone surrogates, of names that are no text, come out as JSON writes them."""
    for stream in (sys.stdin, sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(encoding="utf-8", errors="backslashreplace")


def _silence_stdout() -> None:
    """Let what is still to be written to standard output go nowhere, so that nobody trips over it at the exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def notify(message: str) -> None:
    """Print one line for the user, on standard error."""
    click.echo(f"nearest: {escape_controls(' '.join(message.split()))}", err=True)
