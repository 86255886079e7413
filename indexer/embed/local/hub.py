"""A model's name on its hub in, its files in a folder out, each of them whole and byte for byte what was published.

What has come so far lies in `FILE.part`, where the next try or the next process goes on with it; it becomes FILE only
when its digest is right.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import sys
import time
from typing import TYPE_CHECKING

import filelock
import httpx
from tqdm import tqdm

from storage.errors import NearestError, UnreachableError
from storage.snapshot import sync_folder

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

HUB = "https://huggingface.co"
MAX_BYTES = 1_000_000_000  # of one file
TRIES = 5  # in a row, none of which gets on
FIRST_WAIT = 0.5  # seconds; doubles with each of them
GETTING_ON = 1 << 20  # bytes of one try that make it worth having made
TIMEOUT = httpx.Timeout(30.0, connect=10.0)  # seconds of silence


class _BrokenError(Exception):
    """When one request fails in a way in which the next one need not."""


def fetch(
    repository: str,
    revision: str,
    digests: Mapping[str, str],
    folder: Path,
    cure: str,
    *,
    hub: str = "",
    offline: bool = False,
) -> None:
    """Make sure that the files are in `folder`; those that are there already are left as they are.

    Several processes may do this at the same time: one fetches,
    the others wait for it.

    Args:
        repository: "owner/name" on the hub.
        revision: a commit of it.
        digests: sha256 in hexadecimal of each file, by its path in the repository.
        folder: made where it is missing.
        cure: what else would do, in words that go on from "or".
        hub: its address; "" for huggingface.co.
        offline: it must not be asked.

    Raises:
        UnreachableError: the hub cannot be reached, breaks off again and again, or `HF_HUB_OFFLINE` forbids to ask it.
        NearestError: the hub sends something else than what was published or nothing, or the folder cannot be written.
    """
    if not _missing(digests, folder):
        return
    if offline:
        raise UnreachableError(f"{repository} is not on this machine and HF_HUB_OFFLINE forbids to fetch it: {cure}")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with _alone(folder, repository):
            missing = _missing(digests, folder)  # another process may have been faster
            if missing:
                with _Hub(repository, revision, list(missing), cure, hub or HUB) as opened:
                    for file, digest in missing.items():
                        opened.get(file, digest, folder)
    except OSError as error:
        raise NearestError(
            f"cannot keep {repository} in {folder}: {error.strerror or error}; set NEAREST_HOME to a folder with room "
            f"that can be written, or {cure}"
        ) from error


def _missing(digests: Mapping[str, str], folder: Path) -> dict[str, str]:
    return {file: digest for file, digest in digests.items() if not (folder / file).is_file()}


@contextlib.contextmanager
def _alone(folder: Path, repository: str) -> Iterator[None]:
    """Wait until no other process fetches into the folder, and keep others waiting."""
    lock = filelock.FileLock(folder / "download.lock")
    try:
        lock.acquire(timeout=0)
    except filelock.Timeout:
        sys.stderr.write(f"another process is fetching {repository}: waiting for it\n")
        lock.acquire()
    try:
        yield
    finally:
        lock.release()


class _Hub:
    """One revision of one repository on its hub."""

    def __init__(self, repository: str, revision: str, files: list[str], cure: str, hub: str) -> None:
        self._repository = repository
        self._files = files
        self._hub = hub.rstrip("/")
        self._base = f"{self._hub}/{repository}/resolve/{revision}"
        self._cure = cure
        self._answered = False  # whether the hub has ever said anything
        self._told = False
        try:
            if httpx.URL(self._base).scheme not in ("http", "https"):
                raise NearestError(f"HF_ENDPOINT is {self._hub!r}: it has to start with https://")
            self._client = httpx.Client(
                headers={"Accept-Encoding": "identity"},  # a range of what is compressed would be of no use
                follow_redirects=True,  # other hosts hand its large files out; the digest has the last word
                max_redirects=10,
                timeout=TIMEOUT,
            )
        except (ValueError, ImportError, OSError, httpx.InvalidURL) as error:
            raise NearestError(
                f"no request can go to {self._hub!r} ({_words(error)}): check HF_ENDPOINT, HTTPS_PROXY, SSL_CERT_FILE"
            ) from error

    def __enter__(self) -> _Hub:
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def get(self, file: str, digest: str, folder: Path) -> None:
        """Bring one file into the folder."""
        part = folder / f"{file}.part"
        part.parent.mkdir(parents=True, exist_ok=True)
        while True:
            inherited = _size(part) > 0
            self._fill(file, part)
            with part.open("rb+") as written:
                right = hashlib.file_digest(written, "sha256").hexdigest() == digest
                if right:
                    os.fsync(written.fileno())
            if right:
                part.replace(folder / file)
                sync_folder(part.parent)
                return
            part.unlink()
            if not inherited:  # else the fault may lie in what an earlier process left: once more, from the start
                raise NearestError(
                    f"{self._base}/{file} is not the file that was published (sha256 {digest[:12]}...): run the same "
                    f"command again, check HF_ENDPOINT, or {self._cure}"
                )

    def _fill(self, file: str, part: Path) -> None:
        """Ask for the rest of the file until it is whole."""
        failures = 0
        while True:
            before = _size(part)
            try:
                return self._request(file, part)
            except (_BrokenError, httpx.RequestError) as error:
                failures = 1 if _size(part) - before >= GETTING_ON else failures + 1
                # A hub that never said a word is not awaited: most likely there is no network.
                silent = isinstance(error, httpx.ConnectError | httpx.ConnectTimeout | httpx.ProxyError)
                if failures == TRIES or (silent and not self._answered):
                    raise self._unreachable(file, part, error) from error
            time.sleep(FIRST_WAIT * 2 ** (failures - 1))

    def _request(self, file: str, part: Path) -> None:
        """Ask once for what is missing of the file, and append what comes."""
        start = _size(part)
        headers = {"Range": f"bytes={start}-"} if start else {}
        with self._client.stream("GET", f"{self._base}/{file}", headers=headers) as response:
            self._answered = True
            if start and response.status_code == 416:
                return  # nothing comes after it; whether it is the file, its digest will say
            first, total = self._checked(response, file, start)
            self._announce(part.parent, first, total)
            with (
                part.open("ab") as output,
                tqdm(
                    desc=file, total=total, initial=first, unit="B", unit_scale=True, leave=False, disable=None
                ) as bar,
            ):
                output.truncate(first)
                for piece in response.iter_raw():
                    output.write(piece)
                    bar.update(len(piece))
                    if output.tell() > MAX_BYTES:
                        raise self._too_large(file)

    def _checked(self, response: httpx.Response, file: str, start: int) -> tuple[int, int | None]:
        """Read the place of the answer's first byte in the file, and the size of the file where the hub tells it."""
        status = response.status_code
        said = f"{status} {response.reason_phrase}"
        if status in (408, 425, 429) or status >= 500:
            raise _BrokenError(said)
        if status not in (200, 206) or response.headers.get("content-encoding", "identity") != "identity":
            raise NearestError(
                f"{self._base}/{file} cannot be fetched ({said}): check HF_ENDPOINT and what stands between here and "
                f"there, or {self._cure}"
            )
        first, total = 0, response.headers.get("content-length")
        if status == 206:
            span = re.fullmatch(r"bytes (\d+)-\d+/(\d+|\*)", response.headers.get("content-range", ""))
            if not span or int(span[1]) > start:
                raise _BrokenError("the hub answers with another part of the file than asked for")
            first, total = int(span[1]), span[2]
        size = int(total) if total and total.isascii() and total.isdigit() else None
        if size and size > MAX_BYTES:
            raise self._too_large(file)
        return first, size

    def _announce(self, folder: Path, first: int, total: int | None) -> None:
        """One line for all files, when the hub has told the size of the first."""
        if self._told:
            return
        self._told = True
        size = f"{total / 1e6:.1f} MB" if total else "of unknown size"
        here = f", {first / 1e6:.1f} MB of it here already" if first else ""
        what = " and ".join([f"{self._files[0]} ({size}{here})", *self._files[1:]])
        sys.stderr.write(f"fetching {self._repository} from {self._hub} into {folder}, this once: {what}\n")

    def _too_large(self, file: str) -> NearestError:
        return NearestError(
            f"{self._base}/{file} is larger than {MAX_BYTES / 1e6:g} MB, so it is not the file that was published: "
            f"check HF_ENDPOINT, or {self._cure}"
        )

    def _unreachable(self, file: str, part: Path, error: Exception) -> UnreachableError:
        if not self._answered:
            return UnreachableError(
                f"cannot fetch {self._repository} from {self._hub} ({_words(error)}): connect to the network once "
                f"(HTTPS_PROXY names a proxy, HF_ENDPOINT a mirror), or {self._cure}"
            )
        have = f"; {_size(part) / 1e6:.1f} MB of {file} are kept" if _size(part) else ""
        return UnreachableError(
            f"{self._hub} failed {TRIES} times in a row ({_words(error)}{have}): run the same command again later, or "
            f"{self._cure}"
        )


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def _words(error: Exception) -> str:
    """Word an error fit for a terminal: one line, no control characters."""
    if isinstance(error, httpx.TimeoutException):
        return "no answer in time"
    said = "".join(c if c.isprintable() else " " for c in str(error))
    return " ".join(said.split())[:200] or type(error).__name__
