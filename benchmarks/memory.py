"""30 MB of text in, the peak memory of indexing it out: `python -m benchmarks.memory [--seconds N]`.

The text is that of Python's documentation, several times over, each time under other paragraph numbers so that no text
repeats. Peak memory is the operating system's own account of the process (Linux and macOS).
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks import results
from benchmarks.trees import python_documentation

COMMAND = (sys.executable, "-c", "from nearest.cli.main import script; script()", "index", "--json")


def grow(tree: Path, megabytes: float, folder: Path) -> int:
    """Copies of the tree's files with every paragraph numbered anew, until they hold so much; returns the bytes."""
    files = sorted(path for path in tree.rglob("*") if path.is_file())
    written = number = 0
    while written < megabytes * 1e6:
        source = files[number % len(files)]
        text = source.read_text(encoding="utf-8", errors="replace")
        paragraphs = [f"{text_} ({number}.{at})" for at, text_ in enumerate(text.split("\n\n"))]
        target = folder / f"{number:05}-{source.name}"
        target.write_text("\n\n".join(paragraphs), encoding="utf-8")
        written += target.stat().st_size
        number += 1
    return written


def main() -> None:
    """Print the size of the text, what the run did of it, and the peak memory."""
    import resource  # not on Windows

    parser = results.parser("memory", __doc__)
    parser.add_argument("--megabytes", type=float, default=30.0)
    parser.add_argument(
        "--seconds", type=float, help="interrupt the run after so long; its memory has then long settled"
    )
    parser.add_argument("--tree", type=Path, help="a folder of documents; Python's documentation if none")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        documents = Path(folder) / "documents"
        documents.mkdir()
        size = grow(options.tree or python_documentation(), options.megabytes, documents)
        # A shell's background jobs ignore this signal, and so would what they start.
        signal.signal(signal.SIGINT, signal.default_int_handler)
        start = time.perf_counter()
        environment = {**os.environ, "NEAREST_HOME": f"{folder}/home"}
        process = subprocess.Popen([*COMMAND, documents], env=environment, stdout=subprocess.PIPE)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(options.seconds)
        if process.poll() is None:
            process.send_signal(signal.SIGINT)
        out, _ = process.communicate()
        seconds = time.perf_counter() - start
        status = subprocess.run([*COMMAND[:-2], "status", "--json"], env=environment, check=True, capture_output=True)
        found = json.loads(status.stdout)
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    row = {
        "MB of text": round(size / 1e6, 1),
        "chunks": found["chunks"],
        "embedded": found["vectors"],
        "seconds": round(seconds),
        "peak MB of memory": round(peak / 1e6),
        "MB on disk": round(found["bytes_on_disk"] / 1e6),
        "the run": "finished" if out else "interrupted",
    }
    results.report("memory", [row], options.save)


if __name__ == "__main__":
    main()
