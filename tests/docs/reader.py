"""Somebody who follows a page in a project of their own, in this process."""

import importlib
import sys
from collections.abc import Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
import typer.main
import yaml
from jsonschema import Draft202012Validator
from pytest_examples import CodeExample, EvalExample
from typer.testing import CliRunner

from handoff_evals import evaluate
from handoff_evals.checks import expect_keys, load_checks
from handoff_evals.cli.main import app
from handoff_evals.config import read_config
from handoff_evals.scenarios import json_schema, load_suite
from handoff_evals.scenarios.load import load
from tests.docs.pages import Command, Snippet, plain
from tests.support.imports import forgotten

_TURN_KEYS = ("user", "wait")


@dataclass(frozen=True, kw_only=True)
class Ended:
    """How a command ended."""

    code: int
    printed: str


class Reader:
    """A project's folder, and what its owner does in it, snippet by snippet."""

    def __init__(self, pytester: pytest.Pytester, examples: EvalExample) -> None:
        self._pytester = pytester
        self._examples = examples
        self.folder = pytester.path

    def follow(self, snippet: Snippet) -> None:
        """Do what the snippet says, and see that it comes out as the page says."""
        for typed in snippet.first:
            self._types(Command(typed=typed))
        if snippet.not_run:
            for command in snippet.commands if snippet.language in {"sh", "console"} else ():
                _parses(command)
            return
        match snippet.language:
            case "sh" | "bash" | "console":
                self._commands(snippet)
            case "python":
                self._python(snippet)
            case "yaml":
                self._scenarios(snippet)
            case "text":
                ended = self._run(Command(typed=snippet.shows).words)
                assert ended.code
                assert plain(snippet.text) in plain(ended.printed), ended.printed
            case "toml":
                self._settings(snippet)
            case other:
                raise AssertionError(f"{snippet.place}: nobody runs {other!r}; name a language")

    def write(self, name: str, text: str) -> Path:
        """Write a file of the project."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path

    def _commands(self, snippet: Snippet) -> None:
        *before, last = snippet.commands
        for command in before:
            self._types(command)
        self._types(last, code=snippet.exit)

    def _types(self, command: Command, *, code: int = 0) -> None:
        ended = self._run(command.words)
        shown = f"$ {command.typed}\n{ended.printed}"
        assert ended.code == code, f"it ended with {ended.code}:\n{shown}"
        if command.printed is not None:
            assert plain(ended.printed) == plain(command.printed), shown

    def _run(self, words: Sequence[str]) -> Ended:
        program, *arguments = words
        if program == "pytest":
            return self._pytest(*arguments)
        if program == "handoff-evals":
            with forgotten(self.folder):
                result = CliRunner().invoke(app, arguments)
            if result.exception and not isinstance(result.exception, SystemExit):
                raise result.exception
            return Ended(code=result.exit_code, printed=result.output)
        if program in {"git", "cp", "mkdir", "rm"}:
            done = self._pytester.run(*words)
            return Ended(code=done.ret, printed=done.stdout.str())
        raise AssertionError(f"{program!r} is not run: say `<!-- test: not run, REASON -->`")

    def _pytest(self, *arguments: str) -> Ended:
        out = StringIO()
        with redirect_stdout(out):
            result = self._pytester.runpytest_inprocess("-p", "no:randomly", *arguments)
        return Ended(code=int(result.ret), printed="\n".join(result.outlines))

    def _python(self, snippet: Snippet) -> None:
        example = CodeExample.create(snippet.text, path=snippet.page, start_line=snippet.line)
        self._examples.lint_ruff(example)
        if snippet.file:
            self.write(snippet.file, snippet.text)
            if not Path(snippet.file).name.startswith("test_"):
                with forgotten(self.folder):
                    sys.path.insert(0, str(self.folder))
                    importlib.import_module(snippet.file.removesuffix(".py").replace("/", "."))
        elif "def test_" in snippet.text:
            name = f"test_of_line_{snippet.line}.py"
            self.write(name, snippet.text)
            ended = self._pytest("-q", name)
            assert ended.code == snippet.exit, ended.printed
        else:
            with forgotten(self.folder):
                sys.path.insert(0, str(self.folder))
                checked = "#> " in snippet.text
                run = self._examples.run_print_check if checked else self._examples.run
                run(example)

    def _scenarios(self, snippet: Snippet) -> None:
        written = load(snippet.text).value
        agent = snippet.agent.removeprefix("none") or (
            written.get("agent", "") if isinstance(written, dict) else ""
        )
        whole = _whole(written, agent or "my_agents:service_call")
        name = snippet.file or f"evals/of_line_{snippet.line}/scenarios.yaml"
        path = self.write(name, snippet.text if whole is written else yaml.safe_dump(whole))
        with forgotten(self.folder):
            load_checks(self.folder)
            load_suite(path, keys=expect_keys(), folder=self.folder)
            wrong = Draft202012Validator(json_schema(expect_keys())).iter_errors(whole)
            assert [error.message for error in wrong] == []
            if agent and snippet.agent != "none":
                run = evaluate(name, model="oracle", out=f"{path.parent}/run")
                assert {trial.status for trial in run.trials} == {"passed"}, str(run)

    def _settings(self, snippet: Snippet) -> None:
        path = self.write(snippet.file or f"of_line_{snippet.line}/pyproject.toml", snippet.text)
        read_config(path.parent)


def _whole(written: Any, agent: str) -> Any:
    """A whole scenario file around a part of one."""
    if isinstance(written, dict) and "scenarios" in written:
        return written if "agent" in written else {"agent": agent, **written}
    if isinstance(written, list):
        turns = all(each.keys() & set(_TURN_KEYS) for each in written)
        return _whole({"turns" if turns else "scenarios": written}, agent)
    if "path" in written or "final" in written:
        written = {"turns": [{"user": "Hi."}], "expect": written}
    return {"agent": agent, "scenarios": [{"label": "A part", **written}]}


def _parses(command: Command) -> None:
    """See that there are such commands and options of `handoff-evals`."""
    program, *words = command.words
    if program.rpartition("/")[2] != "handoff-evals":
        return
    group: Any = typer.main.get_command(app)
    while hasattr(group, "commands"):
        group, words = group.commands[words[0]], words[1:]
    group.make_context("handoff-evals", words)
