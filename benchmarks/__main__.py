"""All benchmarks in turn, a few minutes each: `make bench`. Each can be run alone, and for longer: see its `--help`.

Options are handed on to each; with `--save` they keep their figures for docs/figures.md.
"""

from __future__ import annotations

import subprocess
import sys

RUNS = (
    ("scifact",),
    ("models",),
    ("embedding", "--texts", "400", "--rounds", "5"),
    ("chunking",),
    ("excerpts",),
    ("confidence", "--sizes", "30,300,3000", "--questions", "250"),
    ("extraction",),
    ("latency",),
    ("fuzz", "--count", "10000"),
    ("locality",),
    ("reindex",),
    ("cold_search",),
    ("memory", "--seconds", "120"),
    ("kill", "--trials", "50"),
)


def main() -> None:
    """Run each in a process of its own, as anyone would; exit status 1 where one of them fails."""
    failed = False
    for name, *own in RUNS:
        options = [*own, *sys.argv[1:]]
        print(f"\n== python -m benchmarks.{' '.join((name, *options))}", flush=True)
        failed |= subprocess.run([sys.executable, "-m", f"benchmarks.{name}", *options], check=False).returncode != 0
    sys.exit(failed)


if __name__ == "__main__":
    main()
