"""What can be typed is explained by its help and in docs/cli.md; links lead somewhere, examples run."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import click
import pytest
from helpers.command import ROOT, run

import nearest
from nearest.cli.main import cli

README = (ROOT / "README.md").read_text(encoding="utf-8")
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
EXAMPLES = [
    (page, code)
    for page in (ROOT / "README.md", ROOT / "docs" / "python.md")
    for code in re.findall(r"^```python\n(.*?)^```", page.read_text(encoding="utf-8"), re.M | re.S)
]
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


@pytest.mark.parametrize("page", ["cli", "figures"])
def test_what_is_written_by_a_program_is_what_it_writes(page: str) -> None:
    ran = subprocess.run(
        [sys.executable, "-m", f"docs.{page}"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=True,
    )
    assert (ROOT / "docs" / f"{page}.md").read_text(encoding="utf-8") == ran.stdout, "run: make docs"


def test_the_readme_is_short() -> None:
    assert len(README.splitlines()) <= 150
    assert len((ROOT / "ARCHITECTURE.md").read_bytes()) <= 12_000


@pytest.mark.parametrize("page", PAGES, ids=[str(page.relative_to(ROOT)) for page in PAGES])
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text(encoding="utf-8")):
        assert (page.parent / target).exists(), target


def test_every_decision_and_page_is_linked() -> None:
    linked = {
        (page.parent / target).resolve()
        for page in PAGES
        for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text(encoding="utf-8"))
    }
    assert {page.resolve() for page in PAGES if page.parent == ROOT / "docs"} <= linked
    assert (ROOT / "docs" / "decisions").resolve() in linked


def test_files_that_the_architecture_names_are_there() -> None:
    text = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`((?:storage|indexer|search|nearest|tests|docs)/[\w/.-]*)`", text))
    assert {name for name in named if "NAME" not in name and not (ROOT / name).exists()} == set()
    assert len(named) > 20


@pytest.mark.slow
@pytest.mark.parametrize(
    ("page", "code"), EXAMPLES, ids=[f"{page.name}-{number}" for number, (page, _) in enumerate(EXAMPLES)]
)
def test_python_examples_run(page: Path, code: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = tmp_path / "home"
    (home / "notes").mkdir(parents=True)
    (home / "notes" / "roof.md").write_text(
        "---\ntags: [house]\n---\n# Roof\n\nWe decided on slate tiles for the roof."
    )
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("USERPROFILE", str(home))
    with nearest.open("notes") as collection:
        collection.index([home / "notes"])
    exec(compile(code, str(page), "exec"), {"__name__": "example"})


def test_help_fits_a_terminal() -> None:
    for name in ("", *COMMANDS):
        text = run(*filter(None, [name]), "--help").text
        assert max(map(len, text.splitlines())) <= 80
        assert "\x1b" not in text


def test_everything_public_is_named_and_documented() -> None:
    assert nearest.__all__ == sorted(nearest.__all__)
    for name in nearest.__all__:
        assert name in ("Mode", "Sort") or getattr(nearest, name).__doc__, name
    for name, method in vars(nearest.Collection).items():
        assert name.startswith("_") or method.__doc__, name


def test_the_readme_names_the_version_in_no_place_where_it_would_go_stale() -> None:
    assert not re.search(r"nearest==\d", README)
