"""What a project says about its models: `[tool.handoff-evals]` of `pyproject.toml`.

```toml
[tool.handoff-evals]
redact = "my_project.privacy:without_numbers"   # str -> str, for cassettes
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

import tomllib
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from handoff_evals.errors import UsageError


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class PriceConfig(_Strict):
    """Per million tokens, in one currency."""

    prompt: float = Field(ge=0)
    completion: float = Field(ge=0)


class ModelConfig(_Strict):
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
    """The harness holds requests back to keep to it; no deadline runs meanwhile."""
    tokens_per_minute: int | None = Field(default=None, ge=1)
    """Likewise, of prompts and answers, as the provider counts them in its answers."""


class ProjectConfig(_Strict):
    """The whole table."""

    redact: str | None = None
    """`module:function` that every text goes through before it is kept on a cassette."""
    checks: tuple[str, ...] = ()
    """Modules that are imported before a scenario file is read: each adds checks by `@check`."""
    models: dict[str, ModelConfig] = Field(default_factory=dict)


def read_config(folder: Path) -> ProjectConfig:
    """Read the table of the folder's `pyproject.toml`; an empty one where there is none.

    Raises:
        UsageError: when it is not as it must be.
    """
    path = folder / "pyproject.toml"
    if not path.is_file():
        return ProjectConfig()
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
        return ProjectConfig.model_validate(table.get("tool", {}).get("handoff-evals", {}))
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"{path}: no TOML: {error}") from error
    except ValidationError as error:
        problems = [
            f"[tool.handoff-evals.{'.'.join(map(str, each['loc']))}] is {each['input']!r}: "
            f"{each['msg']}"
            for each in error.errors()
        ]
        raise UsageError(f"{path}: {'; '.join(problems)}") from error
