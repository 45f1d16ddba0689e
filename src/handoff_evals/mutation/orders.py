"""What passes between a session and its zygote."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Orders:
    """What a session wants of the zygote."""

    folder: str
    modules: list[str]
    tests: list[list[str]]
    """Of each module."""
    operators: list[str]
    jobs: int
    timeout_s: float | None
    """For one mutant; None for a multiple of what the module's tests take by themselves."""


@dataclass(frozen=True, kw_only=True)
class Job:
    """One run of a module's tests: on a mutant, or (None) on the module as it is."""

    module: int
    mutant: int | None
    limit_s: float
