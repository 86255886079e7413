"""Answers, passages, reports and statuses in, the JSON objects that programs read out."""

from __future__ import annotations

import json
import os
from dataclasses import asdict
from datetime import date
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from indexer.embed.protocol import RawEmbeddings
    from indexer.progress import Report
    from search.evaluation.evaluate import Evaluation
    from search.explain.why_not import Explanation
    from storage.files import SkippedFile
    from storage.status import Status
    from storage.types import Field, Passage

VERSION = 1  # of the JSON objects


def json_text(value: object, *, indent: int | None = None) -> str:
    """Write JSON with its text readable."""
    return json.dumps(value, ensure_ascii=False, indent=indent)


def reasons_object(reasons: Explanation) -> dict[str, Any]:
    """Make the versioned object of `why-not --json`."""
    from nearest.reasons import barrier_text, reason_lines  # which no other command needs

    return {
        "version": VERSION,
        "verdict": reasons.verdict,
        "path": reasons.path,
        "query": reasons.question,
        "documents": reasons.documents,
        "coverage": asdict(reasons.coverage),
        "change": reasons.change,
        "skips": [_skip_object(skip) for skip in reasons.skips],
        "barriers": [barrier_text(barrier) for barrier in reasons.barriers],
        "lines": reason_lines(reasons),
    }


def passages_object(passages: Sequence[Passage], metadata: Mapping[str, Field]) -> dict[str, Any]:
    """Make the versioned object of `get --json`: a document, and the passages of it that were asked for."""
    document = passages[0]
    return {
        "version": VERSION,
        "path": document.path,
        "kind": document.kind,
        "title": document.title,
        "digest": document.digest.hex(),
        "stale": document.stale,
        "metadata": {key: _field(value) for key, value in metadata.items()},
        "passages": [passage.to_dict() for passage in passages],
    }


def _field(value: Field) -> Any:
    if isinstance(value, tuple):
        return [_field(one) for one in value]
    return value.isoformat() if isinstance(value, date) else value


def embeddings_object(made: RawEmbeddings) -> dict[str, Any]:
    """Make the object of `embed`, which is that of Ollama's `POST /api/embed`; numbers in their shortest form."""
    rows = [[float(str(number)) for number in row] for row in made.vectors]
    counts = {
        "total_duration": made.total_ns,
        "load_duration": made.load_ns,
        "prompt_eval_count": made.tokens,
    }
    known = {name: count for name, count in counts.items() if count is not None}
    return {"model": made.model, "embeddings": rows, **known}


def report_object(report: Report) -> dict[str, Any]:
    """Make the object of `index --json`."""
    return {**asdict(report), "seconds": round(report.seconds, 3)}


def status_object(name: str, status: Status) -> dict[str, Any]:
    """Make the object of `status --json`."""
    return {
        "version": VERSION,
        "collection": name,
        "embedder": status.embedder.name if status.embedder else None,
        "dimension": status.embedder.dimension if status.embedder else None,
        "folders": list(map(os.fsdecode, status.folders)),
        "documents": status.documents,
        "chunks": status.chunks,
        "vectors": status.vectors,
        "pending": status.pending,
        "structure": status.structure,
        "refused": [
            {"path": os.fsdecode(path), "line": line, "reason": reason} for path, line, reason in status.refused
        ],
        "failed": [_skip_object(skip) for skip in status.skips if skip.failed],
        "skipped": [_skip_object(skip) for skip in status.skips if not skip.failed],
        "scripts": status.scripts,
        "languages": status.languages,
        "bytes_on_disk": status.bytes_on_disk,
        "searchable": round(status.searchable, 6),
    }


def collection_object(name: str, status: Status) -> dict[str, Any]:
    """Make an object of `ls --json`, one for each collection."""
    return {
        "name": name,
        "documents": status.documents,
        "chunks": status.chunks,
        "bytes_on_disk": status.bytes_on_disk,
        "embedder": status.embedder.name if status.embedder else None,
        "folders": list(map(os.fsdecode, status.folders)),
    }


def _skip_object(skip: SkippedFile) -> dict[str, str]:
    return {"path": os.fsdecode(skip.path), "code": skip.code.value, "reason": skip.reason}


def evaluation_object(evaluation: Evaluation) -> dict[str, Any]:
    """Make the versioned object of `eval --json`."""
    return {
        "version": VERSION,
        "questions": evaluation.questions,
        "modes": {
            mode: {name: round(mean.value, 6) for name, mean in of.items()} for mode, of in evaluation.modes.items()
        },
        "intervals": {
            mode: {name: [round(mean.low, 6), round(mean.high, 6)] for name, mean in of.items()}
            for mode, of in evaluation.modes.items()
        },
        "notes": list(evaluation.notes),
    }
