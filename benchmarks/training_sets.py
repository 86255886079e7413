"""Documents without labels in, questions and what answers them out, and an embedder that is worse than those on board.

In these sets the question is the first paragraph of a docstring, and the answer its function without it (Python's
standard library); or a heading, and the answer what stands below it (documentation in Debian packages).
"""

from __future__ import annotations

import ast
import json
import random
import re
import shutil
import sysconfig
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from safetensors.numpy import load_file, save_file

from benchmarks.trees import package, python_documentation
from indexer.embed.local import model_folder
from indexer.embed.local.named import ALL_MINILM, TOKENIZER, WEIGHTS
from indexer.read.extract import UnreadableError
from indexer.read.reader import extract

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SEED = 5
QUESTIONS = 400
NUMBERING = re.compile(r"^(第\s*)?[\d.]+\s*(章\S*)?[.、]?\s*")
RARE = 8  # as a logarithm of a token's number in the vocabulary, from where on it counts in full

Pair = tuple[str, str]  # a question and what answers it


def functions() -> Iterator[Pair]:
    """Docstrings and functions of Python's standard library."""
    library = Path(sysconfig.get_paths()["stdlib"])
    for file in sorted(library.rglob("*.py")):
        if {"site-packages", "test", "tests", "idlelib"}.intersection(file.relative_to(library).parts):
            continue
        try:
            tree = ast.parse(file.read_bytes())
        except (SyntaxError, ValueError):
            continue
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef) and len(node.body) > 1 and (said := ast.get_docstring(node)):
                node.body = node.body[1:]
                first = " ".join(said.split("\n\n")[0].split())
                if 20 < len(first) < 150:
                    yield first, ast.unparse(node)


def sections(folder: Path, files: int | None = None) -> Iterator[Pair]:
    """Titles of sections, and the sections, of so many files of a folder."""
    found = sorted(path for path in folder.rglob("*") if path.name.endswith((".html", ".rst", ".rst.txt", ".txt")))
    for file in random.Random(SEED).sample(found, min(files or len(found), len(found))):
        try:
            page = extract(file.name, file.read_bytes())
        except UnreadableError:
            continue
        ends = [*(heading.offset for heading in page.headings[1:]), len(page.text)]
        for heading, end in zip(page.headings, ends, strict=False):  # a page may have none
            body = page.text[heading.offset + len(heading.title) : end].strip()
            title = NUMBERING.sub("", heading.title).strip()
            if len(body) > 100 and len(title) > 3:
                yield title, body[:3000]


MADE: dict[str, tuple[int, Callable[[], Iterator[Pair]]]] = {
    "functions": (3000, functions),
    "python-sections": (1500, lambda: sections(python_documentation(), 150)),
    "office-sections": (1500, lambda: sections(package("libreoffice-help-en-us"), 900)),
    "spanish-sections": (800, lambda: sections(package("libreoffice-help-es"), 500)),
    "finnish-sections": (800, lambda: sections(package("libreoffice-help-fi"), 500)),
    "russian-sections": (800, lambda: sections(package("libreoffice-help-ru"), 500)),
    "chinese-sections": (800, lambda: sections(package("debian-reference-zh-cn"))),
}


def make(name: str, place: Path) -> Path:
    """A folder as BEIR has them, of pairs no two of which have the same question."""
    number, pairs = MADE[name]
    folder = place / name
    (folder / "qrels").mkdir(parents=True, exist_ok=True)
    found = list(dict(pairs()).items())
    found = random.Random(SEED).sample(found, min(number, len(found)))
    rows = [{"_id": f"row{at}", "title": "", "text": answer} for at, (_, answer) in enumerate(found)]
    asked = [{"_id": f"q{at}", "text": question} for at, (question, _) in enumerate(found[:QUESTIONS])]
    for file, lines in (("corpus.jsonl", rows), ("queries.jsonl", asked)):
        (folder / file).write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    judged = ["query-id\tcorpus-id\tscore", *(f"q{at}\trow{at}\t1" for at in range(len(asked)))]
    (folder / "qrels" / "train.tsv").write_text("\n".join(judged), encoding="utf-8")
    return folder


def static_model(place: Path) -> Path:
    """Make a static model of the default one's own word embeddings, rarer tokens the heavier."""
    source = model_folder.find(ALL_MINILM).path
    folder = place / "static"
    folder.mkdir(parents=True, exist_ok=True)
    table = load_file(source / WEIGHTS)["embeddings.word_embeddings.weight"].astype(np.float32)
    table -= table.mean(0)
    weights = 1 / (1 + np.exp(RARE - np.log(np.arange(1, len(table) + 1))))
    save_file({"embeddings": (table * weights[:, None]).astype(np.float32)}, folder / WEIGHTS)
    shutil.copy(source / TOKENIZER, folder / TOKENIZER)
    (folder / "config.json").write_text(json.dumps({"model_type": "model2vec"}), encoding="utf-8")
    return folder
