.PHONY: all check lint types layers test replay mutate wheel fuzz schema docs

PYTHON ?= .venv/bin/python

# Everything but the tests, which are a command of their own in the README.
check: lint types layers replay mutate docs

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

# The suites that the local model has answered.
RECORDED = agent_transfer customer_service intake triage

# What the local model answered, offline: no decision may be worse than it was.
replay:
	$(PYTHON) -m pytest $(RECORDED:%=evals/%/scenarios.yaml) -n 2 --handoff-replay --handoff-baseline fixtures/baseline.json

# The agents of the repository, broken on purpose: their suites must notice. Deselected is what
# changes nothing in livekit 1.8: it writes the next agent's prompt over the old one, which has the
# same id; membership and the tasks have no such tools, so calls are filtered out; preemptive
# generation is its default.
mutate:
	$(dir $(PYTHON))handoff-evals mutate --min-score 0.95 \
		--deselect said_so_far::context-flag-dropped::copied\ without\ exclude_instructions \
		--deselect _next::context-flag-dropped::copied\ without\ exclude_instructions \
		--deselect on_enter::context-flag-dropped::copied\ without\ exclude_instructions \
		--deselect _said::context-flag-dropped::copied\ without\ exclude_instructions \
		--deselect _said::context-flag-dropped::copied\ without\ exclude_function_call \
		--deselect _next::context-flag-dropped::copied\ without\ exclude_function_call \
		--deselect session-option-dropped

# 2,000 random conversations with each agent of the repository.
fuzz:
	$(PYTHON) -m pytest evals/*/test_random_calls.py --hypothesis-profile=fuzz -n 2

wheel:
	$(PYTHON) -m build --wheel

# What editors check scenario files by; a test sees that it is kept up.
schema:
	$(PYTHON) -c 'import json; from handoff_evals.scenarios import json_schema as of; print(json.dumps(of(further_checks=True), indent=2, ensure_ascii=False))' > docs/scenarios.schema.json

# The pages under docs/, in build/site; a link that leads nowhere is an error.
docs:
	NO_MKDOCS_2_WARNING=1 $(PYTHON) -m mkdocs build --strict
