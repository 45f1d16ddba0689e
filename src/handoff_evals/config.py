"""What a project sets: `[tool.handoff-evals]` of `pyproject.toml`.

```toml
[tool.handoff-evals]
turn_timeout = 120       # seconds for one turn
trial_timeout = 1800     # seconds for all turns of a conversation
retries = 2              # how often a trial without an answer is run again
breaker = 5              # unscored trials in a row after which a model is asked no more
max_unscored = 0.05      # the share of unscored trials above which a run is invalid
max_tokens = 1_000_000   # no more trials are started once a run has used so many
margin = 0.1             # the share of scenarios that you would accept to lose
cassettes = "fixtures/cassettes"                # the folder of the cassettes
calibrations = "fixtures/calibrations"          # the folder of the judges' calibrations
redact = "my_project.privacy:without_numbers"   # str -> str, for all that is kept
mask = ["T-[0-9a-f]{8}"]                        # what differs from run to run, for cassettes
checks = ["my_project.checks"]                  # modules with checks of your own

[tool.handoff-evals.models.fast]
model = "gpt-4.1-mini"
base_url = "https://example.com/v1"   # optional
api_key_env = "MY_KEY"                # the *name* of the variable, never the key
temperature = 0.0
options = { max_completion_tokens = 200 }
price = { prompt = 0.4, completion = 1.6 }   # per million tokens
concurrency = 8
requests_per_minute = 500
tokens_per_minute = 200_000
```
"""

import os
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from handoff_evals.credentials import add_options, add_secret, is_variable_name
from handoff_evals.errors import UsageError
from handoff_evals.user_code import import_reference


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


class PriceConfig(_Table):
    """Per million tokens, in one currency."""

    prompt: float = Field(ge=0)
    completion: float = Field(ge=0)


class ModelConfig(_Table):
    """One `[tool.handoff-evals.models.NAME]`."""

    plugin: str = "openai"
    """The livekit plugin whose `LLM` answers: `livekit.plugins.NAME`."""
    model: str
    base_url: str | None = None
    api_key_env: str | None = None
    temperature: float | None = None
    seed: bool = False
    """Whether the provider takes a seed; each trial then sends its own."""
    options: dict[str, Any] = Field(default_factory=dict)
    """Further arguments of the plugin's `LLM`."""
    price: PriceConfig | None = None
    concurrency: int = Field(default=8, ge=1)
    requests_per_minute: int | None = Field(default=None, ge=1)
    """The harness delays requests to keep to it; no deadline runs meanwhile."""
    tokens_per_minute: int | None = Field(default=None, ge=1)
    """Likewise, of prompts and answers, as the provider counts them in its answers."""

    @field_validator("api_key_env")
    @classmethod
    def _is_a_name(cls, written: str | None) -> str | None:
        if written is not None and not is_variable_name(written):
            raise ValueError(
                "it must be the name of an environment variable, as MY_KEY, and this looks like a "
                "key itself, which does not belong into a file: put it into the environment or .env"
            )
        return written


class ProjectConfig(_Table):
    """The whole table."""

    turn_timeout: float = Field(default=120.0, ge=0.1)
    """Seconds for one turn."""
    trial_timeout: float = Field(default=1800.0, ge=0.1)
    """Seconds for all turns of a conversation together."""
    retries: int = Field(default=2, ge=0)
    """How often a trial without an answer is run again."""
    breaker: int = Field(default=5, ge=1)
    """Unscored trials in a row after which a model is asked no more."""
    max_unscored: float = Field(default=0.05, ge=0, le=1)
    """The share of unscored trials of a model above which a run is invalid."""
    max_tokens: int | None = Field(default=None, ge=1)
    """No more trials are started once a run has used so many; None is without limit."""
    margin: float = Field(default=0.1, gt=0, lt=1)
    """The share of scenarios that you would accept to lose, in every verdict."""
    cassettes: str = Field(default="fixtures/cassettes", min_length=1)
    """The folder of the cassettes, from the project's folder."""
    calibrations: str = Field(default="fixtures/calibrations", min_length=1)
    """The folder of the judges' calibrations, from the project's folder."""
    redact: str | None = None
    """`module:function` that every text goes through before it is kept: on cassettes, in run
    folders, and so in baselines and Markdown."""
    mask: list[str] | str = Field(default_factory=list)
    """Regular expressions of what differs from run to run in what a model is asked, as ids that
    a tool draws at random; or `module:function`, which gets a text and returns those parts."""
    checks: list[str] = Field(default_factory=list)
    """Modules that are imported before a scenario file is read: each adds checks by `@check`."""
    models: dict[str, ModelConfig] = Field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Portion:
    """Which part of a limit is for one of several processes that ask the same model."""

    index: int = 0
    of: int = 1

    def part(self, index: int, of: int) -> "Portion":
        """The share of one of `of` processes that have this share together."""
        return Portion(index=self.index * of + index, of=self.of * of)

    def limit(self, whole: int | None, *, what: str) -> int | None:
        """The share of a limit: all of them together make the whole.

        Raises:
            UsageError: when it is too small to be shared.
        """
        if whole is None:
            return None
        if whole < self.of:
            raise UsageError(
                f"{what} = {whole} can't be shared by {self.of} processes: take fewer workers or "
                "shards"
            )
        return whole // self.of + (self.index < whole % self.of)


def redact_of(project: Path) -> Callable[[str], str] | None:
    """The function that every text goes through before it is kept; None where none is set.

    Raises:
        UsageError: when it can't be imported, or is none of texts.
    """
    named = read_config(project).redact
    if named is None:
        return None
    what = "[tool.handoff-evals] redact ="
    redact: Callable[[str], str] = import_reference(named, folder=project, what=what)
    try:
        given = redact("a word")
    except Exception as error:
        raise UsageError(
            f"{what} {named!r} fails on 'a word': {type(error).__name__}: {error}; "
            "it must take a str and return one"
        ) from error
    if not isinstance(given, str):
        raise UsageError(
            f"{what} {named!r} returns {given!r} for 'a word'; it must take a str and return one"
        )
    return redact


def read_config(folder: Path) -> ProjectConfig:
    """Read the table of the folder's `pyproject.toml`; the defaults where there is none.

    Raises:
        UsageError: when it is not as it must be; the message names each key.
    """
    path = folder / "pyproject.toml"
    if not path.is_file():
        return ProjectConfig()
    try:
        document: Any = tomllib.loads(path.read_text(encoding="utf-8"))
        for name in ("tool", "handoff-evals"):
            document = document.get(name, {}) if isinstance(document, dict) else document
        _add_secrets(document)
        return ProjectConfig.model_validate(document)
    except ValidationError as error:
        problems = "; ".join(_problem(each) for each in error.errors())
        raise UsageError(f"{path}: {problems}") from error
    except RecursionError:
        raise UsageError(f"{path} can't be read: it is nested too deeply") from None
    except (OSError, ValueError) as error:
        raise UsageError(f"{path} can't be read: {error}") from error


def _add_secrets(document: Any) -> None:
    """Know every key that the table names or holds, before anything of it is shown."""
    models = document.get("models") if isinstance(document, dict) else None
    for table in models.values() if isinstance(models, dict) else ():
        if isinstance(table, dict):
            named = table.get("api_key_env")
            if isinstance(named, str):
                add_secret(os.environ.get(named) if is_variable_name(named) else named)
            add_options(table)


def _problem(error: Mapping[str, Any]) -> str:
    *tables, key = map(str, error["loc"] or ("",))
    table = f"[{'.'.join(['tool.handoff-evals', *tables])}]"
    if error["type"] == "missing":
        return f"{table} needs the key {key!r}"
    if key == "api_key_env":
        return f"{table} {key}: {error['msg'].removeprefix('Value error, ')}"
    if error["type"] != "extra_forbidden":
        return f"{table} {key} is {error['input']!r}: {error['msg']}"
    keys = sorted(_KEYS[len(tables)].model_fields)
    close = get_close_matches(key, keys, n=1)
    hint = f"did you mean {close[0]!r}?" if close else f"there are {', '.join(keys)}"
    return f"{table} has no key {key!r}; {hint}"


# By how many tables stand around a key: `models.NAME.price` are three.
_KEYS: Mapping[int, type[_Table]] = {0: ProjectConfig, 2: ModelConfig, 3: PriceConfig}
