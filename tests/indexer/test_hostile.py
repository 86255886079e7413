"""A folder of hostile files is indexed: each becomes a document or a reason, and the sound ones among them are found.

Those of more than 0.7 MB are left out, for the sake of time;
`HOSTILE=all python -m pytest tests/indexer/test_hostile.py` takes them all, with the limits that nearest has by itself.
"""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

import pytest
from helpers.command import ROOT, begin
from helpers.hostile import BOMB, WORDS, make

pytestmark = pytest.mark.slow

ALL = os.environ.get("HOSTILE") == "all"
LIMITS = {} if ALL else {"NEAREST_READ_SECONDS": "5", "NEAREST_READ_MEMORY": "500"}
PARENT_MB = 4000 if ALL else 400  # at the peak
SECRET = "zanzibar marzipan cellar"

INDEXING = r"""
import json, os, re, sys
from pathlib import Path
import psutil
from helpers.desk import Desk
from helpers.stored import local_store

desk = Desk(Path(sys.argv[1]))
counts = desk.index()
left = len(psutil.Process().children(recursive=True))
with local_store("default") as collection:
    texts = collection.database.rows("SELECT text FROM texts")
    rows = collection.database.rows(
        "SELECT path, texts.text FROM chunks JOIN texts ON texts.id = chunks.text"
        " JOIN documents ON documents.id = chunks.document WHERE CAST(path AS TEXT) LIKE '%/sound.%'"
    )
    sound = {}
    for path, text in rows:
        sound.setdefault(os.path.basename(path).decode(), []).append(text)
status = Path("/proc/self/status")  # where there is none, the peak cannot be told from that of who started this
peak = int(re.search(r"VmHWM:\s*(\d+) kB", status.read_text())[1]) / 1e3 if status.exists() else 0
told = [word for word in sys.argv[2:] if any(word in text for text, in texts)]
question = "who polishes the brass telescope on thursdays"
found = desk.found(question, 1)
second = desk.index()
print(json.dumps({
    "counts": counts, "left": left, "peak": peak, "told": told, "found": found, "second": second, "sound": sound,
    "read": desk.read, "documents": desk.documents(), "reasons": desk.reasons(),
}, ensure_ascii=True))
"""


def test_hostile_files_cost_themselves_and_nothing_else(tmp_path: Path) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text(SECRET)
    folder = tmp_path / "documents"
    sound = make(folder, secret, largest=BOMB if ALL else 700_000)
    (folder / "thursday.md").write_text("The brass telescope is what the verger polishes on thursdays.")
    names = sorted(os.listdir(folder))  # noqa: PTH208 - not every name is text
    assert len(names) >= 300

    time.sleep(2)  # what is younger is not trusted to stay as it is
    paths = os.pathsep.join([str(ROOT), str(ROOT / "tests")])
    process = begin(folder, SECRET, "root:x:", code=INDEXING, env={**LIMITS, "PYTHONPATH": paths})
    out, err = process.communicate(timeout=3600)
    assert process.returncode == 0, err.decode()
    told = json.loads(out)

    assert sorted([*told["documents"], *told["reasons"]]) == names
    assert not [reason for reason in told["reasons"].values() if reason.startswith("!") or len(reason.splitlines()) > 1]
    assert told["counts"] == {"added": len(told["documents"]), "skipped": len(told["reasons"])}
    assert told["found"] == ["thursday.md"]
    for name in sound:
        assert WORDS.format(kind=name.partition(".")[2]) in " ".join(" ".join(told["sound"][name]).split()), name
    assert told["told"] == []
    assert told["left"] == 0
    assert told["peak"] < PARENT_MB
    # What cost much is not tried again; what is told by a file's first bytes costs nothing.
    assert {told["reasons"].get(name) for name in told["read"]} <= {"binary", "archive"}
    assert told["second"] == {"unchanged": len(told["documents"]), "skipped": len(told["reasons"])}
