"""The commands that keep house: ls, drop, rename, completion."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.shell_completion import ShellComplete
from helpers.command import forget_settings, lines, run, words_server
from helpers.ollama_server import OllamaServer
from helpers.stored import OtherProcess

from nearest.cli.main import cli

pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[OllamaServer]:
    """An embedder for the commands of this test."""
    forget_settings(monkeypatch)
    with words_server(monkeypatch) as running:
        yield running


@pytest.fixture
def two(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two collections, of which one has all documents and the other one of them."""
    folder = tmp_path / "documents"
    (folder / "garden").mkdir(parents=True)
    (folder / "house.md").write_text("---\ntags: [roof, slate]\nauthor: Ann\n---\nSlate tiles cover the roof.\n")
    (folder / "garden" / "moss.txt").write_text("Moss grows on the lawn.\n")
    monkeypatch.chdir(folder)
    assert run("index", ".").status == 0
    assert run("index", "-c", "lawn", "garden/moss.txt").status == 0
    return folder


def names() -> list[str]:
    return [row["name"] for row in run("ls", "--json").json["collections"]]


def test_ls_tells_of_each_collection(two: Path) -> None:
    ran = run("ls")
    assert (ran.status, ran.err) == (0, "")
    first, second = ran.text.splitlines()
    size = first.split()[5]
    assert 0.1 < float(size) < 1
    assert first.split() == ["default", "2", "documents", "2", "passages", size, "MB", "ollama:fake", "."]
    assert second.split()[:3] == ["lawn", "1", "documents"]
    assert second.endswith("ollama:fake  garden/moss.txt")
    (row, _) = run("ls", "--json").json["collections"]
    assert row.pop("bytes_on_disk") > 100_000
    assert row == {
        "name": "default", "documents": 2, "chunks": 2, "embedder": "ollama:fake", "folders": [str(two)],
    }  # fmt: skip


def test_ls_of_one_has_its_documents(two: Path) -> None:
    assert run("ls", "-c", "default").text.splitlines() == ["garden/moss.txt", "house.md"]
    assert run("ls", "-c", "lawn", "--json").json["documents"] == [str(two / "garden" / "moss.txt")]
    assert lines(run("ls", "-c", "lwan")) == ["nearest: there is no collection 'lwan'; did you mean 'lawn'?"]


def test_where_there_is_none_it_says_how_to_make_one() -> None:
    ran = run("ls")
    assert (ran.status, ran.out, lines(ran)) == (1, b"", ["nearest: there is no collection yet: nearest index PATH"])


def test_one_that_is_damaged_hides_no_other(two: Path, nearest_home: Path) -> None:
    (nearest_home / "collections" / "default" / "nearest.db").write_bytes(b"no database" * 1000)
    ran = run("ls")
    assert ran.status == 0
    assert [line.split()[0] for line in ran.text.splitlines()] == ["lawn"]
    assert lines(ran)[0].startswith("nearest: default: ")
    assert run("drop", "-y", "default").status == 0
    assert names() == ["lawn"]


def test_status_names_the_folders(two: Path) -> None:
    assert "\nfolder:      garden/moss.txt\n" in run("status", "-c", "lawn").text
    assert run("status", "--json").json["folders"] == [str(two)]


def test_what_is_dropped_is_gone_and_its_documents_are_not(two: Path, nearest_home: Path) -> None:
    assert run("drop", "lawn", stdin=b"n\n").status == 130
    assert names() == ["default", "lawn"]
    ran = run("drop", "lawn", stdin=b"y\n")
    assert ran.status == 0
    assert lines(ran)[-1].endswith("dropped collection 'lawn'")
    assert names() == ["default"]
    assert not (nearest_home / "collections" / "lawn").exists()
    assert (two / "garden" / "moss.txt").exists()
    ran = run("drop", "lawn")
    assert (ran.status, lines(ran)) == (1, ["nearest: there is no collection 'lawn'; there is: default"])


def test_a_renamed_collection_answers_as_before_and_embeds_nothing(two: Path, server: OllamaServer) -> None:
    server.requests.clear()
    before = run("search", "moss", "-c", "lawn", "--mode", "keyword", "--json").json["hits"]
    assert lines(run("rename", "lawn", "green")) == ["nearest: renamed collection 'lawn' to 'green'"]
    assert names() == ["default", "green"]
    assert run("search", "moss", "-c", "green", "--mode", "keyword", "--json").json["hits"] == before
    assert run("index", "-c", "green", "--json").json["embedded"] == 0


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (["lawn", "default"], "there is a collection 'default' already: drop it first, or choose another name"),
        (["lown", "green"], "there is no collection 'lown'; did you mean 'lawn'?"),
        (["lawn", "../up"], "'../up' cannot name a collection: use up to 64 of A-Z a-z 0-9 . _ -, a letter or digit "
                            "first"),
    ],
)  # fmt: skip
def test_a_rename_that_cannot_be_is_told(two: Path, args: list[str], said: str) -> None:
    ran = run("rename", *args)
    assert (ran.status in (1, 2), lines(ran)) == (True, [f"nearest: {said}"])
    assert names() == ["default", "lawn"]


def test_while_somebody_writes_nothing_is_dropped_or_renamed(two: Path) -> None:
    with OtherProcess() as other:
        assert other.does("c = local_store('lawn', write=True)") == "done"
        for command in (["drop", "-y", "lawn"], ["rename", "lawn", "green"]):
            ran = run(*command)
            assert (ran.status, lines(ran)) == (
                2,
                [f"nearest: collection 'lawn' is being written by process {other.pid}: let it finish, or stop it"],
            )
    assert names() == ["default", "lawn"]


@pytest.mark.parametrize(
    ("words", "completions"),
    [
        ("nearest search -c la", ["lawn"]),
        ("nearest drop d", ["default"]),
        ("nearest search --tag s", ["slate"]),
        ("nearest search --type m", ["markdown"]),
        ("nearest search -c lawn --type m", []),
        ("nearest search --where a", ["author="]),
        ("nearest search -c nowhere --tag s", []),
        ("nearest renam", ["rename"]),
    ],
)
def test_a_shell_completes(two: Path, words: str, completions: list[str]) -> None:
    *args, incomplete = words.split()[1:]
    found = ShellComplete(cli, {}, "nearest", "_NEAREST_COMPLETE").get_completions(args, incomplete)
    assert [one.value for one in found] == completions


@pytest.mark.parametrize("shell", ["bash", "fish", "zsh"])
def test_the_script_for_a_shell_is_one_that_it_reads(shell: str, tmp_path: Path) -> None:
    ran = run("completion", shell)
    assert (ran.status, ran.err) == (0, "")
    assert "_NEAREST_COMPLETE" in ran.text
    if found := shutil.which(shell):
        (tmp_path / "script").write_text(ran.text)
        checked = subprocess.run([found, "-n", str(tmp_path / "script")], capture_output=True, check=False)
        assert (checked.returncode, checked.stderr) == (0, b"")


def test_an_option_before_the_command_is_told_its_place() -> None:
    for args, name in ((["--json", "search", "moss"], "--json"), (["-k", "3", "search", "moss"], "-k")):
        ran = run(*args)
        assert ran.status == 2
        assert lines(ran)[-1] == f"Error: {name} belongs behind the command: nearest search {name}"
    assert lines(run("--nosuch", "search", "moss"))[-1].startswith("Error: No such option '--nosuch'")
