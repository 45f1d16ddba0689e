"""`scenarios: module:function`: scenarios that a function of the user's own makes."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from handoff_evals.errors import ScenarioFileError
from handoff_evals.scenarios.scenario import Scenario
from handoff_evals.user_code import as_error, import_reference, last_user_line


@dataclass(frozen=True, kw_only=True)
class GeneratedScenarios:
    """What the function made, in two parts."""

    values: tuple[Scenario, ...]
    written: tuple[Mapping[str, Any], ...]
    """Mappings as they stand in a file, still to be checked."""


def generate(reference: str, *, folder: Path) -> GeneratedScenarios:
    """Call the function that a file names in the place of its scenarios.

    Args:
        reference: `module:function`.
        folder: the project, put on `sys.path`.

    Raises:
        ScenarioFileError: when it can't be imported, raises, or makes something else.
    """
    function = import_reference(
        reference, folder=folder, what="scenarios", raises=ScenarioFileError
    )
    try:
        made = list(function())
    except BaseException as error:
        raised = as_error(error)
        if raised is None:
            raise
        raise ScenarioFileError(
            f"scenarios {reference!r} raised {type(raised).__name__}: {raised}"
            f"{last_user_line(raised)}"
        ) from error
    for each in made:
        if not isinstance(each, Scenario | Mapping):
            raise ScenarioFileError(
                f"scenarios {reference!r} gave {each!r}: it must give `Scenario`s, or mappings "
                "with the keys that a scenario has in a file"
            )
    return GeneratedScenarios(
        values=tuple(each for each in made if isinstance(each, Scenario)),
        written=tuple(dict(each) for each in made if isinstance(each, Mapping)),
    )
