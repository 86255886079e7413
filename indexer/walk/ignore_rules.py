"""The rules of ignore files and of options: lines of patterns in, the rule that decides of a path out."""

from __future__ import annotations

import os
import re
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pathspec.patterns.gitignore.spec import GitIgnoreSpecPattern

from storage.errors import OptionError
from storage.files import SkipCode

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True, slots=True)
class Rule:
    """One line of an ignore file."""

    expression: re.Pattern[str]
    ignores: bool  # False for "!pattern"
    folders_only: bool
    code: SkipCode
    reason: str


@dataclass(frozen=True, slots=True)
class Rules:
    """An ignore file: its rules, the last one first, and how much of a path stands before what they look at."""

    base: int
    rules: tuple[Rule, ...]


def ignore_rule(line: bytes, at: str) -> Rule | None:
    """Read a line of an ignore file as a rule; see `_rule`."""
    return _rule(os.fsdecode(line.removesuffix(b"\r")), SkipCode.IGNORED, f"ignored by {at}: {as_shown(line)}")


def _rule(line: str, code: SkipCode, reason: str) -> Rule | None:
    """Read a line of an ignore file as a rule; None for comments, empty lines and what git passes over, too."""
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
    return Rule(parsed.regex, parsed.include, folders_only, code, reason.rstrip())


def deciding_rule(path: str, is_folder: bool, chain: list[Rules]) -> Rule | None:
    """Find the rule that a path is ignored by; None where none says so.

    The last rule that matches decides, the deepest ignore file being asked first.

    A folder above the path needs no look: it was not ignored, or the walk would not have come here. Where a rule
    matches only such a folder, a group of pathspec's expression takes part in the match.
    """
    for rules in reversed(chain):
        below = path[rules.base :]
        for rule in rules.rules:
            if rule.folders_only and not is_folder:
                continue
            if (match := rule.expression.search(below)) and match.lastindex is None:
                return rule if rule.ignores else None
    return None


def rules_of_user(patterns: Sequence[str], option: str) -> tuple[Rule, ...]:
    """Read the patterns of an option as rules, the last one first."""
    rules = [
        _rule(pattern, SkipCode.EXCLUDED, f"excluded by --{option} {as_shown(os.fsencode(pattern))}")
        for pattern in patterns
    ]
    for pattern, rule in zip(patterns, rules, strict=True):
        if rule is None:
            raise OptionError(
                f"{{{option}}} {{!r}} is no pattern; write it as in a .gitignore: '*.md' or 'docs/'", pattern
            )
    return tuple(rule for rule in reversed(rules) if rule)


def as_text(path: bytes) -> str:
    """Return a path as patterns see it; pathspec's "." and "$" stop at a line break, which a name may hold."""
    text = os.fsdecode(path).replace("\n", "\0")
    return text if os.sep == "/" else text.replace(os.sep, "/")


def as_shown(path: bytes) -> str:
    """Make a path, or a line, part of a reason: text that can be stored, on one line."""
    return path.decode("utf-8", "backslashreplace").replace("\n", "\\n").rstrip("\r")
