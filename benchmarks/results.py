"""Rows of a benchmark in, a table out and, with `--save`, the JSON that `make docs` writes docs/figures.md from."""

from __future__ import annotations

import argparse
import datetime
import importlib.metadata
import json
import os
import platform
import re
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import openvino as ov

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_FIGURE = re.compile(r"[-+]?[\d.,]*(?: ?%)?")

RESULTS = Path(__file__).parent / "results"
PACKAGES = ("nearest", "openvino", "faiss-cpu", "tokenizers", "numpy", "onnxruntime")
FEATURES = {"amx_bf16": "AMX", "avx512_bf16": "AVX-512 with bf16", "avx512f": "AVX-512", "avx2": "AVX2"}


def parser(name: str, description: str | None) -> argparse.ArgumentParser:
    """The options of a benchmark: its own are added to it."""
    options = argparse.ArgumentParser(
        prog=f"python -m benchmarks.{name}",
        description=description,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    options.add_argument("--save", action="store_true", help=f"keep the figures as {RESULTS.name}/{name}.json")
    return options


def report(name: str, rows: Sequence[Mapping[str, Any]], save: bool, notes: Sequence[str] = ()) -> None:
    """Print the rows, what is to be said beside them, and what they were measured on; keep them where that is asked.

    Args:
        name: of the benchmark.
        rows: all of them with the same keys, in one order; values as they shall be read.
        save: whether to keep them.
        notes: sentences.
    """
    found = {
        "command": shlex.join(["python", "-m", f"benchmarks.{name}", *(it for it in sys.argv[1:] if it != "--save")]),
        "date": datetime.datetime.now(tz=datetime.UTC).date().isoformat(),
        "machine": machine(),
        "versions": versions(),
        "rows": list(rows),
        "notes": list(notes),
    }
    print(*lines(found), sep="\n")
    if save:
        RESULTS.mkdir(exist_ok=True)
        text = json.dumps(found, indent=1, ensure_ascii=False) + "\n"
        (RESULTS / f"{name}.json").write_text(text, encoding="utf-8")


def lines(found: Mapping[str, Any]) -> list[str]:
    """What was found as Markdown."""
    head, *body = table(found["rows"])
    told = ", ".join(f"{package} {version}" for package, version in found["versions"].items())
    notes = ["", *found["notes"]] if found["notes"] else []
    return [f"`{found['command']}`, {found['date']}, on {found['machine']}; {told}.", "", head, *body, *notes]


def table(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """A Markdown table; its columns are the keys."""
    cells = [list(rows[0]), *([str(value) for value in row.values()] for row in rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    left = [not all(_FIGURE.fullmatch(cell) for cell in column[1:]) for column in zip(*cells, strict=True)]
    laid = [
        [cell.ljust(width) if text else cell.rjust(width) for cell, width, text in zip(row, widths, left, strict=True)]
        for row in cells
    ]
    rule = ["-" * width if text else "-" * (width - 1) + ":" for width, text in zip(widths, left, strict=True)]
    return [f"| {' | '.join(row)} |" for row in (laid[0], rule, *laid[1:])]


def machine() -> str:
    """What it is measured on, in words."""
    try:
        flags = set(Path("/proc/cpuinfo").read_text(encoding="utf-8").split())
    except OSError:
        flags = set()
    has = next((words for flag, words in FEATURES.items() if flag in flags), "")
    processor = ov.Core().get_property("CPU", "FULL_DEVICE_NAME").strip()
    threads = f"{os.cpu_count()} threads of {processor}" + (f" ({has})" if has else "")
    return f"{threads}, {platform.system()}, Python {platform.python_version()}"


def versions() -> dict[str, str]:
    """Those of the packages that matter, as far as they are installed."""
    found = {}
    for package in PACKAGES:
        try:
            found[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found
