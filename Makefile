.PHONY: check lint types layers test wheel fuzz

PYTHON ?= .venv/bin/python

check: lint types layers test

lint:
	$(PYTHON) -m ruff check .
	$(PYTHON) -m ruff format --check .

types:
	$(PYTHON) -m mypy

layers:
	$(dir $(PYTHON))lint-imports

test:
	$(PYTHON) -m pytest -n 2

# 2,000 random conversations with each agent of the repository.
fuzz:
	$(PYTHON) -m pytest evals/properties --hypothesis-profile=fuzz -n 2

wheel:
	$(PYTHON) -m build --wheel
