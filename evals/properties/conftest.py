"""How many conversations are held: a few in every run of the tests, 2,000 in `make fuzz`."""

import pytest
from hypothesis import settings

from handoff_evals.fuzzing import BRIEF, THOROUGH

settings.register_profile("fuzz", THOROUGH)


@pytest.fixture
def how(request: pytest.FixtureRequest) -> settings:
    """Hypothesis's settings, by `--hypothesis-profile=fuzz`."""
    return THOROUGH if request.config.getoption("--hypothesis-profile") == "fuzz" else BRIEF
