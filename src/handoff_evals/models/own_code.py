"""Models of the user's own code: `module:function`, and `own`, what each agent brings."""

import inspect
from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any

from livekit.agents import llm

from handoff_evals.cassettes import ModelIdentity
from handoff_evals.errors import ModelError
from handoff_evals.models.kind import Listed, Model, ModelKind, Project, model_kind
from handoff_evals.results import ModelTraits
from handoff_evals.scenarios import Scenario
from handoff_evals.user_code import import_reference

_PARAMETERS = ("scenario", "seed")


@model_kind
class OwnFunction(ModelKind):
    """A function that returns a livekit LLM, called once for each trial.

    What it names of the parameters `scenario` (a `Scenario`) and `seed` (the trial's, an
    int), it is given.
    """

    form = "module:function"
    about = "a function of yours that returns a livekit `llm.LLM`"
    precedence = 2

    @classmethod
    def matches(cls, name: str, project: Project) -> bool:  # noqa: ARG003 - `check` imports it
        """Two dotted names with a colon between them."""
        module, colon, function = name.partition(":")
        parts = (*module.split("."), *function.split("."))
        return bool(colon) and all(part.isidentifier() for part in parts)

    @classmethod
    def listing(cls, project: Project) -> Sequence[Listed]:  # noqa: ARG003 - any project has it
        """The form."""
        return [Listed(name=cls.form, what=cls.about, checkable=False)]

    @cached_property
    def _build(self) -> Callable[[Scenario, int], llm.LLM[Any]]:
        found = import_reference(
            self.name, folder=self.project.code, what="model", raises=ModelError
        )
        if not callable(found):
            raise ModelError(
                f"model {self.name!r} is {found!r}: name a function that returns a livekit "
                "`llm.LLM`; it may take `seed` and `scenario`"
            )
        return _each_trial(found, self.name)

    def check(self) -> None:
        """Import the function, and see that it can be called."""
        self._build  # noqa: B018 - imports it

    def open(self) -> Model:
        """Nothing is called before a trial starts."""
        return Model(label=self.label, build=self._build)


def _each_trial(factory: Callable[..., Any], name: str) -> Callable[[Scenario, int], llm.LLM[Any]]:
    takes = _taken(factory, name)

    def build(scenario: Scenario, seed: int) -> llm.LLM[Any]:
        given = {"scenario": scenario, "seed": seed}
        made = factory(**{each: given[each] for each in takes})
        if not isinstance(made, llm.LLM):
            raise ModelError(
                f"model {name!r} returned {made!r}; it must return an instance of livekit's "
                "`llm.LLM`"
            )
        return made

    return build


def _taken(factory: Callable[..., Any], name: str) -> tuple[str, ...]:
    """Which of the parameters the function has.

    Raises:
        ModelError: when it needs others.
    """
    try:
        signature = inspect.signature(factory)
    except ValueError:  # a class in C tells nobody
        return ()
    takes = tuple(each for each in _PARAMETERS if each in signature.parameters)
    try:
        signature.bind(**dict.fromkeys(takes))
    except TypeError as error:
        raise ModelError(
            f"model {name!r} can't be called: {error}; it may take `seed` and `scenario`, by "
            "name, and no other argument without a default"
        ) from error
    return takes


@model_kind
class AgentsOwn(ModelKind):
    """Each agent's own model, or its session's."""

    form = "own"
    about = "each agent's own model, as it is"
    traits = ModelTraits(agents_own=True)

    @classmethod
    def matches(cls, name: str, project: Project) -> bool:  # noqa: ARG003 - any project has it
        """`own`."""
        return name == cls.form

    @classmethod
    def listing(cls, project: Project) -> Sequence[Listed]:  # noqa: ARG003 - any project has it
        """The name; without agents there is nothing to ask."""
        return [Listed(name=cls.form, what=cls.about, checkable=False)]

    @property
    def identity(self) -> ModelIdentity:
        """Which model it is, each request says."""
        return ModelIdentity(label=self.name, agents_own=True)

    def open(self) -> Model:
        """No model stands in for the agents' own."""
        return Model(label=self.label, build=lambda _scenario, _seed: None)
