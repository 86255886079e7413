"""Real texts and labelled questions in, the figures of the README out: `python -m benchmarks.NAME` for each."""
