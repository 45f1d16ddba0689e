"""`[tool.handoff-evals]` of `pyproject.toml`."""

import re
from pathlib import Path

import pytest

from handoff_evals.config import ProjectConfig, read_config
from handoff_evals.errors import UsageError


def test_without_a_table_the_defaults_apply(tmp_path: Path) -> None:
    assert read_config(tmp_path) == ProjectConfig()
    (tmp_path / "pyproject.toml").write_text("[tool.other]\nx = 1\n")
    assert read_config(tmp_path) == ProjectConfig()


def test_what_the_project_sets_is_read(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text(
        "[tool.handoff-evals]\nturn_timeout = 30\nretries = 0\nmax_unscored = 0.2\n"
    )
    config = read_config(tmp_path)
    assert (config.turn_timeout, config.retries, config.max_unscored) == (30, 0, 0.2)


@pytest.mark.parametrize(
    ("table", "says"),
    [
        ("turn_timeot = 3", "[tool.handoff-evals] has no key 'turn_timeot'; did you mean 'turn_t"),
        ("zzz = 3", "there are breaker, calibrations, cassettes, checks, margin, mask, max_tokens"),
        ("retries = -1", "[tool.handoff-evals] retries is -1: "),
        ('retries = "2"', "[tool.handoff-evals] retries is '2': "),
        ("turn_timeout = inf", "[tool.handoff-evals] turn_timeout is inf: "),
        ("models.m.modell = 'x'", "[tool.handoff-evals.models.m] has no key 'modell'"),
        ("models.m.seed = true", "[tool.handoff-evals.models.m] needs the key 'model'"),
        ("x = ", "can't be read"),
    ],
)
def test_a_mistake_is_named_with_its_table_and_its_key(
    tmp_path: Path, table: str, says: str
) -> None:
    (tmp_path / "pyproject.toml").write_text(f"[tool.handoff-evals]\n{table}\n")
    with pytest.raises(UsageError, match=re.escape(says)):
        read_config(tmp_path)


@pytest.mark.parametrize("text", ["tool = 3", "[tool]\nhandoff-evals = 3"])
def test_what_is_no_table_is_named(tmp_path: Path, text: str) -> None:
    (tmp_path / "pyproject.toml").write_text(text)
    with pytest.raises(UsageError, match=r"pyproject\.toml"):
        read_config(tmp_path)
