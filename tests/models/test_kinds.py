"""The kinds of `--model`: which names they match, and what their answers are taken for."""

import sys
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import pytest
from livekit.agents import llm

from handoff_evals.cassettes import ModelIdentity
from handoff_evals.errors import ModelError
from handoff_evals.livekit import ScriptedLLM
from handoff_evals.models import Model, ModelKind, Project, kind, model_kind, resolve
from handoff_evals.models.kind import listing
from handoff_evals.results import ModelTraits
from handoff_evals.scenarios import Scenario

SCENARIO = Scenario(label="Any", turns=())
FUNCTIONS = """
from handoff_evals import ScriptedLLM

class Named(ScriptedLLM):
    def __init__(self, *given):
        super().__init__([])
        self.arguments = given

def oracle(): return Named()
def seeded(seed): return Named(seed)
def planned(scenario): return Named(scenario.label)
def both(seed, scenario, size=3): return Named(seed, scenario.label, size)
def needs_more(size): return Named(size)
def returns_text(): return "gpt"
constant = 3
"""


@pytest.fixture(name="folder")
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with a module, a GGUF file, credentials, and models with misleading names."""
    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.setattr(sys, "modules", {**sys.modules})
    for name in ("LIVEKIT_API_KEY", "LIVEKIT_API_SECRET"):
        monkeypatch.setenv(name, "set")
    tables = (
        f'[tool.handoff-evals.models.{name}]\nmodel = "gpt"\noptions = {{ api_key = "k" }}\n'
        for name in ("fast", "oracle_2", "random")
    )
    (tmp_path / "pyproject.toml").write_text("".join(tables))
    (tmp_path / "never_models.py").write_text(FUNCTIONS)
    (tmp_path / "tiny.gguf").touch()
    return tmp_path


@pytest.fixture(name="registry")
def _registry(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a test registers is forgotten again."""
    monkeypatch.setattr(kind, "_KINDS", [*kind._KINDS])


@pytest.mark.parametrize(
    ("name", "form", "label"),
    [
        ("local", "local, local:NAME", "local/qwen2.5-coder-1.5b+examples"),
        ("local:small", "local, local:NAME", "local/smollm2-135m+examples"),
        ("gguf:tiny.gguf", "gguf:PATH", "gguf/tiny"),
        ("openai/gpt-4.1-mini", "provider/model", "openai/gpt-4.1-mini"),
        ("http://h/v1#m", "http://HOST/v1#MODEL", "http://h/v1#m"),
        ("https://h/v1#m", "http://HOST/v1#MODEL", "https://h/v1#m"),
        ("never_models:seeded", "module:function", "never_models:seeded"),
        ("always_on.models:Class.make", "module:function", "always_on.models:Class.make"),
        ("fast", "NAME", "fast"),
        ("random", "NAME", "random"),
        ("own", "own", "own"),
        ("never", "never", "never"),
        ("oracle", "oracle", "oracle"),
        ("always:billing_agent", "always:AGENT", "always:billing_agent"),
    ],
)
def test_a_name_is_of_one_kind_and_has_its_label(
    folder: Path, name: str, form: str, label: str
) -> None:
    found = kind.kind_of(name, kind.project_of(folder))

    assert (found.form, found.label) == (form, label)


@pytest.mark.parametrize("name", ["gpt", "local:", "gguf:", "always:", ":f", "m:", "a b:c", ""])
def test_a_name_of_no_kind_is_refused_with_every_form_and_the_projects_own(
    folder: Path, name: str
) -> None:
    with pytest.raises(ModelError) as raised:
        resolve([name], folder=folder)

    assert str(raised.value).startswith(f"no model {name!r}; there are:\n")
    lines = str(raised.value).splitlines()[1:]
    assert len(lines) == len(kind.kinds()) + 3
    assert all(any(line.startswith(f"  {each.form} ") for line in lines) for each in kind.kinds())
    assert lines[-3:] == ["  fast", "  oracle_2", "  random"]


@pytest.mark.usefixtures("registry")
@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("gguf:none.gguf", "there is no file"),
        ("local:huge", "there is no local model 'huge'"),
        ("http://h/v1", "write http://HOST/v1#MODEL"),
        ("always:a[b", "model 'always:a[b'"),
        ("never_models:constant", "is 3: name a function"),
        ("never_models:nothing", "has no attribute 'nothing'. It defines Named, oracle"),
        ("never_models:needs_more", "can't be called: missing a required argument: 'size'"),
    ],
)
def test_a_model_that_can_not_be_used_is_refused_before_another_is_opened(
    folder: Path, name: str, message: str
) -> None:
    opened = []

    @model_kind
    class Eager(ModelKind):
        form = "eager"
        about = "notes that it was opened"

        @classmethod
        def matches(cls, name: str, project: Project) -> bool:  # noqa: ARG003 - any project has it
            return name == cls.form

        def open(self) -> Model:
            opened.append(self.name)
            raise NotImplementedError

    with pytest.raises(ModelError) as raised:
        resolve(["eager", name], folder=folder)

    assert message in str(raised.value)
    assert opened == []


def test_the_real_models_are_listed_first_and_the_local_one_before_all(folder: Path) -> None:
    names = [each.name for each in listing(folder)]

    assert names[0] == "local:qwen2.5-coder-1.5b"
    assert names[-4:] == ["oracle", "never", "always:AGENT", "random"]


def test_two_names_of_one_model_are_refused(folder: Path) -> None:
    with pytest.raises(ModelError, match=r"name 'local/qwen2\.5-coder-1\.5b\+examples' twice"):
        resolve(["local", "local:default"], folder=folder)


@pytest.mark.parametrize(
    ("name", "traits"),
    [
        ("never", ModelTraits(reference=True, deterministic=True)),
        ("always:desk", ModelTraits(reference=True, deterministic=True)),
        ("oracle", ModelTraits(reference=True, deterministic=True, plays_scenario=True)),
        ("own", ModelTraits(agents_own=True)),
    ],
)
def test_what_a_models_answers_are_is_its_kinds_to_say(
    folder: Path, name: str, traits: ModelTraits
) -> None:
    [model] = resolve([name], folder=folder)

    assert model.traits == traits
    assert (model.identity is None) is traits.reference


@pytest.mark.parametrize("name", ["never_models:oracle", "oracle_2", "random"])
def test_a_real_model_with_the_name_of_a_reference_is_a_real_model(folder: Path, name: str) -> None:
    [model] = resolve([name], folder=folder)

    assert model.traits == ModelTraits()
    assert model.identity is not None


@pytest.mark.parametrize(
    ("name", "given"),
    [
        ("oracle", ()),
        ("seeded", (7,)),
        ("planned", ("Any",)),
        ("both", (7, "Any", 3)),
    ],
)
def test_a_function_is_given_the_seed_and_the_scenario_where_it_takes_them(
    folder: Path, name: str, given: tuple[Any, ...]
) -> None:
    [model] = resolve([f"never_models:{name}"], folder=folder)
    made: Any = model.build(SCENARIO, 7)

    assert made.arguments == given


def test_a_function_that_returns_no_model_is_named_with_what_it_returned(folder: Path) -> None:
    [model] = resolve(["never_models:returns_text"], folder=folder)

    with pytest.raises(ModelError, match="model 'never_models:returns_text' returned 'gpt'"):
        model.build(SCENARIO, 0)


def test_where_cassettes_answer_no_model_is_opened_but_the_references(folder: Path) -> None:
    names = ["local", "missing_module:function", "gguf:none.gguf", "never", "own"]
    models = resolve(names, folder=folder, replayed=True)
    made = [model.build(SCENARIO, 0) for model in models]

    assert [type(each).__name__ for each in made[:3]] == ["ReplayedLLM"] * 3
    assert [each.model for each in made[:4] if each] == [model.label for model in models[:4]]
    assert made[4] is None
    assert models[1].identity == ModelIdentity(label="missing_module:function")


@pytest.mark.usefixtures("registry")
def test_a_new_kind_is_one_class(folder: Path) -> None:
    @model_kind
    class Echo(ModelKind):
        form = "echo:WORD"
        about = "says WORD"
        traits = ModelTraits(deterministic=True)

        @classmethod
        def matches(cls, name: str, project: Project) -> bool:  # noqa: ARG003 - any project has it
            return name.startswith("echo:")

        def open(self) -> Model:
            word = self.name.removeprefix("echo:")
            return Model(label=self.label, build=lambda _scenario, _seed: ScriptedLLM([word]))

    [model] = resolve(["echo:hello"], folder=folder)

    assert isinstance(model.build(SCENARIO, 0), llm.LLM)
    assert (model.label, model.traits) == ("echo:hello", Echo.traits)
    assert model.identity == ModelIdentity(label="echo:hello")
    assert "echo:WORD" in [each.name for each in listing(folder)]
    with pytest.raises(ModelError, match=r"  echo:WORD +says WORD"):
        resolve(["nothing"], folder=folder)


@pytest.mark.usefixtures("registry")
def test_a_package_adds_a_kind_by_an_entry_point_and_a_broken_one_is_named(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    point = EntryPoint(name="echo", value="no_such_package:Echo", group=kind.ENTRY_POINTS)
    monkeypatch.setattr(kind, "entry_points", lambda *, group: [point][: group == point.group])
    kind._load_entry_points.cache_clear()

    with pytest.raises(ModelError, match="'echo' can't be imported from 'no_such_package:Echo'"):
        listing(folder)

    (folder / "no_such_package.py").write_text(
        "from handoff_evals.models import ModelKind, model_kind\n"
        "@model_kind\nclass Echo(ModelKind):\n"
        "    form = about = 'echoed'\n"
        "    def matches(name, project): return name == 'echoed'\n"
        "    def open(self): raise NotImplementedError\n"
    )
    monkeypatch.syspath_prepend(folder)
    assert "echoed" in [each.name for each in listing(folder)]
