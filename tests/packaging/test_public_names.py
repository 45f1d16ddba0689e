"""What users import: which names there are, what they cost, and that mypy sees their types."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from mypy import api

import handoff_evals
import handoff_evals.testing

ROOT = Path(__file__).parents[2]


def test_the_names_are_these() -> None:
    """Taking one away breaks somebody's tests: say so in the changelog."""
    assert handoff_evals.__all__ == [
        "AgentCall",
        "AgentCallFixture",
        "AgentEntry",
        "BrokenInvariantError",
        "CallTurn",
        "ContextItem",
        "ConversationExpectation",
        "Excerpt",
        "Expectation",
        "ExpectedCall",
        "ExpectedHandoff",
        "ExpectedPath",
        "FakeCaller",
        "FakeJob",
        "FaultyLLM",
        "FuzzReport",
        "Handoff",
        "HandoffEvalsError",
        "HandoffEvalsWarning",
        "Hop",
        "Limits",
        "Model",
        "ModelFault",
        "ModelKind",
        "ModelTraits",
        "Never",
        "Question",
        "Received",
        "Reply",
        "Request",
        "Run",
        "RunFolder",
        "Scenario",
        "Score",
        "ScriptedLLM",
        "ScriptedTurn",
        "Subject",
        "Suite",
        "Summary",
        "Target",
        "TooLittleTakenError",
        "ToolCall",
        "Transcript",
        "Trial",
        "Turn",
        "TurnAssert",
        "UsageError",
        "check",
        "decided",
        "evaluate",
        "fuzz",
        "load_suite",
        "local_llm",
        "model_kind",
        "reached",
        "register_judge",
        "replay",
        "tool_call",
    ]
    assert handoff_evals.testing.__all__ == [
        "AudioCall",
        "AudioClock",
        "AudioHandoff",
        "AudioTimeoutError",
        "Clip",
        "CountingAudioOutput",
        "FakeSTT",
        "FakeTTS",
        "Heard",
        "ScriptedAudioInput",
        "ToneBook",
        "Utterance",
    ]


@pytest.mark.parametrize("name", handoff_evals.__all__)
def test_each_name_is_there_when_it_is_used(name: str) -> None:
    assert getattr(handoff_evals, name) is not None
    assert name in dir(handoff_evals)


def test_another_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'CallUnderTest'"):
        _ = handoff_evals.CallUnderTest


def test_type_checkers_see_the_same_names() -> None:
    tree = ast.parse(Path(handoff_evals.__file__).read_text(encoding="utf-8"))
    [block] = [node for node in tree.body if isinstance(node, ast.If)]
    seen = [
        alias.name
        for node in block.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    ]
    assert sorted(seen) == sorted(handoff_evals.__all__)


def test_importing_the_package_loads_nothing_but_itself() -> None:
    code = "import sys, handoff_evals; print([n for n in sys.modules if '.' not in n])"
    loaded = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout
    assert "'handoff_evals'" in loaded
    for heavy in ("livekit", "pydantic", "rich", "scipy", "numpy", "pytest", "yaml"):
        assert f"'{heavy}'" not in loaded


def test_reading_a_run_loads_no_livekit() -> None:
    code = "import sys, handoff_evals; handoff_evals.Run; print('livekit.agents' in sys.modules)"
    loaded = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout
    assert loaded == "False\n"


def _imports(path: Path) -> Iterator[str]:
    """The modules of the harness that a file imports, and what is imported from them."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{node.module} {alias.name}" for alias in node.names)


def test_agents_and_evals_import_public_names_only() -> None:
    """They are written as a user would write theirs."""
    files = [*(ROOT / "agents").rglob("*.py"), *(ROOT / "evals").rglob("*.py")]
    public = {f"handoff_evals {name}" for name in handoff_evals.__all__}
    public |= {f"handoff_evals.testing {name}" for name in handoff_evals.testing.__all__}
    found = {
        (str(path.relative_to(ROOT)), name)
        for path in files
        for name in _imports(path)
        if name.startswith(("handoff_evals", "tests"))
    }
    assert len(found) > 20
    assert {(path, name) for path, name in found if name not in public} == set()


# What is large and says nothing of our own types takes mypy half of its time.
_SETTINGS = """
[mypy]
strict = true
follow_imports = silent
[mypy-openai.*,scipy.*,hypothesis.*,opentelemetry.*,PIL.*,livekit.rtc.*,livekit.protocol.*,aiohttp.*]
follow_imports = skip
"""


def test_mypy_knows_the_types_of_what_users_write(
    tmp_path: Path, pytestconfig: pytest.Config
) -> None:
    """`assert_type` and unused `type: ignore` comments in the file are what is asserted."""
    user = Path(__file__).parent / "typed_api.py"
    settings = tmp_path / "mypy.ini"
    settings.write_text(_SETTINGS, encoding="utf-8")
    cache = pytestconfig.rootpath / ".mypy_cache" / "typed_api"
    printed, errors, _ = api.run([f"--config-file={settings}", f"--cache-dir={cache}", str(user)])
    assert (printed, errors) == ("Success: no issues found in 1 source file\n", "")
