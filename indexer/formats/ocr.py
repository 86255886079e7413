"""The picture of a page in, the text that an installed tesseract reads in it out."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from typing import TYPE_CHECKING

from indexer.read.extract import UnreadableError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

SWITCH = "NEAREST_OCR"  # the environment variable with the languages, as tesseract names them: "eng+deu"
SECONDS = 120  # that a page may take; a dense one takes 5

_LANGUAGES = re.compile(r"[\w/.]+(?:\+[\w/.]+)*", re.ASCII)


def languages() -> str:
    """What pages without text are to be read in; "" where they are not."""
    return os.environ.get(SWITCH, "").strip()


def text_of(image: NDArray[np.uint8], languages: str) -> str:
    """The text in a picture, with an empty line between paragraphs.

    Args:
        image: (height, width), black is 0.
        languages: as `SWITCH` has them.

    Raises:
        UnreadableError: tesseract or its data of a language are not installed, it fails, or takes too long.
    """
    if not _LANGUAGES.fullmatch(languages):
        raise UnreadableError(f"OCR: {languages!r} names no language of tesseract, as eng or eng+deu do")
    program = shutil.which("tesseract")
    if not program:
        raise UnreadableError("OCR: tesseract is not installed")
    height, width = image.shape
    try:
        run = subprocess.run(
            [program, "stdin", "stdout", "-l", languages],
            input=b"P5 %d %d 255\n" % (width, height) + image.tobytes(),
            capture_output=True,
            timeout=SECONDS,
            # One thread: its others wait for each other more than they do.
            env=os.environ | {"OMP_THREAD_LIMIT": "1"},
        )
    except subprocess.TimeoutExpired:
        raise UnreadableError(f"OCR: tesseract takes more than {SECONDS} s for a page") from None
    except OSError as error:
        raise UnreadableError(f"OCR: tesseract does not start: {error.strerror}") from error
    if run.returncode:
        raise UnreadableError(f"OCR: {_reason(run.stderr.decode('utf-8', 'replace'), run.returncode)}")
    return run.stdout.decode("utf-8", "replace").replace("\f", "")


def _reason(complaint: str, status: int) -> str:
    if missing := re.search(r"Failed loading language '([^']*)'", complaint):
        return f"tesseract has no language data '{missing[1]}'"
    last = next((line for line in reversed(complaint.splitlines()) if line.strip()), "")
    return f"tesseract fails with status {status}" + (f": {last.strip()}" if last else "")
