"""`handoff-evals schema`: what files have to look like, for editors and other programs."""

import json
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from handoff_evals.cli.output import epilog
from handoff_evals.terminal import print_json

SCHEMA_EPILOG = epilog(
    ("schema", "of scenario files, for your editor"),
    ("schema trial", "of a line of a run's trials.jsonl"),
)


class FileKind(StrEnum):
    """A kind of file that the harness reads or writes."""

    SCENARIOS = "scenarios"
    MANIFEST = "manifest"
    TRIAL = "trial"
    SUMMARY = "summary"
    BASELINE = "baseline"
    CASSETTE = "cassette"


def schema(
    kind: Annotated[FileKind, typer.Argument(help="The kind of file.")] = FileKind.SCENARIOS,
) -> None:
    """Print the JSON Schema of a kind of file.

    That of scenario files has the keys of your own checks too. An editor with
    YAML support completes and checks a file whose first line is
    `# yaml-language-server: $schema=scenarios.schema.json`.
    """
    print_json(json.dumps(schema_of(kind), indent=2, ensure_ascii=False))


def schema_of(kind: FileKind) -> Mapping[str, Any]:
    """The JSON Schema of a kind of file.

    Raises:
        UsageError: when a check that `pyproject.toml` names can't be imported.
    """
    from handoff_evals import cassettes
    from handoff_evals.checks import expect_keys, load_checks
    from handoff_evals.results import Baseline, RunFolder, Summary
    from handoff_evals.scenarios import DIALECT, json_schema

    match kind:
        case FileKind.SCENARIOS:
            load_checks(Path.cwd())
            return json_schema(expect_keys())
        case FileKind.SUMMARY:
            found = Summary.json_schema()
        case FileKind.BASELINE:
            found = Baseline.json_schema()
        case FileKind.CASSETTE:
            found = cassettes.json_schema()
        case _:
            found = RunFolder.json_schemas()[kind.value]
    return {"$schema": DIALECT, **found}
