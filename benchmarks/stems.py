"""Pages in many languages in, how well words alone find them by the stems of their language and of English out.

`python -m benchmarks.stems FOLDER`, the folder `usr/share/libreoffice/help` of Debian's packages libreoffice-help-en-us
and libreoffice-help-de, -es and so on, each taken with `apt-get download` and `dpkg -x`. A question is the title of a
page, and what is to be found the page of that title, of which nothing but its paragraphs and the cells of its tables is
kept. Pages count where less than three tenths of them is as in English: many are not translated. Known items are no
people's questions, so it is the difference that tells.
"""

from __future__ import annotations

import math
import random
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple
from unittest.mock import patch

from lxml import html

from benchmarks import results
from nearest.settings import from_environment
from storage.analysis import analyzer
from storage.analysis.languages import ENGLISH
from storage.local.store import LocalStore
from storage.sqlite import term_rows
from storage.types import Chunk, Document, Query, Question

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

REFERENCE = "en-US"
PAGES, QUESTIONS, SEED = 3000, 1000, 7
LEAST = 150  # characters of a page
SHORTEST = 8  # of a title


class Page(NamedTuple):
    """What is read of a page."""

    title: str
    parts: tuple[str, ...]

    @property
    def text(self) -> str:
        """What is indexed."""
        return "\n".join(self.parts)


def read(folder: Path) -> dict[str, Page]:
    """The pages of a language, by what they are called in all of them."""
    pages = {}
    for path in sorted((folder / "text").rglob("*.html")):
        tree = html.parse(str(path)).getroot()
        paragraphs = tree.xpath("//*[@id='DisplayArea']//p | //*[@id='DisplayArea']//td[not(.//p)]")
        parts = (" ".join(" ".join(one.itertext()).split()) for one in paragraphs)
        title = (tree.findtext(".//title") or "").strip()
        pages[path.relative_to(folder).as_posix()] = Page(title, tuple(part for part in parts if len(part) > 2))
    return pages


def chosen(pages: Mapping[str, Page], english: Mapping[str, Page]) -> tuple[dict[str, Page], dict[str, str]]:
    """Pages that are translated, and questions: pages by their titles."""
    draw = random.Random(SEED)
    translated = [name for name, page in pages.items() if len(page.text) > LEAST and _own(page, english.get(name))]
    kept = {name: pages[name] for name in draw.sample(translated, min(PAGES, len(translated)))}
    titles: dict[str, list[str]] = {}
    for name, page in pages.items():
        if name not in english or page.title != english[name].title:
            titles.setdefault(page.title, []).append(name)
    alone = {title: names[0] for title, names in titles.items() if len(names) == 1 and len(title) > SHORTEST}
    asked = [title for title, name in alone.items() if name in kept]
    return kept, {title: alone[title] for title in draw.sample(asked, min(QUESTIONS, len(asked)))}


def _own(page: Page, english: Page | None) -> bool:
    same = set(english.parts if english else ())
    return sum(len(part) for part in page.parts if part in same) < 0.3 * len(page.text)


def ndcg(name: str, pages: Mapping[str, Page], questions: Mapping[str, str]) -> float:
    """nDCG@10 of keyword search: each question has one page that answers."""
    with LocalStore(name, from_environment(), write=True) as store:
        store.documents.put(map(_document, pages.items()))
        gains = [_gain(_found(store, title), wanted) for title, wanted in questions.items()]
    return sum(gains) / len(gains)


def _document(named: tuple[str, Page]) -> tuple[Document, list[Chunk]]:
    name, page = named
    chunk = Chunk(page.text, 0, len(page.text), 1, 1 + page.text.count("\n"), ())
    digest = name.encode().ljust(32, b"\0")[-32:]
    return Document(b"/" + name.encode(), "html", digest, None, "", "", page.text), [chunk]


def _found(store: LocalStore, question: str) -> Sequence[str]:
    with store.candidates(Query(Question(question), None, "keyword")) as candidates:
        best = list(candidates.best(10).keywords)
        positions = candidates.positions(best)
        return [positions[id_].path.decode() for id_ in best]


@contextmanager
def english_alone() -> Iterator[None]:
    """Stem as if all was English, and words of other scripts not at all."""
    with (
        patch.object(term_rows, "language_of", lambda _: ENGLISH),
        patch.object(analyzer, "SCRIPTS", ()),
        patch.object(analyzer, "_ANALYSED", {}),
    ):
        yield


def _gain(found: Sequence[str], wanted: str) -> float:
    rank = next((rank for rank, path in enumerate(found, start=1) if path.endswith(wanted)), 0)
    return 1 / math.log2(rank + 1) if rank else 0.0


def main() -> None:
    """The command line."""
    parser = results.parser("stems", __doc__)
    parser.add_argument("folder", type=Path)
    given = parser.parse_args()
    if not (given.folder / REFERENCE / "text").is_dir():
        parser.exit(2, f"there is no {REFERENCE}/text in {given.folder}\n")
    english, rows = read(given.folder / REFERENCE), []
    with tempfile.TemporaryDirectory() as home, patch.dict("os.environ", NEAREST_HOME=home):
        for folder in sorted(path for path in given.folder.iterdir() if (path / "text").is_dir()):
            pages, questions = chosen(read(folder), english if folder.name != REFERENCE else {})
            if len(questions) < 200:
                continue
            own = ndcg(f"own-{folder.name}", pages, questions)
            with english_alone():
                porter = ndcg(f"porter-{folder.name}", pages, questions)
            row = {"language": folder.name, "pages": str(len(pages)), "questions": str(len(questions))}
            rows.append({**row, "nDCG@10: stems of English": f"{porter:.3f}", "of the language": f"{own:.3f}"})
            print(*rows[-1].values(), flush=True)
    results.report("stems", rows, given.save)


if __name__ == "__main__":
    main()
