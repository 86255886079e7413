"""Real documents to index: a folder out, fetched once where this system can."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

PACKAGE = "python3.11-doc"
CACHE = Path(__file__).parents[1] / ".venv" / "trees"


def python_documentation() -> Path:
    """The reST sources of Python's documentation, 497 files of 11 MB, from Debian's package, which is only unpacked.

    Exits with a line that says what to do where there is no such package to be had.
    """
    folder = CACHE / PACKAGE / "usr" / "share" / "doc" / "python3.11" / "html" / "_sources"
    if folder.is_dir():
        return folder
    if not (shutil.which("apt-get") and shutil.which("dpkg")):
        sys.exit("no apt-get here: name a folder of Markdown or reST files with --tree")
    with tempfile.TemporaryDirectory() as place:
        subprocess.run(["apt-get", "download", "--quiet", PACKAGE], cwd=place, check=True, stdout=sys.stderr)
        package = next(Path(place).glob("*.deb"))
        CACHE.mkdir(parents=True, exist_ok=True)
        subprocess.run(["dpkg", "-x", package, CACHE / PACKAGE], check=True)
    return folder
