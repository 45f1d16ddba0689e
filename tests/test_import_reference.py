"""`module:name` of users, imported: what comes of it, and what is said when nothing does."""

import sys
from pathlib import Path

import pytest

from handoff_evals.errors import AgentImportError, UsageError
from handoff_evals.user_code import import_reference, module_of


@pytest.fixture(name="project")
def _project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A user's folder with modules that no other test knows; it leaves no trace."""
    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.setattr(sys, "modules", {**sys.modules})
    package = tmp_path / "referred_shop"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "desks.py").write_text(
        "from pathlib import Path\n"
        "class Front:\n    class Inner: pass\n"
        "def back(): pass\n"
        "def _hidden(): pass\n"
    )
    (package / "broken.py").write_text("{}['price']\n")
    (package / "wanting.py").write_text("import sys\nsys.nothing\n")
    (package / "exits.py").write_text("raise SystemExit(3)\n")
    (package / "empty.py").write_text("")
    return tmp_path


@pytest.mark.parametrize("name", ["Front", "Front.Inner"])
def test_a_name_in_a_module_of_the_folder_is_found(project: Path, name: str) -> None:
    found = import_reference(f"referred_shop.desks:{name}", folder=project, what="agent")

    assert found.__qualname__ == name
    assert sys.path[0] == str(project)


def test_the_folder_is_put_on_the_path_once(project: Path) -> None:
    for _ in range(2):
        import_reference("referred_shop.desks:back", folder=project, what="agent")

    assert sys.path.count(str(project)) == 1


@pytest.mark.parametrize("reference", ["", "shop", "shop:", ":Front"])
def test_another_form_is_refused_with_the_right_one(project: Path, reference: str) -> None:
    with pytest.raises(UsageError) as raised:
        import_reference(reference, folder=project, what="agent")

    assert str(raised.value) == (
        f"agent {reference!r}: write `module:name`, as in `my_agents:Triage`, or "
        "`path/to/file.py:name`"
    )


@pytest.mark.parametrize(
    ("reference", "message", "next_step"),
    [
        (
            "referred_shop.desks:Side",
            "AttributeError: module 'referred_shop.desks' has no attribute 'Side'. ",
            "It defines Front, back",
        ),
        (
            "referred_shop.empty:Side",
            "AttributeError: module 'referred_shop.empty' has no attribute 'Side'. ",
            "It defines no class and no function",
        ),
        (
            "referred-shop:Front",
            "ValueError: invalid format: 'referred-shop:Front'. ",
            "Modules and names are Python identifiers, with dots between them",
        ),
        (
            "no_such_shop:Front",
            "ModuleNotFoundError: No module named 'no_such_shop'. ",
            "Modules are looked up from '{project}' first; is that your project's folder?",
        ),
        (
            "referred_shop.broken:Front",
            "KeyError: 'price' (broken.py, line 1). ",
            "Modules are looked up from",
        ),
        ("referred_shop.wanting:Front", "AttributeError: ", "Modules are looked up from"),
        (
            "referred_shop.exits:Front",
            "SystemExit: 3 (exits.py, line 1). ",
            "Modules are looked up from",
        ),
    ],
)
def test_what_can_not_be_imported_is_an_error_that_says_why(
    project: Path, reference: str, message: str, next_step: str
) -> None:
    with pytest.raises(AgentImportError) as raised:
        import_reference(reference, folder=project, what="agent", raises=AgentImportError)

    assert str(raised.value).startswith(f"agent {reference!r} can't be imported: {message}")
    assert next_step.format(project=project) in str(raised.value)
    assert raised.value.__cause__ is not None


def agent_in(folder: Path, name: str = "agent") -> Path:
    """A file that imports its neighbour, as LiveKit's starter has it in `src`."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}_prompts.py").write_text("FRONT = 'You are the front desk.'\n")
    path = folder / f"{name}.py"
    path.write_text(f"from {name}_prompts import FRONT\n")
    return path


def test_a_module_in_src_is_found(project: Path) -> None:
    agent_in(project / "src", "desk_in_src")

    found = import_reference("desk_in_src:FRONT", folder=project, what="agent")

    assert found == "You are the front desk."


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("pyproject.toml", '[tool.pytest.ini_options]\npythonpath = ["lib", "other"]\n'),
        ("pyproject.toml", '[tool.pytest]\npythonpath = ["lib"]\n'),
        ("pytest.ini", "[pytest]\npythonpath = lib other\n"),
        ("tox.ini", "[pytest]\npythonpath =\n  lib\n  other\n"),
        ("setup.cfg", "[tool:pytest]\npythonpath = lib\n"),
    ],
)
def test_a_module_is_looked_up_where_pytest_would(project: Path, file: str, text: str) -> None:
    agent_in(project / "lib", "desk_in_lib")
    (project / file).write_text(text)

    found = import_reference("desk_in_lib:FRONT", folder=project, what="agent")

    assert found == "You are the front desk."


@pytest.mark.parametrize("text", ["[tool", "[tool]\npytest = 3\n"])
def test_settings_that_can_not_be_read_name_no_folder(project: Path, text: str) -> None:
    (project / "pyproject.toml").write_text(text)

    assert import_reference("referred_shop.desks:back", folder=project, what="agent")


def test_a_file_is_imported_as_python_would_run_it(project: Path) -> None:
    agent_in(project / "deep" / "down", "deep_desk")

    found = import_reference("deep/down/deep_desk.py:FRONT", folder=project, what="agent")

    assert found == "You are the front desk."
    assert "deep_desk" in sys.modules


@pytest.mark.parametrize(
    ("file", "module"),
    [
        ("referred_shop/desks.py", "referred_shop.desks"),
        ("referred_shop/__init__.py", "referred_shop"),
    ],
)
def test_a_file_in_a_package_is_imported_by_its_full_name(
    project: Path, file: str, module: str
) -> None:
    import_reference(f"{file}:__name__", folder=project, what="agent")

    assert module_of(f"{file}:__name__", folder=project) == module
    assert module in sys.modules


def test_a_file_that_is_imported_already_keeps_its_name(project: Path) -> None:
    agent_in(project / "desks", "kept_desk")
    sys.path.insert(0, str(project / "desks"))
    import_reference("desks.kept_desk:__name__", folder=project, what="agent")

    name = import_reference("desks/kept_desk.py:__name__", folder=project, what="agent")

    assert name == "desks.kept_desk"


def test_two_files_with_one_name_are_an_error_that_says_so(project: Path) -> None:
    for folder in ("one", "two"):
        agent_in(project / folder, "same_desk")
    import_reference("one/same_desk.py:FRONT", folder=project, what="agent")

    with pytest.raises(UsageError) as raised:
        import_reference("two/same_desk.py:FRONT", folder=project, what="agent")

    assert "another module 'same_desk' was imported before, from" in str(raised.value)
