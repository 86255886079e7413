"""The picture of a page in, the text that an installed tesseract reads in it out."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from typing import TYPE_CHECKING

from indexer.read.extract import UnreadableError
from storage.files import SkipCode

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

SECONDS = 120  # that a page may take; a dense one takes 5

_LANGUAGES = re.compile(r"[\w/.]+(?:\+[\w/.]+)*", re.ASCII)


def text_of(image: NDArray[np.uint8], languages: str) -> str:
    """Read the text in a picture, with an empty line between paragraphs.

    Args:
        image: (height, width), black is 0.
        languages: as tesseract names them: "eng+deu".

    Raises:
        UnreadableError: tesseract or its data of a language are not installed, it fails, or takes too long.
    """
    if not _LANGUAGES.fullmatch(languages):
        raise UnreadableError(
            f"OCR: {languages!r} names no language of tesseract, as eng or eng+deu do", SkipCode.SCANNED
        )
    program = shutil.which("tesseract")
    if not program:
        raise UnreadableError("OCR: tesseract is not installed", SkipCode.SCANNED)
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
        raise UnreadableError(f"OCR: tesseract takes more than {SECONDS} s for a page", SkipCode.OCR_FAILED) from None
    except OSError as error:
        raise UnreadableError(f"OCR: tesseract does not start: {error.strerror}", SkipCode.SCANNED) from error
    if run.returncode:
        raise _failure(run.stderr.decode("utf-8", "replace"), run.returncode)
    return run.stdout.decode("utf-8", "replace").replace("\f", "")


def _failure(complaint: str, status: int) -> UnreadableError:
    if missing := re.search(r"Failed loading language '([^']*)'", complaint):
        return UnreadableError(f"OCR: tesseract has no language data '{missing[1]}'", SkipCode.SCANNED)
    last = next((line for line in reversed(complaint.splitlines()) if line.strip()), "")
    reason = f"OCR: tesseract fails with status {status}" + (f": {last.strip()}" if last else "")
    return UnreadableError(reason, SkipCode.OCR_FAILED)
