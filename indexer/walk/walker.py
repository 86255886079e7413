"""A folder in, its files out, each with its stamp; and of everything that is left out, the reason."""

# Names of files are bytes here, since not every name is text, and a Path cannot hold them.
# ruff: noqa: PTH115, PTH116, PTH118, PTH120, PTH123

from __future__ import annotations

import errno
import os
import re
import stat
import sys
import warnings
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from pathspec import GitIgnoreSpec
from pathspec.patterns.gitignore.spec import GitIgnoreSpecPattern

from indexer.file_status import failure, stamp_of, unfit
from indexer.file_types import MAX_BYTES
from storage import home
from storage.errors import NearestError
from storage.types import Skip, Stamp

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from storage.sqlite.documents import Root

OWN_DATA = "nearest's own data"
IGNORE_FILES = (b".gitignore", b".nearestignore")  # the later one wins
IGNORE_FILE_BYTES = 1_000_000  # nobody writes more; what claims to be larger is no list of patterns


@dataclass(frozen=True, slots=True)
class Entry:
    """A file to read, and what the file system said of it when the walk came by."""

    path: bytes
    stamp: Stamp


@dataclass(frozen=True, slots=True)
class _Rule:
    """One line of an ignore file."""

    expression: re.Pattern[str]
    ignores: bool  # False for "!pattern"
    folders_only: bool
    reason: str


@dataclass(frozen=True, slots=True)
class _Rules:
    """An ignore file: its rules, the last one first, and how much of a path stands before what they look at."""

    base: int
    rules: tuple[_Rule, ...]


def walk(
    root: bytes,
    *,
    include: Sequence[str] = (),
    exclude: Sequence[str] = (),
    avoid: Collection[bytes] = (),
    max_bytes: int = MAX_BYTES,
    within: bytes = b"",
) -> Iterator[Entry | Skip]:
    """A folder, or a single file, into the files to read and the reasons for what is left out.

    What is named by the user is taken even where it is hidden, ignored or a link. Below it, hidden files, ignored files
    (`.gitignore` with git's rules, `.nearestignore` with the same), links and everything that is no regular file are
    left out. A folder that is left out gives one reason and is not entered. A `Skip` that failed stands for everything
    below it. The order is the same every time: a folder's files by name, then its folders.

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
    _rules_of_user(include, "--include")
    with warnings.catch_warnings(action="ignore"):
        wanted = GitIgnoreSpec.from_lines(include) if include else None
    unwanted = _rules_of_user(exclude, "--exclude")
    own = frozenset(os.path.realpath(folder) for folder in avoid)
    return _named(root, _Walk(root, b"", wanted, _Rules(0, unwanted), own, max_bytes, within))


def look(root: Root, within: bytes = b"") -> Iterator[Entry | Skip]:
    """The walk of a run at a root; `within` as for `walk`."""
    own = [os.fsencode(home.home() / "collections"), os.fsencode(home.cache())]
    return walk(root.path, include=root.include, exclude=root.exclude, avoid=own, within=within)


def _named(root: bytes, step: _Walk) -> Iterator[Entry | Skip]:
    """What is named by the user: a single file, or a folder under the name that it was given."""
    real = os.path.realpath(root)
    if any(real == folder or real.startswith(os.path.join(folder, b"")) for folder in step.avoid):
        yield Skip(root, OWN_DATA)
        return
    try:
        status = os.stat(real)
    except OSError as error:
        gone = isinstance(error, FileNotFoundError)
        yield Skip(root, "does not exist", failed=True) if gone else failure(root, error)
        return
    is_folder = stat.S_ISDIR(status.st_mode)
    prefix = os.path.join(real if is_folder else os.path.dirname(real), b"")
    step = replace(step, root=real, prefix=prefix, exclude=replace(step.exclude, base=len(_text(prefix))))
    if not is_folder:
        reason = _verdict(_text(real), False, [step.exclude])
        yield Skip(real, reason) if reason else step.file(real, status)
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
    exclude: _Rules
    avoid: frozenset[bytes]
    max_bytes: int
    within: bytes  # what alone is looked at, without the prefix; b"" for everything

    def folders(self) -> Iterator[Entry | Skip]:
        """Every folder from the root on. A list takes the place of recursion: no depth is too deep."""
        waiting = [(self.root, self.rules_above())]
        while waiting:
            folder, chain = waiting.pop()
            try:
                with os.scandir(folder) as listing:
                    entries = sorted(listing, key=lambda entry: entry.name)
            except OSError as error:
                if folder == self.root or not isinstance(error, FileNotFoundError):
                    yield replace(failure(folder, error), failed=True)
                continue
            chain = chain + self.rules_in(folder, entries)
            if self.within:
                entries = [entry for entry in entries if self.is_on_the_way(entry.path)]
            below: list[bytes] = []
            for entry in entries:
                try:
                    found = self.entry(entry, chain, below)
                except OSError as error:
                    found = failure(entry.path, error)
                if found:
                    yield found
            waiting.extend((path, chain) for path in reversed(below))

    def is_on_the_way(self, path: bytes) -> bool:
        here, there = os.path.join(path[len(self.prefix) :], b""), os.path.join(self.within, b"")
        return here.startswith(there) or there.startswith(here)

    def entry(self, entry: os.DirEntry[bytes], chain: list[_Rules], below: list[bytes]) -> Entry | Skip | None:
        """One entry of a folder; a folder to enter goes into `below` and gives nothing."""
        path = entry.path
        if path in self.avoid:
            return Skip(path, OWN_DATA)
        if entry.name.startswith(b"."):
            return Skip(path, "hidden")
        is_folder = entry.is_dir(follow_symlinks=False)
        if self.exclude.rules or chain:
            text = _text(path)
            reason = _verdict(text, is_folder, [self.exclude]) or _verdict(text, is_folder, chain)
            if reason:
                return Skip(path, reason)
        if _is_link(entry):
            return Skip(path, self.link_reason(path))
        if is_folder:
            below.append(path)
            return None
        return self.file(path, entry.stat(follow_symlinks=False))

    def file(self, path: bytes, status: os.stat_result) -> Entry | Skip:
        """A file that nothing speaks against but what it is."""
        if self.include and not self.include.match_file(_text(path[len(self.prefix) :])):
            return Skip(path, "not matched by --include")
        return unfit(path, status, self.max_bytes) or Entry(path, stamp_of(status))

    def link_reason(self, path: bytes) -> str:
        """Why a link is not followed: its target is met on its own, or is not the user's choice, or is not there."""
        try:
            target = os.path.realpath(path, strict=True)
        except FileNotFoundError:
            return f"link to {_shown(os.readlink(path))}, which does not exist"
        except OSError as error:
            return "link in a circle" if error.errno == errno.ELOOP else "link to a place that cannot be read"
        if target != self.root and not target.startswith(self.prefix):
            return "link out of the folder"
        return f"link to {_shown(target[len(self.prefix) :] or b'.')}, which is inside the folder"

    def rules_in(self, folder: bytes, entries: list[os.DirEntry[bytes]]) -> list[_Rules]:
        """The ignore files of a folder, the strongest last; where a repository starts, also its private one."""
        hidden = [entry for entry in entries if entry.name.startswith(b".")]  # few, where there may be many files
        names = {entry.name for entry in hidden if not entry.is_symlink()}
        found = [b".git/info/exclude"] if b".git" in names else []
        found += [name for name in IGNORE_FILES if name in names]
        return [rules for name in found if (rules := self.rules_from(folder, name))]

    def rules_above(self) -> list[_Rules]:
        """The ignore files between the repository's top and the root; none where they leave out the root itself."""
        folders = [self.root]
        while not os.path.lexists(os.path.join(folders[-1], b".git")):
            parent = os.path.dirname(folders[-1])
            if parent == folders[-1]:
                return []  # in no repository
            folders.append(parent)
        chain: list[_Rules] = []
        for folder, child in zip(folders[:0:-1], folders[-2::-1], strict=True):
            names = [b".git/info/exclude", b".gitignore"] if folder == folders[-1] else [b".gitignore"]
            chain += [rules for name in names if (rules := self.rules_from(folder, name))]
            if _verdict(_text(child), True, chain):
                return []
        return chain

    def rules_from(self, folder: bytes, name: bytes) -> _Rules | None:
        """The rules of one ignore file; None where there is nothing to read or nothing in it."""
        path = os.path.join(folder, *name.split(b"/"))
        try:
            if not stat.S_ISREG(os.lstat(path).st_mode):
                return None
            with open(path, "rb") as file:
                data = file.read(IGNORE_FILE_BYTES).removeprefix(b"\xef\xbb\xbf")
        except OSError:
            return None
        shown = _shown(path.removeprefix(self.prefix))
        rules = [
            rule
            for number, line in enumerate(data.split(b"\n"), start=1)
            if (rule := _rule(os.fsdecode(line.removesuffix(b"\r")), f"ignored by {shown}:{number}: {_shown(line)}"))
        ]
        return _Rules(len(_text(os.path.join(folder, b""))), tuple(reversed(rules))) if rules else None


def _rule(line: str, reason: str) -> _Rule | None:
    """A line of an ignore file as a rule; None for comments, empty lines and what git passes over, too."""
    pattern = line if line.endswith("\\ ") else line.rstrip()
    folders_only = pattern.endswith("/")
    # Asked about folders, pathspec would also say yes to "foo/**" for foo itself, and weigh "!*/" less than "*": so
    # the slash at the end is taken off and remembered, and folders are shown to it as files are.
    pattern = re.sub(r"\*{3,}", "*", pattern.removesuffix("/"))
    try:
        with warnings.catch_warnings(action="ignore"):  # "[[a]" may mean something else in Python one day
            parsed = GitIgnoreSpecPattern(pattern)
    except (ValueError, re.error):
        return None
    if parsed.regex is None or parsed.include is None:
        return None
    return _Rule(parsed.regex, parsed.include, folders_only, reason.rstrip())


def _verdict(path: str, is_folder: bool, chain: list[_Rules]) -> str | None:
    """Why a path is ignored, or None: the last rule that matches it decides, the deepest ignore file being asked first.

    A folder above the path needs no look: it was not ignored, or the walk would not have come here. Where a rule
    matches only such a folder, a group of pathspec's expression takes part in the match.
    """
    for rules in reversed(chain):
        below = path[rules.base :]
        for rule in rules.rules:
            if rule.folders_only and not is_folder:
                continue
            if (match := rule.expression.search(below)) and match.lastindex is None:
                return rule.reason if rule.ignores else None
    return None


def _rules_of_user(patterns: Sequence[str], option: str) -> tuple[_Rule, ...]:
    """The patterns of an option as rules, the last one first."""
    rules = [_rule(pattern, f"excluded by {option} {_shown(os.fsencode(pattern))}") for pattern in patterns]
    for pattern, rule in zip(patterns, rules, strict=True):
        if rule is None:
            raise NearestError(f"{option} {pattern!r} is no pattern; write it as in a .gitignore: '*.md' or 'docs/'")
    return tuple(rule for rule in reversed(rules) if rule)


def _is_link(entry: os.DirEntry[bytes]) -> bool:
    if sys.platform == "win32":  # a junction is a link that is_symlink() does not know
        tag = entry.stat(follow_symlinks=False).st_reparse_tag
        return entry.is_symlink() or tag == stat.IO_REPARSE_TAG_MOUNT_POINT
    return entry.is_symlink()


def _text(path: bytes) -> str:
    """A path as patterns see it; pathspec's "." and "$" stop at a line break, which a name may hold."""
    text = os.fsdecode(path).replace("\n", "\0")
    return text if os.sep == "/" else text.replace(os.sep, "/")


def _shown(path: bytes) -> str:
    """A path, or a line, as part of a reason: text that can be stored, on one line."""
    return path.decode("utf-8", "backslashreplace").replace("\n", "\\n").rstrip("\r")
