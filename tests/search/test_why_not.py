"""Why a document did not come up: every reason there is, from real files, collections and questions."""

from __future__ import annotations

import os
import random
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from helpers.desk import Desk, Words, as_somebody_else
from helpers.opened import limits, open_searcher
from helpers.stored import local_store

from indexer.embed.protocol import Embedder
from indexer.walk.explain import explain_path
from indexer.walk.walker import Entry, walk_root
from nearest.reasons import barrier_text, reason_lines
from search.explain.document_rank import FIRST_LOOK
from search.explain.not_indexed import explain_missing
from search.explain.why_not import Explanation, why_not
from storage.errors import NearestError, RefusedError, UnreachableError
from storage.files import Root, SkipCode, SkippedFile, is_below
from storage.settings import Settings
from storage.types import Filter

posix = pytest.mark.skipif(os.name != "posix", reason="this system has no such files")


@dataclass
class Asker:
    """Asks why, in the folder of the desk."""

    desk: Desk

    def __call__(self, path: str, question: str = "word", k: int = 10, **options: object) -> Explanation:
        with open_searcher("default") as searcher:
            return why_not(searcher, str(self.desk.root / path), question, k, **options)  # type: ignore[arg-type]


@pytest.fixture
def ask(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> Asker:
    """The desk's folder is the current one, and questions are embedded as its documents were."""

    def engine(name: str, _: Settings) -> Embedder:
        assert name == desk.embedder.name
        return desk.embedder

    monkeypatch.setattr("search.searcher.open_embedder", engine)
    monkeypatch.chdir(desk.root)
    desk.embedder.dimension = 512
    return Asker(desk)


def lines_of(reasons: Explanation) -> tuple[str, ...]:
    """What is printed of them."""
    return tuple(reason_lines(reasons))


def barriers_of(reasons: Explanation) -> tuple[str, ...]:
    """The parts of filter and question, as they are printed."""
    return tuple(map(barrier_text, reasons.barriers))


# ---- what is not indexed


def test_a_file_that_does_not_exist(desk: Desk, ask: Asker) -> None:
    desk.write(["notes/roof.md", "b.md"])
    desk.index()
    reasons = ask("notes/rof.md")
    assert reasons.verdict == "no such file"
    assert lines_of(reasons) == ("notes/rof.md does not exist, and is not indexed; did you mean 'roof.md'?",)
    assert lines_of(ask("roof.md")) == ("roof.md does not exist, and is not indexed; did you mean 'notes/roof.md'?",)


def test_a_path_that_names_nothing(desk: Desk, ask: Asker) -> None:
    desk.write(["a.md"])
    desk.index()
    with open_searcher("default") as searcher:
        for name in ("", "a\0b"):
            with pytest.raises(NearestError, match="names nothing"):
                why_not(searcher, name, "word")


def test_outside_of_everything_that_was_indexed(desk: Desk, ask: Asker) -> None:
    desk.write(["in/a.md", "out/b.md"])
    desk.index("in")
    assert ask("out/b.md").verdict == "outside"
    assert ask("out").verdict == "outside"
    assert lines_of(ask("out/b.md")) == ("out/b.md is outside of everything that was indexed: nearest index out/b.md",)


@pytest.mark.parametrize(
    ("path", "left_out", "reason"),
    [
        ("a.log", "a.log", "ignored by .gitignore:3: *.log"),
        ("build/deep/x.md", "build", "ignored by .gitignore:4: build/"),
        ("build", "build", "ignored by .gitignore:4: build/"),
        ("sub/b.md", "sub/b.md", "ignored by sub/.nearestignore:1: /b.md"),
        (".hidden/x.md", ".hidden", "hidden"),
        ("drafts/x.md", "drafts", "excluded by --exclude drafts/"),
        ("c.txt", "c.txt", "not matched by --include"),
    ],
)
def test_a_rule_leaves_it_out(desk: Desk, ask: Asker, path: str, left_out: str, reason: str) -> None:
    desk.write(["a.log", "build/deep/x.md", "sub/b.md", ".hidden/x.md", "drafts/x.md", "c.txt", "d.md"])
    desk.write([".gitignore"], "# comment\n\n*.log\nbuild/\n")
    desk.write(["sub/.nearestignore"], "/b.md\n")
    desk.index(include=["*.md", "*.log"], exclude=["drafts/"])
    reasons = ask(path)
    assert reasons.verdict == "ignored"
    assert [(os.path.relpath(os.fsdecode(skip.path), desk.root), skip.reason) for skip in reasons.skips] == [
        (left_out, reason)
    ]
    where = "" if path == left_out else f"{left_out} is left out: "
    assert lines_of(reasons)[0] == f"{path} is not indexed: {where}{reason}"
    desk.index(lines_of(reasons)[1].partition("nearest index ")[2])  # the cure that is offered helps
    assert ask(path).verdict == "found"


def test_the_rules_are_those_of_now(desk: Desk, ask: Asker) -> None:
    desk.write(["a.log", "b.md"])
    desk.write([".gitignore"], "*.log\n")
    desk.index()
    desk.write([".gitignore"], "")
    assert ask("a.log").verdict == "not read yet"
    desk.write(["c.tmp"])
    desk.write([".gitignore"], "# temporary\n*.tmp\n")
    assert ask("c.tmp").skips[0].reason == "ignored by .gitignore:2: *.tmp"


def test_own_data_is_not_offered(desk: Desk, ask: Asker, nearest_home: Path) -> None:
    desk.write(["a.md"])
    desk.index()
    with local_store("default", write=True) as collection:
        collection.documents.remember(Root(os.fsencode(nearest_home)))
    reasons = ask(str(nearest_home / "collections" / "default" / "nearest.db"))
    assert reasons.verdict == "ignored"
    assert lines_of(reasons)[0].endswith("is left out: nearest's own data")
    assert len(lines_of(reasons)) == 1


def test_what_a_file_is_leaves_it_out(desk: Desk, ask: Asker) -> None:
    desk.write(["a.md"])
    desk.write(["empty.md"], "\n")
    (desk.root / "photo.png").write_bytes(b"\x89PNG\r\n")
    (desk.root / "data.md").write_bytes(b"\0\1\2\3" * 100)
    (desk.root / "broken.docx").write_bytes(b"PK\x03\x04 nothing")
    with (desk.root / "large.md").open("wb") as file:
        file.truncate(64_000_001)
    desk.index()
    assert desk.documents() == ["a.md"]
    for name, reason in desk.reasons().items():
        reasons = ask(name)
        assert reasons.verdict == "skipped"
        assert reasons.skips[0].reason == reason.removeprefix("!")
        assert lines_of(reasons)[0] == f"{name} is not indexed: {reason.removeprefix('!')}"
    assert len(desk.reasons()) == 5


def test_a_refused_file_that_was_changed_is_judged_anew(desk: Desk, ask: Asker) -> None:
    desk.write(["a.md"])
    desk.write(["b.md"], "\n")
    desk.index()
    desk.write(["b.md"], "Now there are words.\n")
    assert ask("b.md").verdict == "not read yet"
    desk.index()
    assert ask("b.md").verdict == "found"


def test_a_file_nobody_has_read_yet(desk: Desk, ask: Asker) -> None:
    desk.write(["a.md"])
    desk.index()
    desk.write(["new/b.md"])
    reasons = ask("new/b.md")
    assert reasons.verdict == "not read yet"
    assert lines_of(reasons) == ("new/b.md was not read yet, and will be found after: nearest index",)


@posix
def test_links(desk: Desk, ask: Asker) -> None:
    desk.write(["in/a.md", "out/b.md", "out/sub/c.md"])
    for name, target in {"in/near.md": "a.md", "in/far.md": "../out/b.md", "in/far": "../out/sub"}.items():
        (desk.root / name).symlink_to(target)
    (desk.root / "link").symlink_to("in")
    desk.index("in")
    assert ask("in/near.md").verdict == "found"
    assert ask("in/near.md").path == str(desk.root / "in" / "a.md")
    for path in ("in/far.md", "in/far", "in/far/c.md"):
        assert ask(path).verdict == "skipped"
        assert ask(path).skips[0].reason == "link out of the folder"
    assert ask("link/a.md").verdict == "found"


@posix
def test_a_root_that_is_a_link(desk: Desk, ask: Asker) -> None:
    desk.write(["real/a.md", "real/sub/b.log"])
    desk.write(["real/.gitignore"], "*.log\n")
    (desk.root / "link").symlink_to("real")
    desk.index("link")
    for folder in ("link", "real"):
        assert ask(f"{folder}/a.md").verdict == "found"
        assert ask(f"{folder}/sub/b.log").skips[0].reason == "ignored by .gitignore:1: *.log"


def test_a_folder_of_which_nothing_is_indexed(desk: Desk, ask: Asker) -> None:
    desk.write(["a.md", "logs/1.log", "logs/2.log", "logs/3.log", "logs/deep/4.log"])
    desk.write([".gitignore"], "*.log\n")
    desk.write(["mixed/x.log"])
    desk.write(["mixed/y.md"], "\n")
    (desk.root / "bare").mkdir()
    desk.index()
    reasons = ask("logs")
    assert reasons.verdict == "ignored"
    assert len(reasons.skips) == 4
    assert lines_of(reasons) == (
        "of logs nothing is indexed; what is in it is left out:",
        "logs/1.log: ignored by .gitignore:1: *.log",
        "logs/2.log: ignored by .gitignore:1: *.log",
        "logs/3.log: ignored by .gitignore:1: *.log",
        "and 1 more",
    )
    assert ask("mixed").verdict == "skipped"
    assert {skip.reason for skip in ask("mixed").skips} == {"ignored by .gitignore:1: *.log", "empty"}
    assert lines_of(ask("bare")) == ("bare is empty",)
    desk.write(["logs/new.md"])
    assert ask("logs").verdict == "not read yet"
    assert lines_of(ask("logs"))[0] == "of logs nothing is indexed yet; 1 file will be found after: nearest index"


@posix
def test_a_folder_that_may_not_be_read(ask: Asker) -> None:
    with tempfile.TemporaryDirectory() as name, local_store("default", write=True) as collection:
        folder = Path(name, "closed")
        folder.mkdir()
        (folder / "a.md").write_text("word")
        collection.documents.remember(Root(os.fsencode(name)))
        Path(name).chmod(0o755)
        folder.chmod(0)
        with as_somebody_else():
            found = explain_missing(collection, os.fsencode(folder / "a.md"), limits())
        folder.chmod(0o700)
    assert found.verdict == "skipped"
    reasons = Explanation(verdict=found.verdict, path=str(folder / "a.md"), question="word", k=10, missing=found)
    assert lines_of(reasons) == (
        f"{folder / 'a.md'} is not indexed: {folder} is left out: permission denied",
        "every nearest index tries it again",
    )


# ---- the explanation is the walk


def met(found: Iterator[Entry | SkippedFile]) -> dict[bytes, Entry | SkippedFile]:
    return {one.path: one for one in found}


@pytest.mark.parametrize("seed", range(6))
def test_what_is_explained_is_what_the_walk_does(tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)
    root = tmp_path / "tree"
    patterns = ["*.log", "!a.log", "b/", "/a", "!b", "**/c", "a/*.txt", "*", "!*/", "!*.md", ".x", "b/**/c"]

    def fill(folder: Path, depth: int) -> None:
        folder.mkdir()
        for name in chance.sample(["a", "b", "c", "a.log", "b.log", "a.txt", "a.md", "b.md", ".x", "ä b"], 7):
            if "." in name or depth > 2 or chance.random() < 0.3:
                (folder / name).write_text("word")
            else:
                fill(folder / name, depth + 1)
        for name in chance.sample([".gitignore", ".nearestignore"], chance.choice([0, 0, 1, 2])):
            (folder / name).write_text("\n".join(chance.sample(patterns, 3)))

    fill(root, 0)
    if os.name == "posix":
        (root / "link").symlink_to("a")
        (root / "ring").symlink_to("ring")
    asked = Root(os.fsencode(root), ("*.md", "*.txt", "c"), ("ä*",))
    for options in (Root(asked.path), asked):
        everything = met(walk_root(options, []))
        for folder, folders, files in os.walk(os.fsencode(root)):
            for name in [*folders, *files]:
                path = folder + os.fsencode(os.sep) + name
                found = explain_path(path, [options], [])
                above = [one for at, one in everything.items() if is_below(path, at)]
                below = [one for at, one in everything.items() if is_below(at, path)]
                assert found == (above or below), path


def test_of_several_roots_one_that_takes_a_file_decides(tmp_path: Path) -> None:
    inner = tmp_path / "docs" / ".notes"
    inner.mkdir(parents=True)
    for name in ("a.md", "b.txt"):
        (inner / name).write_text("word")
    outer = Root(os.fsencode(tmp_path / "docs"))
    roots = [outer, Root(os.fsencode(inner), ("*.md",))]
    path = os.fsencode(inner / "a.md")
    assert [one.path for one in explain_path(path, roots, []) or [] if isinstance(one, Entry)] == [path]
    for order in (roots, roots[::-1]):
        assert explain_path(os.fsencode(inner / "b.txt"), order, []) == [
            SkippedFile(os.fsencode(inner / "b.txt"), SkipCode.NOT_INCLUDED, "not matched by --include")
        ]
    assert explain_path(path, [outer], []) == [SkippedFile(os.fsencode(inner), SkipCode.HIDDEN, "hidden")]
    assert explain_path(os.fsencode(tmp_path / "other"), roots, []) is None
    assert SkipCode.HIDDEN.is_rule
    assert not SkipCode.BINARY.is_rule


# ---- what is indexed


QUESTION = "one two three four five six seven eight"


def sharing(number: int, name: object = "") -> str:
    """A text that shares so many words with the question, and has others that no other has."""
    name = name or number
    return " ".join([*QUESTION.split()[:number], *(f"x{name}x{at}" for at in range(16 - number))]) + "\n"


def test_found(desk: Desk, ask: Asker) -> None:
    desk.write(["a.md"], sharing(8))
    desk.write(["b.md"], sharing(4))
    desk.index()
    reasons = ask("b.md", QUESTION)
    assert reasons.verdict == "found"
    first = reasons.standings[0]
    assert (first.mode, first.rank, first.document, first.hits) == ("hybrid", 2, 2, 2)
    assert lines_of(reasons)[0] == "b.md is indexed: 1 passage, all embedded"
    assert lines_of(reasons)[1].startswith(
        "rank 2 of the hits (hybrid), document 2: rank 2 by meaning, rank 2 by words"
    )
    assert lines_of(reasons)[2:] == ("its best passage: b.md:1", "above it: 1. a.md:1")


def test_further_down(desk: Desk, ask: Asker) -> None:
    for number in range(8, 0, -1):
        desk.write([f"{number}.md"], sharing(number))
    desk.index()
    reasons = ask("2.md", QUESTION, k=5, mode="vector")
    assert reasons.verdict == "ranked"
    assert reasons.standings[0].rank == 7
    assert [Path(hit.path).name for hit in reasons.standings[0].above] == ["8.md", "7.md", "6.md"]
    assert "above it: 1. 8.md:1  2. 7.md:1  3. 6.md:1" in lines_of(reasons)
    assert lines_of(reasons)[-1] == "-k 7 would show it"
    assert ask("2.md", QUESTION, k=7, mode="vector").verdict == "found"


def test_the_hits_are_searched_to_their_end(desk: Desk, ask: Asker) -> None:
    for number in range(FIRST_LOOK + 20):
        desk.write([f"{number}.md"], sharing(8, f"n{number}"))
    desk.write(["last.md"], "nothing of that\n")
    desk.index()
    reasons = ask("last.md", QUESTION, mode="vector")
    assert reasons.standings[0].rank == FIRST_LOOK + 21
    reasons = ask("last.md", QUESTION, mode="keyword")
    assert reasons.verdict == "ranked"
    assert reasons.standings[0].rank is None
    assert reasons.standings[0].hits == FIRST_LOOK + 20
    assert lines_of(reasons)[1] == f"not among the {FIRST_LOOK + 20} hits (keyword)"


def test_a_folder_stands_where_its_best_document_stands(desk: Desk, ask: Asker) -> None:
    for number in range(1, 9):
        desk.write([f"{'odd' if number % 2 else 'even'}/{number}.md"], sharing(number))
    desk.index()
    reasons = ask("odd", QUESTION, mode="vector")
    assert (reasons.verdict, reasons.documents, reasons.standings[0].rank) == ("found", 4, 2)
    assert lines_of(reasons)[0] == "odd is a folder with 4 documents: 4 passages, all embedded"
    assert "its best passage: odd/7.md:1" in lines_of(reasons)


def test_pending(desk: Desk, ask: Asker) -> None:
    def trouble(texts: list[str]) -> None:
        if any("seven" in text for text in texts):
            raise NearestError("interrupted")

    desk.embedder = Words(dimension=512, batch_texts=1, trouble=trouble)
    desk.write(["a.md"], sharing(2))
    desk.write(["z.md"], sharing(8))
    with pytest.raises(NearestError, match="interrupted"):
        desk.index()
    desk.embedder.trouble = lambda texts: None
    reasons = ask("z.md", "something else", mode="vector")
    assert reasons.verdict == "pending"
    assert len(reasons.coverage.waiting) == 1
    assert lines_of(reasons)[:2] == (
        "z.md is indexed: 1 passage, 1 not embedded yet",
        "not embedded yet: z.md:1; nearest index carries on",
    )
    assert reasons.standings[0].rank is None
    desk.index()
    assert ask("z.md", QUESTION, mode="vector").verdict == "found"


def test_refused(desk: Desk, ask: Asker) -> None:
    def trouble(texts: list[str]) -> None:
        if any("eight" in text for text in texts):
            raise RefusedError("not this one")

    desk.embedder = Words(dimension=512, trouble=trouble)
    desk.write(["a.md"], sharing(2))
    desk.write(["z.md"], sharing(8))
    desk.index()
    reasons = ask("z.md", "something else", mode="vector")
    assert reasons.verdict == "refused"
    assert list(reasons.coverage.refused.values()) == ["not this one"]
    assert lines_of(reasons)[:2] == (
        "z.md is indexed: 1 passage, 1 refused",
        "refused by the embedder: z.md:1: not this one",
    )


def test_what_became_of_the_file_since(desk: Desk, ask: Asker) -> None:
    desk.write(["a.md", "b.md", "c.md"])
    desk.index()
    desk.write(["a.md"], "Other words.\n")
    (desk.root / "b.md").unlink()
    for path, change, line in (
        ("a.md", "changed", "its file has changed since: nearest index brings it up to date"),
        ("b.md", "gone", "its file is gone: nearest index drops it"),
    ):
        reasons = ask(path)
        assert (reasons.verdict, reasons.change) == ("found", change)
        assert line in lines_of(reasons)
    assert ask("c.md").change == ""


# ---- what is left out by what was asked


@pytest.mark.parametrize(
    ("only", "barriers"),
    [
        (Filter(paths=("*.txt",)), ("--path *.txt",)),
        (Filter(paths=("*.txt", "/z*")), ("--path *.txt, /z*",)),
        (Filter(kinds=("text",)), ("--type text",)),
        (Filter(tags=("roof", "blue", "red")), ("--tag blue", "--tag red")),
        (Filter(where=(("author", "Ann"), ("author", "Bob"))), ("--where author=Bob",)),
        (Filter(paths=("*.md",), kinds=("text",), tags=("blue",)), ("--type text", "--tag blue")),
        (Filter(since=1_700_000_000_000_000_000, tags=("blue",)), ("--since", "--tag blue")),
        (Filter(until=946_684_800_000_000_000), ("--until, which is before",)),
        (Filter(below=(b"/nowhere",)), ("--in /nowhere",)),
    ],
)
def test_filtered(desk: Desk, ask: Asker, only: Filter, barriers: tuple[str, ...]) -> None:
    desk.write(["a.md"], f"---\ntags: [roof, house]\nauthor: Ann\ndate: 2020-05-01\n---\n{sharing(4)}")
    desk.write(["b.txt"], sharing(8))
    desk.index()
    reasons = ask("a.md", QUESTION, mode="vector", only=only)
    assert reasons.verdict == "filtered"
    assert len(reasons.barriers) == len(barriers)
    assert all(found.startswith(part) for found, part in zip(barriers_of(reasons), barriers, strict=True))
    assert lines_of(reasons)[1] == f"the filter leaves it out: {'; '.join(barriers_of(reasons))}"
    assert lines_of(reasons)[2].startswith("without the filter rank 2 of the hits (vector)")
    assert not any(line.startswith("-k") for line in lines_of(reasons))


def test_a_filter_that_lets_it_through(desk: Desk, ask: Asker) -> None:
    desk.write(["a.md"], sharing(4))
    desk.write(["b.txt"], sharing(8))
    desk.index()
    reasons = ask("a.md", QUESTION, mode="vector", only=Filter(paths=("*.md",)))
    assert (reasons.verdict, reasons.standings[0].rank, barriers_of(reasons)) == ("found", 1, ())


def test_a_filter_whose_parts_only_together_let_nothing_of_a_folder_through(desk: Desk, ask: Asker) -> None:
    desk.write(["x/a.md", "x/b.txt"])
    desk.index()
    reasons = ask("x", only=Filter(paths=("a.*",), kinds=("text",)))
    assert (reasons.verdict, barriers_of(reasons)) == ("filtered", ("all of it together",))


@pytest.mark.parametrize(
    ("question", "barriers"),
    [
        ('roof "blue slates"', ('"blue slates"',)),
        ("roof -tile", ("-tile",)),
        ('roof -"red tiles"', ('-"red tiles"',)),
        ('"red tiles" -roof "blue slates"', ("-roof",)),  # nothing has both phrases: neither is demanded
    ],
)
def test_excluded(desk: Desk, ask: Asker, question: str, barriers: tuple[str, ...]) -> None:
    desk.write(["a.md"], "The roof has red tiles.\n")
    desk.write(["b.md"], "Blue slates.\n")
    desk.index()
    reasons = ask("a.md", question)
    assert (reasons.verdict, barriers_of(reasons)) == ("excluded", barriers)
    assert lines_of(reasons) == (
        "a.md is indexed: 1 passage, all embedded",
        f"the question leaves it out: {', '.join(barriers)}",
    )
    assert ask("a.md", question, mode="vector").verdict == "found"  # there it is text like any other


def test_a_phrase_that_it_holds(desk: Desk, ask: Asker) -> None:
    desk.write(["a.md"], "The roof has red tiles.\n")
    desk.write(["b.md"], "Blue slates.\n")
    desk.index()
    reasons = ask("a.md", '"red tiles" -slate')
    assert (reasons.verdict, reasons.standings[0].rank, reasons.standings[0].hits) == ("found", 1, 1)


def test_a_question_that_only_excludes(desk: Desk, ask: Asker) -> None:
    desk.write(["a.md"], "The roof has red tiles.\n")
    desk.index()
    reasons = ask("a.md", "-slate")
    assert (reasons.verdict, reasons.standings[0].hits) == ("ranked", 0)
    assert "the question only says what it is not about: nothing is looked for" in lines_of(reasons)


def test_the_words_that_decide(desk: Desk, ask: Asker) -> None:
    desk.write(["a.md"], "The roof has red tiles.\n")
    desk.write(["b.md"], "Blue slates.\n")
    desk.index()
    assert "by words (roof, tile)" in lines_of(ask("a.md", "roof tile hammer"))[1]
    by_words = ask("a.md", "roof tile hammer", mode="keyword")
    assert lines_of(by_words)[1] == "rank 1 of the hits (keyword), document 1 (roof, tile)"
    assert lines_of(ask("b.md", "roof"))[1].endswith("no rank by words: it has no word of the question")


def test_by_words_alone_no_embedder_is_opened(desk: Desk, ask: Asker, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.write(["a.md"], "The roof has red tiles.\n")
    desk.write(["b.md"], "Blue slates.\n")
    desk.index()

    def out_of_reach(name: str, _: Settings) -> Embedder:
        raise UnreachableError(name)

    monkeypatch.setattr("search.searcher.open_embedder", out_of_reach)
    with open_searcher("default", mode="keyword") as searcher:
        reasons = why_not(searcher, "a.md", "roof", mode="keyword")
        assert (reasons.verdict, [one.mode for one in reasons.standings]) == ("found", ["keyword"])
        assert lines_of(why_not(searcher, "b.md", "roof", mode="keyword"))[1] == "not among the 1 hit (keyword)"
        with pytest.raises(UnreachableError):
            why_not(searcher, "a.md", "roof")


def test_nearly_the_same(desk: Desk, ask: Asker) -> None:
    text = "The roof of the old house has red tiles, and they were laid by hand in the summer of that year"
    desk.write(["a.md"], text + ".\n")
    desk.write(["b.md"], text + "!\n")
    desk.write(["c.md"], "Nothing to do with it.\n")
    desk.index()
    reasons = [ask(name, "roof tiles") for name in ("a.md", "b.md")]
    assert [one.verdict for one in reasons] == ["found", "similar"]
    assert reasons[1].standings[0].folded
    assert "shown as nearly the same as a.md:1" in lines_of(reasons[1])


# ---- with the real model


def test_the_sample_documents(samples: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEAREST_HOME", str(samples))
    root = Path(__file__).parents[2] / "sample_docs"
    monkeypatch.chdir(root)
    question = "how do I bleed a radiator"
    with open_searcher("default") as searcher:
        every = searcher.ask(question, 1000).hits
        for name in ("house/boiler.md", "kitchen/sourdough.md", "code/tides.py"):
            reasons = why_not(searcher, name, question, 3)
            rank = next(hit.rank for hit in every if hit.path == str(root / name))
            assert reasons.standings[0].rank == rank
            assert reasons.verdict == ("found" if rank <= 3 else "ranked")
            assert [standing.mode for standing in reasons.standings] == ["hybrid", "vector", "keyword"]
            assert reasons.standings[0].best == every[rank - 1]
            assert list(reasons.standings[0].above) == list(every[: min(rank - 1, 3)])
