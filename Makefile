.PHONY: all check lint types layers test replay wheel fuzz

PYTHON ?= .venv/bin/python

# Everything but the tests, which are a command of their own in the README.
check: lint types layers replay

all: check test

lint:
	$(PYTHON) -m ruff check .
	$(PYTHON) -m ruff format --check .

types:
	$(PYTHON) -m mypy

layers:
	$(dir $(PYTHON))lint-imports

test:
	$(PYTHON) -m pytest -n 2

# What the local model answered, offline: no decision may be worse than it was.
replay:
	$(PYTHON) -m pytest evals/*/scenarios.yaml -n 2 --handoff-replay --handoff-baseline fixtures/baseline.json

# 2,000 random conversations with each agent of the repository.
fuzz:
	$(PYTHON) -m pytest evals/*/test_random_calls.py --hypothesis-profile=fuzz -n 2

wheel:
	$(PYTHON) -m build --wheel
