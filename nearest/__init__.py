"""Find the passages of your own documents nearest in meaning to a question.

import nearest

with nearest.open("notes") as collection:
    collection.index(["~/notes"])
    for hit in collection.search("what did we decide about the roof?", k=5):
        print(hit.path, hit.chunk.start_line, hit.score, hit.chunk.text)
"""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

for _name in ("indexer", "search", "storage"):
    _spec = find_spec(_name)  # looks for it, and runs nothing of what it finds
    _found = _spec.origin if _spec else None
    if _found is None or Path(_found).resolve().parent.parent != Path(__file__).resolve().parent.parent:
        raise ImportError(
            f"nearest needs its own package {_name!r}, but {_found or 'a folder of that name'} stands before it on the "
            f"import path: rename that, or run nearest from elsewhere"
        )

from nearest.api import Collection, open  # noqa: E402 - the check above has to come first
from storage.errors import NearestError  # noqa: E402

__all__ = ["Collection", "NearestError", "open"]
