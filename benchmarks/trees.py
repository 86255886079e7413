"""Real documents to index: a folder out, fetched once where this system can."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

CACHE = Path(__file__).parents[1] / ".venv" / "trees"


def package(name: str) -> Path:
    """The files of a Debian package, which is only unpacked, never installed.

    Exits with a line that says what to do where there is no such package to be had.
    """
    folder = CACHE / name
    if folder.is_dir():
        return folder
    if not (shutil.which("apt-get") and shutil.which("dpkg")):
        sys.exit("no apt-get here: name a folder of documents with --tree")
    with tempfile.TemporaryDirectory() as place:
        subprocess.run(["apt-get", "download", "--quiet", name], cwd=place, check=True, stdout=sys.stderr)
        archive = next(Path(place).glob("*.deb"))
        CACHE.mkdir(parents=True, exist_ok=True)
        subprocess.run(["dpkg", "-x", archive, folder], check=True)
    return folder


def python_documentation() -> Path:
    """The reST sources of Python's documentation, 497 files of 11 MB; see `package`."""
    return package("python3.11-doc") / "usr" / "share" / "doc" / "python3.11" / "html" / "_sources"
