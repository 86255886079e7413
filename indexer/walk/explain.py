"""A path and the roots in, what a run makes of it out: files it would take, and the reasons for what it leaves out."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from indexer.walk.walker import Entry, walk_root
from storage.files import is_below

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from storage.files import Root, SkippedFile


def explain_path(path: bytes, roots: Sequence[Root], own: Sequence[Path]) -> list[Entry | SkippedFile] | None:
    """Say what the next run would meet at and below a path: of a folder that is not entered, the one reason for it.

    The walk itself says so, on the shortest way to the path. What one root leaves out and another takes is taken; of
    two reasons that of the inner root counts.

    Args:
        path: absolute.
        roots: what was indexed by name.
        own: folders of the program's own data.

    Returns:
        in the order of the walks; None where no root has to do with the path.
    """
    concerned = [root for root in roots if is_below(path, root.path) or is_below(root.path, path)]
    if not concerned:
        return None
    met: dict[bytes, Entry | SkippedFile] = {}
    for root in sorted(concerned, key=lambda root: len(root.path)):
        within = path[len(root.path) :].lstrip(os.fsencode(os.sep)) if is_below(path, root.path) else b""
        for found in walk_root(root, own, within):
            if isinstance(found, Entry) or not isinstance(met.get(found.path), Entry):
                met[found.path] = found
    below = [found for found in met.values() if is_below(found.path, path) and found.path != path]
    above = [met[at] for at in sorted(met, key=len, reverse=True) if is_below(path, at)]
    taken: list[Entry | SkippedFile] = [found for found in above if isinstance(found, Entry)]
    return below or taken or above[:1]
