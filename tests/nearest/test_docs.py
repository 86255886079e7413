"""What can be typed is explained: every command and option says what it does, and stands in the README."""

from __future__ import annotations

import re
from pathlib import Path

import click
import pytest
from helpers.command import run

import nearest
from nearest.cli.main import cli

README = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
COMMANDS = sorted(cli.commands)


def options(command: click.Command) -> list[click.Option]:
    return [parameter for parameter in command.params if isinstance(parameter, click.Option)]


def test_there_are_the_commands_that_were_promised() -> None:
    assert {"index", "search", "status", "forget", "embed"} <= set(COMMANDS)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_says_what_it_does_in_one_line_and_more(name: str) -> None:
    command = cli.commands[name]
    assert command.help
    assert re.match(r"[A-Z]", command.help)
    first = command.help.split("\n\n")[0]
    assert first.rstrip().endswith(".")
    assert " ".join(first.split())[:40] in " ".join(run(name, "--help").text.split())


@pytest.mark.parametrize("name", ["", *COMMANDS])
def test_every_option_says_what_it_does(name: str) -> None:
    command = cli.commands[name] if name else cli
    for option in options(command):
        assert option.help, option.name
        assert option.help.endswith("."), option.name


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_stands_in_the_readme(name: str) -> None:
    assert f"nearest {name}" in README


@pytest.mark.parametrize("name", COMMANDS)
def test_every_option_stands_in_the_readme(name: str) -> None:
    missing = [
        option.name
        for option in options(cli.commands[name])
        if not any(re.search(rf"(?<![\w-]){re.escape(one)}(?![\w-])", README) for one in option.opts)
    ]
    assert missing == []


def test_help_fits_a_terminal() -> None:
    for name in ("", *COMMANDS):
        text = run(*filter(None, [name]), "--help").text
        assert max(map(len, text.splitlines())) <= 80
        assert "\x1b" not in text


def test_everything_public_is_named_and_documented() -> None:
    assert nearest.__all__ == sorted(nearest.__all__)
    for name in nearest.__all__:
        assert name == "Mode" or getattr(nearest, name).__doc__, name
    for name, method in vars(nearest.Collection).items():
        assert name.startswith("_") or method.__doc__, name


def test_the_readme_names_the_version_in_no_place_where_it_would_go_stale() -> None:
    assert not re.search(r"nearest==\d", README)
