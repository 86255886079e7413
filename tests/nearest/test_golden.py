"""Each format from the file to the command line: the sentence is found, and where it stands is what is printed."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from helpers.command import run
from helpers.golden import GOLDEN, sentences

pytestmark = pytest.mark.slow

SENTENCES = sentences(list(GOLDEN))
NUMBERS = re.compile(r"s? (\d+)(?:-(\d+))?$")
TIMES = re.compile(r":\d+  00:(\d\d):(\d\d)(?:-00:(\d\d):(\d\d))?$")
UNIT = {"row": 8, "cell": 7, "paragraph": 14}  # that the sentence is in


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("golden")


def assert_within(first: str, last: str | None, place: int, most: int) -> None:
    """The range holds the place, and is no wider than that."""
    assert int(first) <= place <= int(last or first)
    assert int(last or first) - int(first) < most


@pytest.mark.parametrize("name", GOLDEN)
def test_a_sentence_is_found_at_its_place(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    golden, sentence = GOLDEN[name], SENTENCES[name]
    folder = tmp_path / "documents"
    folder.mkdir()
    path = folder / name
    golden.write(path, sentence)
    indexed = run("index", folder)
    assert indexed.status == 0, indexed.err
    assert "1 added" in indexed.err
    found = run("search", "-k", "1", "--json", sentence)
    (hit,) = found.json["hits"]
    assert sentence.split()[1] in hit["text"]  # the animal; a page may break the sentence into lines
    assert hit["path"] == str(path)
    assert hit["digest"]
    head = run("search", "-k", "1", sentence).text.split("\n")[0].removeprefix(str(path))
    place = re.split(r"  \d+%", head)[0]
    expected = golden.place.replace(":{n}", "")
    if expected == "{time}":
        match = TIMES.search(place)
        assert match, place
        start = int(match[1]) * 60 + int(match[2])
        end = int(match[3] or match[1]) * 60 + int(match[4] or match[2])
        assert_within(str(start), str(end), 60, 40)
    elif "{s}" in expected:
        match = NUMBERS.search(place)
        assert match, place
        unit = expected.split("{")[0]
        assert unit in place
        assert_within(match[1], match[2], UNIT[unit.split()[-1]], 5)
    elif expected.startswith(":") and "  " not in expected:
        line = int(expected[1:])
        assert hit["start_line"] <= line <= hit["end_line"], (hit["start_line"], hit["end_line"])
        assert hit["end_line"] - hit["start_line"] < 25
        got = run("get", f"{path}:{line}")
        assert sentence.split()[1] in got.text
    else:
        assert expected in place
