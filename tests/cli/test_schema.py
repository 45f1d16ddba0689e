"""`handoff-evals schema`: what it prints, against the files that a run writes."""

import json
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator

from tests.cli.conftest import Command

OWN_CHECK = """
from handoff_evals import check

@check("max_words_here", expects=int)
def max_words_here(scenario, transcript):
    "The most words that the caller hears."
    return ()
"""


def documents(path: Path) -> list[Any]:
    """The JSON of a file, or of each of its lines."""
    text = path.read_text(encoding="utf-8")
    return [*map(json.loads, text.splitlines())] if path.suffix == ".jsonl" else [json.loads(text)]


def test_the_files_of_a_run_are_as_their_schemas_say(command: Command, project: Path) -> None:
    assert (
        command(
            "run", "-m", "tests.support.obedient:obedient", "--cassettes", "auto", "--out", "runs/a"
        ).code
        == 0
    )
    assert command("baseline", "runs/a", "kept.json").code == 0
    [cassette, *_] = project.glob("fixtures/cassettes/**/*.jsonl")
    files = {
        "manifest": project / "runs/a/manifest.json",
        "trial": project / "runs/a/trials.jsonl",
        "summary": project / "runs/a/summary.json",
        "baseline": project / "kept.json",
        "cassette": cassette,
    }
    for kind, file in files.items():
        schema = json.loads(command("schema", kind).out)
        Draft202012Validator.check_schema(schema)
        for document in documents(file):
            assert [*Draft202012Validator(schema).iter_errors(document)] == []
            assert [*Draft202012Validator(schema).iter_errors({"schema": 0})] != []


def test_the_schema_of_scenario_files_has_the_keys_of_own_checks(
    command: Command, project: Path
) -> None:
    (project / "own_words.py").write_text(OWN_CHECK)
    (project / "pyproject.toml").write_text('[tool.handoff-evals]\nchecks = ["own_words"]\n')
    schema = json.loads(command("schema").out)
    found = schema["$defs"]["ExpectModel"]["properties"]["max_words_here"]
    assert found == {"type": "integer", "description": "The most words that the caller hears."}
