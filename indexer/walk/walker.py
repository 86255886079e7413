"""A folder in, its files out, each with its stamp; and of everything that is left out, the reason."""

# Names of files are bytes here, since not every name is text, and a Path cannot hold them.
# ruff: noqa: PTH115, PTH116, PTH118, PTH120, PTH123

from __future__ import annotations

import errno
import os
import stat
import sys
import warnings
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from pathspec import GitIgnoreSpec

from indexer.file_status import skip_for_error, skip_for_status, stamp_of
from indexer.file_types import MAX_BYTES
from indexer.walk.ignore_rules import Rules, as_shown, as_text, deciding_rule, ignore_rule, rules_of_user
from storage.files import SkipCode, SkippedFile
from storage.types import FileStamp

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence
    from pathlib import Path

    from storage.files import Root

OWN_DATA = "nearest's own data"
IGNORE_FILES = (b".gitignore", b".nearestignore")  # the later one wins
IGNORE_FILE_BYTES = 1_000_000  # nobody writes more; what claims to be larger is no list of patterns


@dataclass(frozen=True, slots=True)
class Entry:
    """A file to read, and what the file system said of it when the walk came by."""

    path: bytes
    stamp: FileStamp


def walk(
    root: bytes,
    *,
    include: Sequence[str] = (),
    exclude: Sequence[str] = (),
    avoid: Collection[bytes] = (),
    max_bytes: int = MAX_BYTES,
    within: bytes = b"",
) -> Iterator[Entry | SkippedFile]:
    """Walk a folder, or a single file, into the files to read and the reasons for what is left out.

    What is named by the user is taken even where it is hidden, ignored or a link. Below it, hidden files, ignored files
    (`.gitignore` with git's rules, `.nearestignore` with the same), links and everything that is no regular file are
    left out. A folder that is left out gives one reason and is not entered. A `SkippedFile` that failed stands for
    everything below it. The order is the same every time: a folder's files by name, then its folders.

    Args:
        root: absolute. The paths that come out start with it, but for a link to a file: that gives the file.
        include: patterns as in a `.gitignore`, relative to root; only files that match one are taken.
        exclude: such patterns of files and folders to leave out.
        avoid: absolute folders that are never entered: the program's own data.
        max_bytes: larger files are left out.
        within: a path relative to root; only it, what is below it and the folders on the way there are looked at.

    Raises:
        NearestError: a pattern cannot be understood.
    """
    rules_of_user(include, "include")
    with warnings.catch_warnings(action="ignore"):
        wanted = GitIgnoreSpec.from_lines(include) if include else None
    unwanted = rules_of_user(exclude, "exclude")
    own = frozenset(os.path.realpath(folder) for folder in avoid)
    return _named(root, _Walk(root, b"", wanted, Rules(0, unwanted), own, max_bytes, within))


def walk_root(root: Root, own: Sequence[Path], within: bytes = b"") -> Iterator[Entry | SkippedFile]:
    """Walk a root as a run does; `own` are folders of the program's own data, `within` as for `walk`."""
    avoid = [os.fsencode(folder) for folder in own]
    return walk(root.path, include=root.include, exclude=root.exclude, avoid=avoid, within=within)


def _named(root: bytes, step: _Walk) -> Iterator[Entry | SkippedFile]:
    """Meet what is named by the user: a single file, or a folder under the name that it was given."""
    real = os.path.realpath(root)
    if any(real == folder or real.startswith(os.path.join(folder, b"")) for folder in step.avoid):
        yield SkippedFile(root, SkipCode.OWN_DATA, OWN_DATA)
        return
    try:
        status = os.stat(real)
    except OSError as error:
        gone = isinstance(error, FileNotFoundError)
        yield (
            SkippedFile(root, SkipCode.VANISHED, "does not exist", failed=True) if gone else skip_for_error(root, error)
        )
        return
    is_folder = stat.S_ISDIR(status.st_mode)
    prefix = os.path.join(real if is_folder else os.path.dirname(real), b"")
    step = replace(step, root=real, prefix=prefix, exclude=replace(step.exclude, base=len(as_text(prefix))))
    if not is_folder:
        rule = deciding_rule(as_text(real), False, [step.exclude])
        yield SkippedFile(real, rule.code, rule.reason) if rule else step.file(real, status)
    elif real == root:
        yield from step.folders()
    else:
        for found in step.folders():
            yield replace(found, path=os.path.join(root, found.path[len(prefix) :]))


@dataclass(frozen=True, slots=True)
class _Walk:
    """One walk through a folder whose path holds no link; so no path below it holds one either."""

    root: bytes
    prefix: bytes  # of every path below the root
    include: GitIgnoreSpec | None
    exclude: Rules
    avoid: frozenset[bytes]
    max_bytes: int
    within: bytes  # what alone is looked at, without the prefix; b"" for everything

    def folders(self) -> Iterator[Entry | SkippedFile]:
        """Yield every folder from the root on. A list takes the place of recursion: no depth is too deep."""
        waiting = [(self.root, self.rules_above())]
        while waiting:
            folder, chain = waiting.pop()
            try:
                with os.scandir(folder) as listing:
                    entries = sorted(listing, key=lambda entry: entry.name)
            except OSError as error:
                if folder == self.root or not isinstance(error, FileNotFoundError):
                    yield replace(skip_for_error(folder, error), failed=True)
                continue
            chain = chain + self.rules_in(folder, entries)
            if self.within:
                entries = [entry for entry in entries if self.is_on_the_way(entry.path)]
            below: list[bytes] = []
            for entry in entries:
                try:
                    found = self.entry(entry, chain, below)
                except OSError as error:
                    found = skip_for_error(entry.path, error)
                if found:
                    yield found
            waiting.extend((path, chain) for path in reversed(below))

    def is_on_the_way(self, path: bytes) -> bool:
        here, there = os.path.join(path[len(self.prefix) :], b""), os.path.join(self.within, b"")
        return here.startswith(there) or there.startswith(here)

    def entry(self, entry: os.DirEntry[bytes], chain: list[Rules], below: list[bytes]) -> Entry | SkippedFile | None:
        """Meet one entry of a folder; a folder to enter goes into `below` and gives nothing."""
        path = entry.path
        if path in self.avoid:
            return SkippedFile(path, SkipCode.OWN_DATA, OWN_DATA)
        if entry.name.startswith(b"."):
            return SkippedFile(path, SkipCode.HIDDEN, "hidden")
        is_folder = entry.is_dir(follow_symlinks=False)
        if self.exclude.rules or chain:
            text = as_text(path)
            rule = deciding_rule(text, is_folder, [self.exclude]) or deciding_rule(text, is_folder, chain)
            if rule:
                return SkippedFile(path, rule.code, rule.reason)
        if _is_link(entry):
            return SkippedFile(path, SkipCode.LINK, self.link_reason(path))
        if is_folder:
            below.append(path)
            return None
        return self.file(path, entry.stat(follow_symlinks=False))

    def file(self, path: bytes, status: os.stat_result) -> Entry | SkippedFile:
        """Meet a file that nothing speaks against but what it is."""
        if self.include and not self.include.match_file(as_text(path[len(self.prefix) :])):
            return SkippedFile(path, SkipCode.NOT_INCLUDED, "not matched by --include")
        return skip_for_status(path, status, self.max_bytes) or Entry(path, stamp_of(status))

    def link_reason(self, path: bytes) -> str:
        """Say why a link is not followed.

        The target is met on its own, or is not the user's choice, or is not there.
        """
        try:
            target = os.path.realpath(path, strict=True)
        except FileNotFoundError:
            return f"link to {as_shown(os.readlink(path))}, which does not exist"
        except OSError as error:
            return "link in a circle" if error.errno == errno.ELOOP else "link to a place that cannot be read"
        if target != self.root and not target.startswith(self.prefix):
            return "link out of the folder"
        return f"link to {as_shown(target[len(self.prefix) :] or b'.')}, which is inside the folder"

    def rules_in(self, folder: bytes, entries: list[os.DirEntry[bytes]]) -> list[Rules]:
        """Read the ignore files of a folder, the strongest last; where a repository starts, also its private one."""
        hidden = [entry for entry in entries if entry.name.startswith(b".")]  # few, where there may be many files
        names = {entry.name for entry in hidden if not entry.is_symlink()}
        found = [b".git/info/exclude"] if b".git" in names else []
        found += [name for name in IGNORE_FILES if name in names]
        return [rules for name in found if (rules := self.rules_from(folder, name))]

    def rules_above(self) -> list[Rules]:
        """Read the ignore files between the repository's top and the root.

        There are none where they leave out the root itself.
        """
        folders = [self.root]
        while not os.path.lexists(os.path.join(folders[-1], b".git")):
            parent = os.path.dirname(folders[-1])
            if parent == folders[-1]:
                return []  # in no repository
            folders.append(parent)
        chain: list[Rules] = []
        for folder, child in zip(folders[:0:-1], folders[-2::-1], strict=True):
            names = [b".git/info/exclude", b".gitignore"] if folder == folders[-1] else [b".gitignore"]
            chain += [rules for name in names if (rules := self.rules_from(folder, name))]
            if deciding_rule(as_text(child), True, chain):
                return []
        return chain

    def rules_from(self, folder: bytes, name: bytes) -> Rules | None:
        """Read the rules of one ignore file; None where there is nothing to read or nothing in it."""
        path = os.path.join(folder, *name.split(b"/"))
        try:
            if not stat.S_ISREG(os.lstat(path).st_mode):
                return None
            with open(path, "rb") as file:
                data = file.read(IGNORE_FILE_BYTES).removeprefix(b"\xef\xbb\xbf")
        except OSError:
            return None
        shown = as_shown(path.removeprefix(self.prefix))
        rules = [
            rule
            for number, line in enumerate(data.split(b"\n"), start=1)
            if (rule := ignore_rule(line, f"{shown}:{number}"))
        ]
        return Rules(len(as_text(os.path.join(folder, b""))), tuple(reversed(rules))) if rules else None


def _is_link(entry: os.DirEntry[bytes]) -> bool:
    if sys.platform == "win32":  # a junction is a link that is_symlink() does not know
        tag = entry.stat(follow_symlinks=False).st_reparse_tag
        return entry.is_symlink() or tag == stat.IO_REPARSE_TAG_MOUNT_POINT
    return entry.is_symlink()
