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

wheel:
	$(PYTHON) -m build --wheel
