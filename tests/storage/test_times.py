"""What time a document is of: what it says, what its name says, what its title begins with, its file."""

from __future__ import annotations

import os
from datetime import date, timedelta

import pytest
from helpers.stored import local_store

from storage.filters import dates
from storage.filters.times import date_of_path, date_of_title
from storage.types import Chunk, Document, FileStamp, Filter

DAY = dates.day(date(2024, 5, 3))


@pytest.mark.parametrize(
    "path",
    [
        "/notes/2024-05-03.md", "/notes/2024-05-03 Standup.md", "/notes/standup-2024-05-03.md", "2024_05_03.txt",
        "/scans/scan 20240503.pdf", "/scans/IMG_20240503_1204.txt", "/a/2024.05.03.notes.txt", "/log/2024/05/03.md",
        "/_posts/2024-05-03-why.markdown", "/mail/2024-05-03", "/2023-01-01/2024-05-03.md",
    ],
)  # fmt: skip
def test_a_day_in_a_name(path: str) -> None:
    assert date_of_path(os.fsencode(path)) == DAY


@pytest.mark.parametrize(
    ("path", "span"),
    [
        ("/notes/2024-05.md", dates.interval("2024-05")),
        ("/notes/2024-05 review.md", dates.interval("2024-05")),
        ("/notes/2024-W18.md", (dates.day(date(2024, 4, 29))[0], dates.day(date(2024, 5, 5))[1])),
        ("/notes/invoice-2024-12.md", None),
        ("/notes/2024.md", None),
        ("/notes/budget 2024.xlsx", None),
        ("/notes/2024-13-45.md", None),
        ("/notes/2024-W99.md", None),
        ("/notes/120240503.md", None),
        ("/notes/18240503.md", None),
        ("/2024-05-03/notes.md", None),
        ("/05/03.md", None),
        ("", None),
    ],
)
def test_months_weeks_and_what_is_none(path: str, span: dates.Span | None) -> None:
    assert date_of_path(os.fsencode(path)) == span


@pytest.mark.parametrize(
    "title",
    [
        "2024-05-03", "2024-05-03 Standup", "2024/05/03", "Friday, 3 May 2024", "Fri 2024-05-03: the roof",
        "3rd May 2024", "3 May, 2024", "May 3, 2024", "May 3rd 2024 - the roof", "3. May 2024", "3.5.2024",
        "03.05.2024", "friday, 03. 05. 2024",
    ],
)  # fmt: skip
def test_a_day_at_the_beginning_of_a_title(title: str) -> None:
    assert date_of_title(title) == DAY


@pytest.mark.parametrize(
    "title",
    ["", "The storm of 3 May 2024", "Roof", "3/5/2024", "05/03/24", "2024", "May 2024", "35 May 2024", "Mayor 3 2024"],
)
def test_a_title_without_one(title: str) -> None:
    assert date_of_title(title) is None


def test_what_it_says_of_itself_comes_first_and_its_file_last() -> None:
    stamp = FileStamp(1, dates.day(date(2020, 1, 1))[0], 0)
    said = {"/n/2024-05-03 a.md": {"date": "2022-02-02"}, "/n/2024-05-03 b.md": {}, "/n/c.md": {}, "/n/d.md": {}}
    titles = {"/n/c.md": "3 May 2024", "/n/2024-05-03 b.md": "4 June 2021"}
    with local_store("times", write=True) as store:
        store.documents.put(
            (Document(os.fsencode(path), "markdown", bytes(32), stamp, "", titles.get(path, "T"), "x", metadata=own),
             [Chunk(path, 0, 1, 1, 1, ())])
            for path, own in said.items()
        )  # fmt: skip
        times = store.times([os.fsencode(path) for path in said])
        assert [times[os.fsencode(path)] for path in said] == [
            dates.day(date(2022, 2, 2)), DAY, DAY, (stamp.mtime_ns, stamp.mtime_ns + 1),
        ]  # fmt: skip
        assert store.times([]) == {}
        assert store.allows(Filter(since=DAY[0], until=DAY[1]))
        assert not store.allows(Filter(since=DAY[1]))


def test_the_day_of_a_moment() -> None:
    for value in (date(2024, 5, 3), date(1950, 1, 1), date(1, 1, 2), date(9999, 12, 30)):
        assert abs(date.fromisoformat(dates.day_of(dates.day(value)[0])) - value) <= timedelta(days=1)
    assert dates.day_of(DAY[0]) == "2024-05-03"
    assert dates.day_of(0) in ("1970-01-01", "1969-12-31")
