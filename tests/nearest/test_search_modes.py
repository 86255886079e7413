"""The command line that asks: by meaning, by words and by both; operators, filters, explanations, figures."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from helpers import ollama_server
from helpers.command import begin, closed_port, finish, lines, run, search, words_server
from helpers.ollama_server import OllamaServer
from helpers.rerank_server import RerankServer
from helpers.stored import OtherProcess
from helpers.tiny_model import make_tiny

import nearest
from nearest import NearestError
from search.modes import MODES
from search.types import GOOD

if TYPE_CHECKING:
    from storage.types import Mode

pytestmark = pytest.mark.slow

SAMPLES = Path(__file__).parents[2] / "sample_docs"
BOILER = "The boiler in the cellar is old and loud, and every winter Pilar has to bleed it twice before it is {}.\n"
DOCUMENTS = {
    "garden/lawn.txt": "Moss grows on the lawn where no sun shines.\n",
    "garden/roses.md": (
        "---\ntags: [garden, plants/roses]\ndate: 2024-05-03\ndraft: false\nauthor: Ann Lee\n---\n"
        "# Roses\n\nPrune the roses with clean shears. The label says XQ-7731.\n"
    ),
    "house/attic.md": "---\ntags: house\ndate: 2021-02\n---\nUnder the roof lie tiles of slate; the price was high.\n",
    "house/boiler.txt": BOILER.format("warm"),
    "house/copy.txt": BOILER.format("hot"),
    "house/roof.md": "---\ntags: [house]\ndraft: true\n---\nSlate tiles cover the roof of the barn.\n",
}
ROOF = ["house/attic.md", "house/roof.md"]
NONSENSE = "zebra giraffe 🜁"
NO_GOOD = r"nearest: no good match: the best hit answers the question with a confidence of \d\d?%"


@pytest.fixture(autouse=True)
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[OllamaServer]:
    """An embedder for the commands of this test."""
    with words_server(monkeypatch) as running:
        yield running


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, settled: None) -> Path:
    """A folder with six documents, last changed in 2020, in which the user is."""
    folder = tmp_path / "documents"
    for name, text in DOCUMENTS.items():
        write(folder / name, text)
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def indexed(server: OllamaServer, folder: Path) -> Path:
    """The same, indexed."""
    assert run("index", ".").status == 0
    server.requests.clear()
    return folder


def write(path: Path, text: str) -> None:
    """A file that was last changed at noon of the second of January 2020."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    os.utime(path, (1_577_966_400, 1_577_966_400))


def found(*args: str) -> list[str]:
    """The paths that are found, sorted."""
    ran = run("search", "--paths", *args)
    assert ran.status == (0 if ran.out else 1) or re.fullmatch(NO_GOOD, ran.err.strip())
    return sorted(ran.text.splitlines())


# ---- modes


def test_by_words_a_code_word_is_found_exactly_and_no_embedder_is_asked(
    server: OllamaServer, indexed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OLLAMA_HOST", closed_port())
    ran = run("search", "XQ-7731", "--mode", "keyword", "--paths")
    assert (ran.status, ran.text, ran.err) == (0, "garden/roses.md\n", "")
    ran = run("search", "XQ-7731", "--mode", "vector")
    assert (ran.status, ran.out, len(lines(ran))) == (3, b"", 1)
    assert "cannot reach Ollama" in ran.err
    ran = run("search", "XQ-7731", "--paths")
    assert (ran.status, ran.text, len(lines(ran))) == (0, "garden/roses.md\n", 1)
    assert lines(ran)[0].startswith("nearest: answered by words alone: cannot reach Ollama")
    ran = run("search", "7732", "--mode", "keyword")
    assert (ran.status, ran.out) == (1, b"")
    assert server.requests == []


def test_by_words_no_engine_of_vectors_is_imported(indexed: Path) -> None:
    code = (
        "import sys; from nearest.cli.main import script\n"
        "try: script()\nfinally: print(*sorted(sys.modules), file=sys.stderr)"
    )
    ran = finish(begin("search", "XQ-7731", "--mode", "keyword", "--paths", code=code))
    assert (ran.status, ran.text) == (0, "garden/roses.md\n")
    assert not {"openvino", "faiss", "httpx", "tokenizers"} & set(ran.err.split())


def test_by_words_only_what_has_one_of_them_is_found(indexed: Path) -> None:
    assert found("slate", "--mode", "keyword") == ROOF
    ran = run("search", "zebra", "--mode", "keyword")
    assert (ran.status, ran.out) == (1, b"")
    everything = found("slate", "--mode", "vector", "--all")
    assert everything == sorted(DOCUMENTS) == found("slate", "--all")
    assert (
        run("search", "slate", "-k2", "--paths").text.split()
        == run("search", "slate", "-k3", "--paths").text.split()[:2]
    )


@pytest.mark.parametrize("mode", MODES)
def test_each_mode_ranks_by_what_it_says(indexed: Path, mode: Mode) -> None:
    answer = run("search", "slate roof", "--mode", mode, "--json", "--explain").json
    assert (answer["mode"], answer["good"], answer["notes"]) == (mode, True, [])
    best = answer["hits"][0]
    explanation = best["explanation"]
    assert list(explanation) == ["vector", "keyword", "weight", "terms"]
    missing = {"rank": None, "score": None}
    assert (explanation["vector"] == missing) == (mode == "keyword")
    assert (explanation["keyword"] == missing) == (mode == "vector")
    assert explanation["weight"] == {"vector": 1.0, "keyword": 0.0}.get(mode, pytest.approx(0.5, abs=0.499))
    assert explanation["terms"] == ([] if mode == "vector" else ["slate", "roof"])
    if mode != "hybrid":
        scores = [hit["explanation"][mode]["score"] for hit in answer["hits"]]
        assert scores == pytest.approx([hit["score"] for hit in answer["hits"]], abs=1e-6)
        assert [hit["explanation"][mode]["rank"] for hit in answer["hits"][:2]] == [1, 2]


def test_hybrid_is_the_mode_unless_it_is_said(indexed: Path) -> None:
    unsaid, said = (run("search", "slate roof", "--json", *args).json for args in ((), ("--mode", "hybrid")))
    assert (unsaid["mode"], unsaid["hits"]) == ("hybrid", said["hits"])


def test_a_mode_that_is_none_is_refused(indexed: Path) -> None:
    ran = run("search", "roof", "--mode", "words")
    assert (ran.status, ran.out) == (2, b"")
    assert lines(ran)[-1] == ("Error: Invalid value for '--mode': 'words' is not one of 'hybrid', 'vector', 'keyword'.")


# ---- operators


@pytest.mark.parametrize("mode", ["hybrid", "keyword"])
@pytest.mark.parametrize(
    ("question", "paths"),
    [
        ('"slate tiles" barn', ["house/roof.md"]),
        ('"SLATE, tiles"', ["house/roof.md"]),
        ('tiles -"slate tiles" slate', ["house/attic.md"]),
        ("tiles -price roof", ["house/roof.md"]),
        ('"tiles slate"', []),
        ('"slate tiles" -barn', []),
        ("-barn", []),
    ],
)
def test_phrases_have_to_stand_there_and_what_has_a_minus_must_not(
    indexed: Path, mode: Mode, question: str, paths: list[str]
) -> None:
    hits = found("--exact", "--mode", mode, "--", question)
    required = question.startswith('"')
    if mode == "keyword" or required or not paths:
        assert hits == paths
    else:  # what has neither these words nor those with a minus is found by its meaning, further down
        assert [path for path in hits if path in ROOF] == paths


def test_the_words_of_a_question_may_come_one_by_one(indexed: Path) -> None:
    assert found("--mode", "keyword", "--", "tiles", "-price") == ["house/roof.md"]
    assert found("--mode", "keyword", "tiles", '"of the barn"') == ["house/roof.md"]


def test_by_meaning_alone_operators_are_text(indexed: Path) -> None:
    assert found("--mode", "vector", "--all", "--", 'tiles -price "tiles slate"') == sorted(DOCUMENTS)


# ---- explanations


def test_explain_is_a_line_below_the_place(indexed: Path) -> None:
    shown = {mode: run("search", "slate roof", "--mode", mode, "--explain", "-k1").text.splitlines() for mode in MODES}
    arms = {
        "hybrid": r"score 1\.000  vector #1 0\.\d{3}  keyword #1 \d+\.\d{3}  weight 0\.\d\d  words: slate, roof",
        "vector": r"score 0\.\d{3}  vector #1 0\.\d{3}  keyword -",
        "keyword": r"score \d+\.\d{3}  vector -  keyword #1 \d+\.\d{3}  words: slate, roof",
    }
    for mode, text in shown.items():
        assert re.fullmatch(r"house/(roof|attic)\.md:\d+  \d+%", text[0])
        assert re.fullmatch(f"    {arms[mode]}", text[1])
        assert run("search", "slate roof", "--mode", mode, "-k1").text.splitlines() == [text[0], *text[2:]]


def test_explanations_come_only_where_they_are_asked_for(indexed: Path) -> None:
    plain, explained = (search("slate", *args) for args in ((), ("--explain",)))
    assert [list(hit)[-1] for hit in explained] == ["explanation"] * len(plain)
    for hit in explained:
        del hit["explanation"]
    assert explained == plain


def test_a_passage_without_any_of_the_words_has_no_rank_by_words(indexed: Path) -> None:
    hits = search("moss", "--explain")
    by_words = {Path(hit["path"]).name: hit["explanation"]["keyword"] for hit in hits}
    assert by_words["lawn.txt"]["rank"] == 1
    assert by_words["roof.md"] == {"rank": None, "score": None}


# ---- near-duplicates


@pytest.mark.parametrize("mode", MODES)
def test_what_says_nearly_the_same_is_one_hit(indexed: Path, mode: Mode) -> None:
    question = ("boiler cellar warm", "--mode", mode)
    ran = run("search", *question, "--json")
    pair = [hit for hit in ran.json["hits"] if "/house/boiler.txt" in hit["path"] or "/house/copy.txt" in hit["path"]]
    (hit,) = pair
    (similar,) = hit["similar"]
    assert (hit["path"], similar["path"]) == (str(indexed / "house/boiler.txt"), str(indexed / "house/copy.txt"))
    assert similar["text"] == BOILER.format("hot").strip()
    assert re.match(r"house/boiler\.txt:1  \d+%  \(\+1 similar\)\n", run("search", *question).text)
    assert run("search", *question, "--paths").text.split().count("house/copy.txt") == 0


@pytest.mark.parametrize("mode", MODES)
def test_all_shows_each_of_them(indexed: Path, mode: Mode) -> None:
    question = ("boiler cellar warm", "--mode", mode, "--all", "-k2")
    ran = run("search", *question)
    assert "similar" not in ran.text
    assert run("search", *question, "--paths").text == "house/boiler.txt\nhouse/copy.txt\n"
    assert [hit["similar"] for hit in search(*question)] == [[], []]


# ---- no good match


def test_no_good_match_is_told_and_exit_1_and_the_hits_are_shown(indexed: Path) -> None:
    ran = run("search", NONSENSE)
    assert (ran.status, len(lines(ran))) == (1, 1)
    assert re.fullmatch(NO_GOOD, lines(ran)[0])
    assert re.match(r"[a-z/]+\.(md|txt):\d+  \d\d?%(  \(\+1 similar\))?\n", ran.text)
    answer = run("search", NONSENSE, "--json")
    assert (answer.status, answer.err, answer.json["good"]) == (1, ran.err, False)
    assert [f"nearest: {note}" for note in answer.json["notes"]] == lines(ran)
    confidences = [hit["confidence"] for hit in answer.json["hits"]]
    assert 0 <= max(confidences) < GOOD
    assert lines(ran)[0].endswith(f" {confidences[0]:.0%}")
    paths = run("search", NONSENSE, "--paths")
    assert (paths.status, paths.err, len(paths.text.split())) == (1, ran.err, len(confidences))


def test_one_good_answer_of_several_is_exit_0(indexed: Path) -> None:
    ran = run("search", "-", "--jsonl", stdin=f"{NONSENSE}\nslate tiles roof\n".encode())
    assert (ran.status, len(lines(ran))) == (0, 1)
    named = NO_GOOD.replace("nearest: ", f"nearest: '{NONSENSE}': ")
    assert re.fullmatch(named, lines(ran)[0])
    assert [json.loads(line)["good"] for line in ran.text.splitlines()] == [False, True]
    ran = run("search", "-", stdin=f"giraffe zebra\nslate roof\n{NONSENSE}\n".encode())
    assert [line.partition(": no good match")[0] for line in lines(ran)] == [
        "nearest: 'giraffe zebra'", f"nearest: '{NONSENSE}'",
    ]  # fmt: skip


# ---- filters

FILTERS = [
    (["--path", "*.md"], ["garden/roses.md", *ROOF]),
    (["--path", "garden/"], ["garden/lawn.txt", "garden/roses.md"]),
    (["--path", "garden/", "--path", "roof.*"], ["garden/lawn.txt", "garden/roses.md", "house/roof.md"]),
    (["--path", "./house/*.md"], ROOF),
    (["--type", "text"], ["garden/lawn.txt", "house/boiler.txt", "house/copy.txt"]),
    (["--type", ".md"], ["garden/roses.md", *ROOF]),
    (["--type", "text", "--type", "Markdown"], sorted(DOCUMENTS)),
    (["--since", "2021"], ["garden/roses.md", "house/attic.md"]),
    (["--since", "2024-05-04"], []),
    (["--until", "2021"], sorted({*DOCUMENTS} - {"garden/roses.md"})),
    (["--until", "2019"], []),
    (["--since", "2020-01-02", "--until", "2020-01-02"], sorted({*DOCUMENTS} - {"garden/roses.md", "house/attic.md"})),
    (["--tag", "house"], ROOF),
    (["--tag", "#Plants"], ["garden/roses.md"]),
    (["--tag", "plants", "--tag", "garden"], ["garden/roses.md"]),
    (["--tag", "plants", "--tag", "house"], []),
    (["--where", "draft=false"], ["garden/roses.md"]),
    (["--where", "author=ann lee"], ["garden/roses.md"]),
    (["--where", "date=2021"], ["house/attic.md"]),
    (["--where", "draft=true", "--where", "author=Ann Lee"], []),
    (["--in", "garden"], ["garden/lawn.txt", "garden/roses.md"]),
    (["--in", "garden/lawn.txt", "--in", "house"], sorted({*DOCUMENTS} - {"garden/roses.md"})),
    (["--in", "house", "--type", ".md", "--tag", "house", "--where", "draft=true"], ["house/roof.md"]),
]


@pytest.mark.parametrize(("options", "paths"), FILTERS, ids=[" ".join(options) for options, _ in FILTERS])
def test_only_what_a_filter_lets_through_is_found(indexed: Path, options: list[str], paths: list[str]) -> None:
    assert found("the slate moss roses", "--all", *options) == paths


@pytest.mark.parametrize("mode", MODES)
def test_filters_hold_in_every_mode(indexed: Path, mode: Mode) -> None:
    assert found("tiles roses", "--mode", mode, "--path", "garden/roses.md") == ["garden/roses.md"]
    assert found("slate", "--mode", mode, "--where", "draft=true") == ["house/roof.md"]


NO_TAG = "no document has the tag 'nobody'; there are: house, garden, plants/roses"


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(
    ("options", "note"),
    [
        (["--tag", "nobody"], NO_TAG),
        (["--tag", "huose"], "no document has the tag 'huose'; did you mean 'house'?"),
        (["--path", "*.pdf"], "nothing matches the path '*.pdf': write it as in a .gitignore, '*.md' or 'docs/'"),
        (
            ["--tag", "plants", "--path", "house/"],
            "nothing fits all parts of the filter together: leave one of them away",
        ),
        (["--where", "drfat=true"], "no document says anything of 'drfat'; did you mean 'draft'?"),
        (
            ["--where", "draft=maybe"],
            "no document says draft=maybe of itself: ask for another value, or see what `get` tells of one",
        ),
    ],
)
def test_a_filter_that_nothing_matches_is_told(indexed: Path, mode: Mode, options: list[str], note: str) -> None:
    ran = run("search", "slate", "--mode", mode, *options)
    assert (ran.status, ran.out, lines(ran)) == (1, b"", [f"nearest: {note}"])
    answer = run("search", "slate", "--mode", mode, *options, "--json").json
    assert (answer["good"], answer["hits"], answer["notes"]) == (False, [], [note])


def test_dates_that_no_document_has_are_told(indexed: Path) -> None:
    for options, said in (
        (["--since", "2999"], "is younger than 2999-01-01"),
        (["--until", "1971"], "is older than 19"),
    ):
        (line,) = lines(run("search", "slate", *options))
        assert line.startswith(f"nearest: no document {said}")
        assert line.endswith(": choose another date")


@pytest.mark.parametrize(
    ("question", "note"),
    [
        ('"tiles slate"', 'no passage has "tiles slate" word for word: leave the quotes away, or do not ask exactly'),
        ("zebra", "no passage has a word of the question: ask in other words, or by meaning (hybrid or vector)"),
        ("-slate", "the question only says what it is not about: ask for something, too"),
        ("slate -slate", 'whatever fits has "slate", too: leave the minus away'),
    ],
)
def test_a_question_without_a_hit_is_told_why(indexed: Path, question: str, note: str) -> None:
    ran = run("search", "--mode", "keyword", "--tag", "house", "--exact", "--", question)
    assert (ran.status, ran.out, lines(ran)) == (1, b"", [f"nearest: {note}"])


def test_an_emptied_collection_is_told(indexed: Path) -> None:
    assert run("forget", ".").status == 0
    ran = run("search", "slate")
    assert (ran.status, ran.out) == (1, b"")
    assert lines(ran) == ["nearest: collection 'default' is empty: index something into it"]


@pytest.mark.parametrize(
    "quoted", ['"tiles slate"', "“tiles slate”", "„tiles slate“", "«tiles slate»", "»tiles slate«"]
)
def test_a_phrase_that_nothing_has_is_told_and_left_aside(indexed: Path, quoted: str) -> None:
    ran = run("search", f"what of {quoted}?", "--paths")
    assert ran.status == 0
    assert ran.text.splitlines()[0] == "house/roof.md"
    assert lines(ran) == [
        'nearest: no passage has "tiles slate" word for word, so it was not demanded (`exact` demands it)'
    ]
    assert run("search", f"what of {quoted}?", "--paths", "--exact").status == 1


def test_phrases_that_stand_apart_are_both_left_aside_and_the_ones_found_are_kept(indexed: Path) -> None:
    apart = run("search", '"slate tiles" "moss"', "--paths", "--tag", "house")
    assert apart.status == 0
    kept = run("search", '"slate tiles" "no such thing"', "--json").json
    assert kept["notes"][0].startswith('no passage has "no such thing" word for word, so it was not demanded')
    assert all("slate tiles" in hit["text"].lower() for hit in kept["hits"])


def test_a_filter_that_nothing_matches_is_told_with_several_questions_and_with_a_reranker(indexed: Path) -> None:
    ran = run("search", "-", "--tag", "nobody", "--paths", stdin=b"slate\nmoss\n")
    assert (ran.status, ran.out) == (1, b"")
    assert lines(ran) == [f"nearest: 'slate': {NO_TAG}", f"nearest: 'moss': {NO_TAG}"]
    ran = run("search", "slate", "--tag", "nobody", "--rerank", f"http:{closed_port()}")
    assert (ran.status, ran.out, lines(ran)) == (1, b"", [f"nearest: {NO_TAG}"])


@pytest.mark.parametrize(
    ("options", "error"),
    [
        (["--path", "["], "--path '[' is no pattern; write it as in a .gitignore: '*.md' or 'docs/'"),
        (["--path", ""], "--path '' names nothing: say what, or leave it away"),
        (["--type", "pdf"], "no document is of type 'pdf'; there are: markdown, text"),
        (["--type", "md"], "no document is of type 'md'; there are: markdown, text; did you mean '.md'?"),
        (["--since", "tomorow"], r"--since 'tomorow' is no date: write 2024-05-03, 2024-05, 2024, .*"),
        (["--until", "2024-13"], r"--until '2024-13' is no date: write 2024-05-03, 2024-05, 2024, .*"),
        (["--since", "2025", "--until", "2024"], "--since 2025 is later than --until 2024: nothing lies between them"),
        (["--tag", " "], "--tag ' ' names nothing: say what, or leave it away"),
        (["--where", "draft"], "--where 'draft' is no KEY=VALUE: write it as in author=Ann or draft=false"),
        (["--in", ""], "--in '' names nothing: say what, or leave it away"),
        (["--in", "nowhere"], "there is no file or folder '.*/nowhere'"),
    ],
)
def test_a_filter_that_cannot_be_understood_is_one_line(indexed: Path, options: list[str], error: str) -> None:
    pattern = error if ".*" in error and "gitignore" not in error else re.escape(error)
    for command in (["search", "slate"], ["why-not", "house/roof.md", "slate"]):
        ran = run(*command, *options)
        assert (ran.status, ran.out, len(lines(ran))) == (2, b"", 1)
        assert re.fullmatch(f"nearest: {pattern}", lines(ran)[0])


def test_in_a_folder_that_was_never_indexed_only_that_is_found(server: OllamaServer, indexed: Path) -> None:
    new = indexed.parent / "new"
    write(new / "stone.txt", "Slate is a stone.\n")
    write(new / "deep" / "more.txt", "Slate splits into sheets.\n")
    ran = run("search", "slate", "--in", str(new), "--paths", "--all")
    assert (ran.status, sorted(ran.text.split()), ran.err) == (0, [f"{new}/deep/more.txt", f"{new}/stone.txt"], "")
    assert found("slate", "--mode", "keyword") == sorted([f"{new}/deep/more.txt", f"{new}/stone.txt", *ROOF])
    (new / "stone.txt").write_text("Marble is a stone, and so is granite.\n")
    assert found("slate", "--in", str(new), "--mode", "keyword") == [f"{new}/deep/more.txt"]
    assert found("granite", "--in", str(new), "--mode", "keyword") == [f"{new}/stone.txt"]


def test_in_makes_a_collection_where_there_is_none(folder: Path) -> None:
    ran = run("search", "moss lawn", "--in", "garden", "-c", "fresh", "--paths")
    assert (ran.status, ran.text) == (0, "garden/lawn.txt\ngarden/roses.md\n")
    assert run("status", "-c", "fresh", "--json").json["documents"] == 2


def test_what_in_names_is_found_by_its_words_where_the_embedder_is_away(
    indexed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (indexed / "new.txt").write_text("Granite kerbs line the path.\n")
    monkeypatch.setenv("OLLAMA_HOST", closed_port())
    ran = run("search", "granite", "--in", "new.txt", "--paths")
    assert (ran.status, ran.text) == (0, "new.txt\n")
    assert len(lines(ran)) == 3
    assert lines(ran)[1].startswith("nearest: answered by words alone: ")
    assert lines(ran)[2].startswith("nearest: 1 texts are not embedded yet; they are found by their words alone")
    assert "cannot reach Ollama" in lines(ran)[0]


# ---- typing errors


def test_a_typing_error_is_told_and_found_unless_exact(indexed: Path) -> None:
    note = "nearest: no passage has 'bioler', so 'boiler' was looked for"
    for mode in ("keyword", "hybrid"):
        ran = run("search", "bioler celar", "--mode", mode, "--json")
        assert Path(ran.json["hits"][0]["path"]).name == "boiler.txt"
        assert lines(ran)[0] == f"{note}; no passage has 'celar', so 'cellar' was looked for"
        sure = run("search", "boiler cellar", "--mode", mode, "--json").json["hits"][0]["confidence"]
        assert ran.json["hits"][0]["confidence"] < sure
    exact = run("search", "bioler", "--mode", "keyword", "--exact")
    assert (exact.status, exact.out) == (1, b"")
    assert "no passage has a word of the question" in exact.err
    assert note not in run("search", "bioler", "--mode", "vector").err
    shown = run("search", "bioler", "-k1", terminal=True).text
    assert re.search(r"\x1b\[33m(\x1b\[1m)?boiler\x1b", shown)


# ---- several collections


@pytest.fixture
def two(indexed: Path) -> Path:
    """Beside the default collection one of work, made with another model, in which tiles are no slate."""
    write(indexed / "work" / "2026-01-05.md", "Roof tiles of clay for the office, and a bill.\n")
    write(indexed / "work" / "zebra.md", "The zebra in the logo is red.\n")
    (indexed / ".nearestignore").write_text("work/\n")
    assert run("index", ".").status == 0
    (indexed / ".nearestignore").unlink()
    make_tiny(indexed.parent / "tiny", "bert")
    ran = run("index", "work", "-c", "work", "--embedder", f"local:{indexed.parent / 'tiny'}")
    assert ran.status == 0
    return indexed


def test_several_collections_are_asked_at_once(two: Path) -> None:
    ran = run("search", "slate tiles of the roof", "-c", "default", "-c", "work", "--json")
    hits = ran.json["hits"]
    assert ran.status == 0
    assert {hit["collection"] for hit in hits} == {"default", "work"}
    assert [hit["rank"] for hit in hits] == list(range(1, len(hits) + 1))
    sure = [hit["confidence"] for hit in hits]
    assert sure == sorted(sure, reverse=True)
    assert ran.json["embedder"] == f"ollama:fake, local:{two.parent / 'tiny'}"
    for name in ("default", "work"):
        own = run("search", "slate tiles of the roof", "-c", name, "--json").json["hits"]
        assert [hit["path"] for hit in hits if hit["collection"] == name] == [hit["path"] for hit in own]
        assert "collection" not in own[0]
    assert (
        len(run("search", "slate tiles of the roof", "-c", "default", "-c", "work", "-k2", "--json").json["hits"]) == 2
    )
    red = run("search", "red zebra logo", "-c", "default", "-c", "work", "-k1")
    assert re.match(r"work/zebra\.md:1  \d+%  \(in work\)\n", red.text)


def test_of_several_collections_notes_name_theirs_and_no_good_match_is_of_all(two: Path) -> None:
    ran = run("search", "zebra", "-c", "default", "-c", "work", "--mode", "keyword", "--json")
    assert (ran.status, len(ran.json["hits"])) == (0, 1)
    assert [note.partition(":")[0] for note in ran.json["notes"]] == ["default"]
    nothing = run("search", NONSENSE.replace("zebra", "okapi"), "-c", "default", "-c", "work", "-k1")
    assert nothing.status == 1
    assert sum("no good match" in line for line in lines(nothing)) == 1
    newest = run("search", "tiles roof", "-c", "default", "-c", "work", "--sort", "date", "--all", "--json").json[
        "hits"
    ]
    assert newest[0]["path"].endswith("2026-01-05.md")
    assert [hit["date"] for hit in newest] == sorted((hit["date"] for hit in newest), reverse=True)


def test_several_collections_and_in_are_refused_and_a_name_that_is_none_is_told(two: Path) -> None:
    ran = run("search", "slate", "-c", "default", "-c", "work", "--in", "house")
    assert (ran.status, lines(ran)[-1]) == (
        2, "Error: --in brings one collection up to date: name that one alone with -c",
    )  # fmt: skip
    ran = run("search", "slate", "-c", "default", "-c", "wrok")
    assert (ran.status, lines(ran)) == (2, ["nearest: there is no collection 'wrok'; did you mean 'work'?"])


def test_the_environment_may_name_several(two: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEAREST_COLLECTION", "default work")
    assert {hit["collection"] for hit in run("search", "roof tiles", "--json").json["hits"]} == {"default", "work"}


# ---- dates


def test_hits_of_the_newest_documents_come_first_where_that_is_asked(indexed: Path) -> None:
    for name in ("2023-01-31 tiles.md", "2026-02-01.md"):
        write(indexed / name, "Slate tiles for the barn, again.\n")
    run("index", ".")
    newest = run("search", "slate tiles barn", "--sort", "date", "--all", "--json").json["hits"]
    assert [hit["date"] for hit in newest][:3] == ["2026-02-01", "2024-05-03", "2023-01-31"]
    assert [hit["date"] for hit in newest] == sorted((hit["date"] for hit in newest), reverse=True)
    best = run("search", "slate tiles barn", "--all", "--json").json["hits"]
    assert sorted(hit["chunk_id"] for hit in newest) == sorted(hit["chunk_id"] for hit in best)
    assert {hit["chunk_id"]: hit["rank"] for hit in newest} == {hit["chunk_id"]: hit["rank"] for hit in best}
    assert "date" not in best[0]
    shown = run("search", "slate tiles barn", "--sort", "date", "--all").text
    assert re.match(r"2026-02-01\.md:1  \d+%  2026-02-01\n", shown)
    assert found("slate tiles barn", "--since", "2026-02-01", "--until", "2026-02-01", "--all") == ["2026-02-01.md"]
    with nearest.open() as collection:
        assert [hit.date for hit in collection.search("slate tiles barn", sort="date", fold_duplicates=False)] == [
            hit["date"] for hit in newest
        ]
        with pytest.raises(nearest.NearestError, match="there is no order 'age'; there are: score, date"):
            collection.search("slate", sort="age")  # type: ignore[arg-type]


# ---- what is not embedded yet


def test_what_waits_for_its_vector_is_found_by_its_words(server: OllamaServer, folder: Path) -> None:
    server.fail(
        ollama_server.error(400, "embedding contains NaN or Inf values"),
        when=lambda request: any("Moss" in text for text in request.texts),
    )
    assert run("index", ".", "--json").json["pending"] == 1
    found_by = {mode: run("search", "moss lawn", "--mode", mode, "--paths", "--all") for mode in MODES}
    note = "nearest: 1 texts are not embedded yet"
    assert [found_by[mode].text.split()[0] for mode in ("hybrid", "keyword")] == ["garden/lawn.txt"] * 2
    assert (found_by["hybrid"].status, lines(found_by["hybrid"])) == (
        0, [f"{note}; they are found by their words alone: nearest index"],
    )  # fmt: skip
    assert (found_by["keyword"].status, found_by["keyword"].text, found_by["keyword"].err) == (
        0, "garden/lawn.txt\n", "",
    )  # fmt: skip
    assert sorted(found_by["vector"].text.split()) == sorted({*DOCUMENTS} - {"garden/lawn.txt"})
    assert lines(found_by["vector"])[-1] == f"{note} and were not searched: nearest index"
    with OtherProcess() as other:
        assert other.does("other = local_store('default', write=True)") == "done"
        beside = run("search", "moss lawn")
    assert lines(beside) == [f"{note}; they are found by their words alone; a run is at work on them"]
    (hit, *_) = run("search", "moss lawn", "--json", "--explain").json["hits"]
    assert hit["explanation"]["vector"] == {"rank": None, "score": None}
    assert hit["explanation"]["keyword"]["rank"] == 1


# ---- why not


def test_why_not_says_where_it_stands(indexed: Path) -> None:
    ran = run("why-not", "garden/lawn.txt", "slate", "tiles", "-k1", "--mode", "keyword")
    assert (ran.status, ran.err) == (0, "")
    assert ran.text.splitlines()[0] == "garden/lawn.txt is indexed: 1 passage, all embedded"
    assert ran.text.splitlines()[1] == "not among the 2 hits (keyword)"
    ran = run("why-not", "house/roof.md", "slate tiles roof barn", "--json")
    assert (ran.status, ran.err) == (0, "")
    reasons = ran.json
    assert list(reasons) == [
        "version", "verdict", "path", "query", "documents", "coverage", "change", "skips", "barriers", "lines",
    ]  # fmt: skip
    assert [reasons[key] for key in ("version", "verdict", "path", "query", "documents", "change")] == [
        1, "found", str(indexed / "house/roof.md"), "slate tiles roof barn", 1, "",
    ]  # fmt: skip
    assert reasons["lines"] == run("why-not", "house/roof.md", "slate tiles roof barn").text.splitlines()


@pytest.mark.parametrize(
    ("args", "verdict", "said"),
    [
        (["nowhere.md", "slate"], "no such file", "nowhere.md does not exist, and is not indexed"),
        (["house/attic.md", "slate", "-k1", "--mode", "keyword"], "ranked", "-k 2 would show it"),
        (["house/copy.txt", "boiler warm"], "similar", "shown as nearly the same as house/boiler.txt:1"),
        (["house/roof.md", "slate", "--type", "text"], "filtered", "the filter leaves it out: --type text"),
        (["house/roof.md", '"tiles of slate"'], "excluded", 'the question leaves it out: "tiles of slate"'),
        (["house/roof.md", '"tiles slate"'], "found", "its best passage: house/roof.md:5"),
        (["house/roof.md", "slate -barn"], "excluded", "the question leaves it out: -barn"),
    ],
)
def test_why_not_gives_the_reason(indexed: Path, args: list[str], verdict: str, said: str) -> None:
    ran = run("why-not", *args, "--json")
    assert (ran.status, ran.err, ran.json["verdict"]) == (0, "", verdict)
    assert said in run("why-not", *args).text.splitlines()


def test_why_not_by_words_asks_no_embedder(
    server: OllamaServer, indexed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OLLAMA_HOST", closed_port())
    ran = run("why-not", "house/roof.md", "slate tiles barn", "--mode", "keyword")
    assert (ran.status, ran.err) == (0, "")
    assert ran.text.splitlines()[1:] == [
        "rank 1 of the hits (keyword), document 1 (slate, tiles, barn)", "its best passage: house/roof.md:5",
    ]  # fmt: skip
    ran = run("why-not", "house/roof.md", "slate tiles barn")
    assert (ran.status, ran.out, len(lines(ran))) == (3, b"", 1)
    assert server.requests == []


# ---- figures


def test_eval_measures_the_sample_questions(samples: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEAREST_HOME", str(samples))
    ran = run("eval", SAMPLES / "questions.jsonl", "--json")
    assert (ran.status, ran.err) == (0, "")
    assert list(ran.json) == ["version", "questions", "modes", "intervals", "notes"]
    assert (ran.json["version"], ran.json["notes"]) == (1, [])
    assert ran.json["questions"] == len((SAMPLES / "questions.jsonl").read_text().splitlines())
    measures = ["ndcg@10", "recall@1", "recall@5", "recall@10", "recall@100", "mrr@10"]
    for part in ("modes", "intervals"):
        assert list(ran.json[part]) == ["keyword", "vector", "hybrid"]
        assert [list(of) for of in ran.json[part].values()] == [measures] * 3
    for mode, of in ran.json["modes"].items():
        for name, value in of.items():
            low, high = ran.json["intervals"][mode][name]
            assert 0 <= low <= value <= high <= 1
    assert ran.json["modes"]["hybrid"]["recall@5"] > ran.json["modes"]["keyword"]["recall@5"]


def test_eval_for_people_is_a_table_of_the_modes(indexed: Path) -> None:
    asked = [("slate tiles of the barn", "house/roof.md"), ("moss", "garden/lawn.txt"), ("roses", "gone.md")]
    rows = [json.dumps({"question": question, "path": path}) for question, path in asked]
    (indexed / "questions.jsonl").write_text("\n".join(rows))
    ran = run("eval", "questions.jsonl")
    assert ran.status == 0
    head, titles, *table = ran.text.splitlines()
    assert head == "3 questions; ± is half the width of the 95 % confidence interval"
    assert titles.split() == ["nDCG@10", "Recall@1", "Recall@5", "Recall@10", "Recall@100", "MRR@10"]
    assert [row.split()[0] for row in table] == ["keyword", "vector", "hybrid"]
    assert [row.split()[1] for row in table] == ["0.667"] * 3
    assert lines(ran) == ["nearest: 1 expected paths are not indexed, and count as not found: gone.md"]


@pytest.mark.parametrize(
    ("args", "error"),
    [
        ([], "Error: give either a file of QUESTIONS or --beir FOLDER"),
        (["q.jsonl", "--beir", "b"], "Error: give either a file of QUESTIONS or --beir FOLDER"),
        (["q.jsonl", "--split", "dev"], "Error: --split and --whole are for --beir"),
        (["q.jsonl"], "nearest: cannot read q.jsonl: No such file or directory"),
    ],
)
def test_eval_of_nothing_is_refused(indexed: Path, args: list[str], error: str) -> None:
    ran = run("eval", *args)
    assert (ran.status, ran.out, lines(ran)[-1]) == (2, b"", error)


# ---- reranking


def test_a_reranking_server_has_the_last_word(indexed: Path) -> None:
    question = ("tiles of slate, high price", "-k2", "--json")
    with RerankServer() as reranker:
        address = f"http:{reranker.url.removeprefix('http://')}"
        ran = run("search", *question, "--rerank", address)
        assert ran.status == 0
        assert Path(ran.json["hits"][0]["path"]).name == "attic.md"
        assert [hit["rank"] for hit in ran.json["hits"]] == [1, 2]
        assert len(reranker.texts) == 5  # all that there is, but for the copy
    failed = run("search", *question, "--rerank", f"http:{closed_port()}")
    assert (failed.status, len(lines(failed))) == (0, 1)
    assert re.fullmatch(
        r"nearest: the reranker at .* cannot be reached.*: the order is that without it", failed.err.strip()
    )
    assert failed.json["hits"] == run("search", *question).json["hits"]


# ---- from Python


def test_the_python_face_has_modes_and_filters(server: OllamaServer, indexed: Path) -> None:
    server.down()
    try:
        with nearest.open() as collection:
            hits = collection.search("slate", mode="keyword", types=["markdown"])
            assert [Path(hit.path).name for hit in hits] in (["roof.md", "attic.md"], ["attic.md", "roof.md"])
            assert all(0 < hit.confidence <= 1 for hit in hits)
            server.up()
            names = {
                mode: {Path(hit.path).name for hit in collection.search("slate", mode=mode, types=["markdown"])}
                for mode in MODES
            }
            assert names == {
                "hybrid": {"attic.md", "roof.md", "roses.md"},
                "vector": {"attic.md", "roof.md", "roses.md"},
                "keyword": {"attic.md", "roof.md"},
            }
    finally:
        server.down()
        server.up()


def test_the_python_face_takes_every_filter(indexed: Path) -> None:
    def names(**only: object) -> list[str]:
        hits = collection.search("slate tiles roses boiler", **only)  # type: ignore[arg-type]
        return sorted(os.path.relpath(hit.path, indexed) for hit in hits)

    with nearest.open() as collection:
        assert names(paths=["garden/"]) == ["garden/lawn.txt", "garden/roses.md"]
        assert names(since="2021", until="2023") == ["house/attic.md"]
        assert names(tags=["house"], where=["draft=true"]) == ["house/roof.md"]
        assert names(within=["house"], types=[".txt"]) == ["house/boiler.txt"]
        assert names(within=["house"], types=[".txt"], fold_duplicates=False) == ["house/boiler.txt", "house/copy.txt"]
        assert names(k=1, mode="vector", tags=["plants"]) == ["garden/roses.md"]
        (hit,) = collection.search('"slate tiles"')
        assert (hit.path, hit.explanation.terms) == (str(indexed / "house/roof.md"), ("slate", "tiles"))
        assert not collection.search('"tiles slate"', exact=True)
        assert collection.search('"tiles slate"')[0].path == hit.path
        assert names(types=".txt", paths="garden/") == ["garden/lawn.txt"]
        assert names(tags="plants", where="draft=false", within="garden") == ["garden/roses.md"]
        for bad in ({"types": ["pdf"]}, {"since": "soon"}, {"where": ["draft"]}, {"paths": ["["]}, {"tags": [""]}):
            with pytest.raises(NearestError):
                names(**bad)
        for name in ("types", "since", "where", "paths", "tags", "within"):
            with pytest.raises(NearestError):
                names(**{name: ""})


def test_the_python_face_takes_one_path_and_one_glob_without_a_list(folder: Path) -> None:
    with nearest.open() as collection:
        assert collection.index("garden").documents.added == 2
        assert collection.index(folder / "house", include="*.md").documents.added == 2
        assert collection.index("house", exclude="roof.*", yes=True).documents.added == 2
        with pytest.raises(NearestError, match="an empty path names nothing"):
            collection.index("")
