import re

import pytest

from handoff_evals import errors
from handoff_evals.errors import HandoffEvalsError


def raised_by_name() -> dict[str, type[Exception]]:
    return {
        name: found
        for name, found in vars(errors).items()
        if isinstance(found, type)
        and issubclass(found, Exception)
        and not issubclass(found, Warning)
    }


def test_the_tree_at_the_top_of_the_module_names_every_exception() -> None:
    drawn = set(re.findall(r"\b[A-Z]\w+Error\b", errors.__doc__ or ""))

    assert drawn == set(raised_by_name())


@pytest.mark.parametrize("name", sorted(raised_by_name()))
def test_every_exception_is_caught_by_the_root(name: str) -> None:
    assert issubclass(raised_by_name()[name], HandoffEvalsError)
