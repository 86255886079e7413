# Two commands matter: `make demo` shows the program at work, `make test` proves it. Both set up what is missing.

PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11 python; do \
	"$$p" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { echo "$$p"; break; }; done)
BIN := $(if $(filter Windows_NT,$(OS)),.venv/Scripts,.venv/bin)
PY := $(BIN)/python
READY := .venv/ready
DEMO = NEAREST_HOME=.venv/demo $(BIN)/nearest

.PHONY: help demo test quick lint docs pictures bench bench-quality lock clean

help:
	@echo "make demo   index sample_docs with the embedded model and ask three questions"
	@echo "make test   run all tests (about four minutes on two cores)"
	@echo "make quick  the tests that start no processes, servers or models of note (under a minute)"
	@echo "make lint   ruff and mypy"
	@echo "make docs   write docs/cli.md anew from the commands, docs/figures.md from what benchmarks kept, docs/models.md"
	@echo "make pictures  draw docs/pictures anew, what a terminal shows (Linux and macOS)"
	@echo "make bench  the figures of the README (an hour)"
	@echo "make bench-quality  how well keyword, vector and hybrid search answer on every labelled set (an hour)"
	@echo "make lock   write requirements.txt anew from pyproject.toml (needs uv)"
	@echo "make clean  remove .venv, with the demo's collection in it"

demo: $(READY)
	$(DEMO) index sample_docs
	$(DEMO) search -k 2 --brief "how long does stored food survive when the electricity fails?"
	$(DEMO) search -k 2 --brief "how can I silence noisy brakes on a bike?"
	$(DEMO) search -k 2 --brief "why does the former renter refuse to be charged for fresh paint?"

test: $(READY)
	$(PY) -m pytest -n auto

quick: $(READY)
	$(PY) -m pytest -n auto -m "not slow"

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(PY) -m mypy

docs: $(READY)
	$(PY) -m docs.cli > docs/cli.md
	$(PY) -m docs.figures > docs/figures.md
	$(PY) -m docs.models > docs/models.md

pictures: $(READY)
	$(PY) -m docs.pictures

bench: $(READY)
	$(PY) -m pip --disable-pip-version-check install --quiet --require-hashes --no-deps -r benchmarks/requirements.txt
	$(PY) -m benchmarks

bench-quality: $(READY)
	$(PY) -m benchmarks.quality

$(READY): requirements.txt pyproject.toml
	@test -n "$(PYTHON)" || { echo "make: needs Python 3.11 or newer (or name one: make PYTHON=/path/to/python)" >&2; exit 2; }
	test -x $(PY) || $(PYTHON) -m venv .venv
	$(PY) -m pip --disable-pip-version-check install --quiet --require-hashes --no-deps -r requirements.txt
	$(PY) -m pip --disable-pip-version-check install --quiet --no-deps --no-build-isolation -e .
	@touch $(READY)

lock:
	uv pip compile pyproject.toml --group dev --universal --python-version 3.11 --generate-hashes \
		--no-emit-index-url --no-annotate --no-header --upgrade --quiet -o requirements.txt

clean:
	rm -rf .venv
