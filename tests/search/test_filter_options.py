"""What is typed becomes the filter that is meant, or one line that says what to type."""

from __future__ import annotations

import os
import time
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from helpers.stored import local_store

from nearest.cli.errors import error_line
from search.query.filter_options import below, filter_of
from storage.errors import NearestError
from storage.filters.dates import interval
from storage.filters.filters import matching
from storage.types import Filter

if TYPE_CHECKING:
    from collections.abc import Iterator

    from helpers.desk import Desk

HOUR = 3600 * 10**9
NOW = datetime(2024, 3, 31, 12, 30, tzinfo=timezone(timedelta(hours=2)))  # in Berlin, summer began that night


@pytest.fixture(autouse=True)
def berlin(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The clock of this machine is one or two hours ahead of UTC."""
    with monkeypatch.context() as patch:
        patch.setenv("TZ", "CET-1CEST,M3.5.0,M10.5.0/3")
        time.tzset()
        yield
    time.tzset()


def utc(*moment: int) -> int:
    return round((datetime(*moment, tzinfo=UTC) - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds()) * 10**9  # type: ignore[misc, arg-type]


# ---- when


@pytest.mark.parametrize(
    ("text", "start", "behind"),
    [
        ("2024", utc(2023, 12, 31, 23), utc(2024, 12, 31, 23)),
        ("2024-05", utc(2024, 4, 30, 22), utc(2024, 5, 31, 22)),
        ("2024-12", utc(2024, 11, 30, 23), utc(2024, 12, 31, 23)),
        ("2024-02-29", utc(2024, 2, 28, 23), utc(2024, 2, 29, 23)),
        (" 20240503 ", utc(2024, 5, 2, 22), utc(2024, 5, 3, 22)),
        ("2024-03-31", utc(2024, 3, 30, 23), utc(2024, 3, 31, 22)),  # 23 hours long
        ("2024-05-03T14:30", utc(2024, 5, 3, 12, 30), utc(2024, 5, 3, 12, 30) + 1),
        ("2024-05-03 14:30:05Z", utc(2024, 5, 3, 14, 30, 5), utc(2024, 5, 3, 14, 30, 5) + 1),
        ("2024-05-03T14:30+09:00", utc(2024, 5, 3, 5, 30), utc(2024, 5, 3, 5, 30) + 1),
        ("today", utc(2024, 3, 30, 23), utc(2024, 3, 31, 22)),
        ("Yesterday", utc(2024, 3, 29, 23), utc(2024, 3, 30, 23)),
        ("12h", utc(2024, 3, 30, 22, 30), utc(2024, 3, 30, 22, 30) + 1),
        ("1d", utc(2024, 3, 30, 11, 30), utc(2024, 3, 30, 11, 30) + 1),  # by the clock on the wall
        ("7d", utc(2024, 3, 24, 11, 30), utc(2024, 3, 24, 11, 30) + 1),
        ("2w", utc(2024, 3, 17, 11, 30), utc(2024, 3, 17, 11, 30) + 1),
        ("1m", utc(2024, 2, 29, 11, 30), utc(2024, 2, 29, 11, 30) + 1),
        ("3M", utc(2023, 12, 31, 11, 30), utc(2023, 12, 31, 11, 30) + 1),
        ("13m", utc(2023, 2, 28, 11, 30), utc(2023, 2, 28, 11, 30) + 1),
        ("1y", utc(2023, 3, 31, 10, 30), utc(2023, 3, 31, 10, 30) + 1),
        ("0d", utc(2024, 3, 31, 10, 30), utc(2024, 3, 31, 10, 30) + 1),
    ],
)
def test_since_is_from_the_beginning_of_it_and_until_to_its_end(text: str, start: int, behind: int) -> None:
    assert filter_of(since=text, now=NOW) == Filter(since=start)
    assert filter_of(until=text, now=NOW) == Filter(until=behind)
    assert filter_of(since=text, until=text, now=NOW) == Filter(since=start, until=behind)


def test_a_span_is_counted_back_from_now_where_nothing_else_is_said() -> None:
    before = time.time_ns()
    since = filter_of(since="2h").since
    assert since
    assert before - 1000 <= since + 2 * HOUR <= time.time_ns()


@pytest.mark.parametrize(
    "text", ["last week", "", "24", "2024-13", "2024-02-30", "7 days", "-7d", "2024-05-03T25", "２d"]
)
@pytest.mark.parametrize("option", ["since", "until"])
def test_what_is_no_date_is_told_with_all_that_is(option: str, text: str) -> None:
    with pytest.raises(NearestError) as caught:
        filter_of(**{option: text})  # type: ignore[arg-type]
    assert error_line(caught.value) == (
        f"--{option} {text!r} is no date: write 2024-05-03, 2024-05, 2024, 2024-05-03T14:30, today, yesterday, "
        "or a span back from now: 12h, 7d, 2w, 3m, 1y"
    )


@pytest.mark.parametrize("text", ["9999y", "99999m", "2024y"])
def test_a_span_that_reaches_too_far_back_is_told(text: str) -> None:
    with pytest.raises(NearestError, match=f"^since '{text}' is before the first year$"):
        filter_of(since=text, now=NOW)
    assert filter_of(since="2023y", now=NOW).since


def test_a_time_that_ends_before_it_begins_is_told() -> None:
    with pytest.raises(NearestError, match=r"^since 2024-06 is later than until 2024-05: nothing lies between them$"):
        filter_of(since="2024-06", until="2024-05")


@pytest.mark.parametrize("year", ["0001", "9999", "9999-12", "9999-12-31"])
def test_the_first_year_and_the_last_have_a_beginning_and_an_end(year: str) -> None:
    found = interval(year)
    assert found
    assert found[0] < found[1]
    assert abs(found[0] - utc(int(year[:4]), 1, 1)) < 366 * 24 * HOUR


# ---- the other options


def test_the_options_become_a_filter() -> None:
    assert filter_of() == Filter()
    assert filter_of(
        paths=["*.md", "/srv/**"],
        types=[" pdf"],
        tags=[" #Roof/ "],
        where=["a=b=c", " key = a value "],
        within=["/srv"],
    ) == Filter(
        paths=("*.md", "/srv/**"),
        kinds=("pdf",),
        tags=("Roof",),
        where=(("a", "b=c"), ("key", "a value")),
        below=(b"/srv",),
    )


def test_one_of_what_may_be_several_needs_no_list() -> None:
    for one in ({"paths": "*.md"}, {"types": "md"}, {"tags": "#roof"}, {"where": "a=b"}, {"within": "/srv/notes"}):
        ((name, value),) = one.items()
        assert filter_of(**one) == filter_of(**{name: [value]}) != Filter()  # type: ignore[arg-type]
    assert filter_of(types="md") == Filter(kinds=("md",))


@pytest.mark.parametrize("pair", ["author", "=Ann", " =", ""])
def test_a_pair_without_a_key_or_an_equals_sign_is_told(pair: str) -> None:
    with pytest.raises(NearestError) as caught:
        filter_of(where=[pair])
    assert error_line(caught.value) == f"--where {pair!r} is no KEY=VALUE: write it as in author=Ann or draft=false"


@pytest.mark.parametrize(
    ("name", "option"), [("paths", "--path"), ("types", "--type"), ("tags", "--tag"), ("within", "--in")]
)
@pytest.mark.parametrize("value", ["", " ", "a\0b"])
def test_an_empty_value_is_told(name: str, option: str, value: str) -> None:
    with pytest.raises(NearestError, match=f"^{name} .* names nothing: say what, or leave it away$") as caught:
        filter_of(**{name: [value]})  # type: ignore[arg-type]
    assert error_line(caught.value).startswith(f"{option} ")


def test_a_tag_of_signs_alone_is_told() -> None:
    with pytest.raises(NearestError, match=r"^tags .* names nothing"):
        filter_of(tags=["#/"])


# ---- places


def test_what_to_search_in_is_named_by_its_absolute_path_and_where_links_lead(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "real" / "sub").mkdir(parents=True)
    (tmp_path / "link").symlink_to("real")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path / "real"))
    here = os.fsencode(tmp_path)
    assert below([]) == ()
    assert below(["real/sub/", "./real/../real/sub"]) == (here + b"/real/sub",)
    assert below(["."]) == (here,)
    assert below(["link/sub"]) == (here + b"/link/sub", here + b"/real/sub")
    assert below(["~/sub"]) == (here + b"/real/sub",)
    assert below(["gone", os.fsdecode(b"\xff")]) == (here + b"/gone", here + b"/\xff")


def found(only: Filter) -> list[str]:
    """The names of the documents that are let through."""
    with local_store("default") as collection:
        among = matching(collection.database, only)
        assert among
        passages = collection.passages.of_ids(among.chunks.tolist())
        return sorted({Path(passage.path).name for _, passage in passages})


def test_a_glob_of_this_folder_or_of_home_matches_there_whatever_the_folder_is_called(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.write(["[ab] !x/sub/one.md", "[ab] !x/two.md", "a !x/three.md", "four.md", "~five.md"])
    desk.index()
    monkeypatch.chdir(desk.root / "[ab] !x")
    monkeypatch.setenv("HOME", str(desk.root))
    cases = {
        "./*.md": ["two.md"],
        ".": ["one.md", "two.md"],
        "./sub/": ["one.md"],
        "../*.md": ["four.md", "~five.md"],
        "./../a*/*.md": ["three.md"],
        "~/*.md": ["four.md", "~five.md"],
        "~*.md": ["~five.md"],
        str(desk.root / "a*" / "*"): ["three.md"],
    }
    assert {glob: found(filter_of(paths=[glob])) for glob in cases} == cases


def test_a_link_finds_what_was_indexed_by_its_own_name_and_by_that_of_the_link(desk: Desk, tmp_path: Path) -> None:
    desk.write(["sub/one.md", "two.md"])
    (tmp_path / "link").symlink_to(desk.root)
    desk.index()
    assert found(filter_of(within=[str(tmp_path / "link" / "sub")])) == ["one.md"]
    desk.index(tmp_path / "link", yes=True)
    assert found(filter_of(within=[str(tmp_path / "link" / "sub" / "one.md")])) == ["one.md"]


# ---- with documents as they are read


def test_what_documents_of_several_kinds_say_is_found(desk: Desk) -> None:
    desk.write(["plain.md", "code.py"])
    desk.write(["post.md"], "---\ndate: 2021-05-03\ntags: [roof/tiles, Boiler]\nrating: 4\ndraft: no\n---\nOn roofs.\n")
    desk.write(["note.md"], "---\ntags: roof, garden\nauthor:\n  name: Ann\n---\nOn gardens.\n")
    desk.write(
        ["letter.eml"], "From: ann@example.org\nDate: Tue, 4 May 2021 23:30:00 -0200\nSubject: Roof\n\nAbout it.\n"
    )
    desk.write(
        ["page.html"], '<meta name="keywords" content="Garden, roof"><meta name="date" content="2021-05-06"><p>Text'
    )
    desk.write(["plan.org"], "#+date: <2021-05-07 Fri>\n#+filetags: :roof:work:\n* Plan\nSome.\n")
    desk.index()
    assert found(filter_of(since="2021-05", until="2021-05")) == ["letter.eml", "page.html", "plan.org", "post.md"]
    assert found(filter_of(since="2021-05-05", until="2021-05-05")) == ["letter.eml"]  # by the local clock
    assert found(filter_of(since="1h")) == ["code.py", "note.md", "plain.md"]
    assert found(filter_of(tags=["roof"])) == ["note.md", "page.html", "plan.org", "post.md"]
    assert found(filter_of(tags=["garden", "#roof"])) == ["note.md", "page.html"]
    assert found(filter_of(where=["rating=4.0", "draft=false", "date=2021-05"])) == ["post.md"]
    assert found(filter_of(where=["author.name=ann"])) == ["note.md"]
    assert found(filter_of(types=["markdown"], until="2022")) == ["post.md"]
    assert found(filter_of(types=[".md", "python"], paths=["p*"])) == ["plain.md", "post.md"]


def test_a_file_that_was_indexed_as_soon_as_it_was_written_is_of_now(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("indexer.read.reader.SETTLED_NS", 10**18)
    desk.write(["young.md"])
    desk.index()
    assert found(filter_of(since="1h")) == ["young.md"]
    assert found(filter_of(until="1h")) == []
