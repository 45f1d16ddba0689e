"""The `redact` function of a project's pyproject.toml, before a cassette is opened."""

import sys
from pathlib import Path

import pytest

from handoff_evals.cassettes import Mode, ModelIdentity
from handoff_evals.errors import UsageError
from handoff_evals.runs import cassette_of


@pytest.fixture(autouse=True)
def _no_trace(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.setattr(sys, "modules", {**sys.modules})


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("", "'redacting:hide' can't be imported: AttributeError"),
        ("raise SystemExit(2)", "'redacting:hide' can't be imported: SystemExit: 2"),
        ("def hide(text): return None", "'redacting:hide' returns None for 'a word'"),
        ("def hide(): return ''", "'redacting:hide' fails on 'a word': TypeError"),
    ],
)
def test_what_redacts_no_text_is_refused_with_the_setting_and_the_reason(
    tmp_path: Path, code: str, message: str
) -> None:
    (tmp_path / "pyproject.toml").write_text('[tool.handoff-evals]\nredact = "redacting:hide"\n')
    (tmp_path / "redacting.py").write_text(code)

    with pytest.raises(UsageError) as raised:
        cassette_of(
            "Shop",
            ModelIdentity(label="gpt"),
            mode=Mode.AUTO,
            folders=[tmp_path],
            project=tmp_path,
        )

    assert str(raised.value).startswith(f"[tool.handoff-evals] redact = {message}")
