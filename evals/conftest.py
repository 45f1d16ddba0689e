"""How many random conversations are run: 25 in every run of the tests, 2,000 in `make fuzz`."""

import pytest
from hypothesis import settings

settings.register_profile("fuzz", max_examples=2000)


@pytest.fixture
def thorough(request: pytest.FixtureRequest) -> bool:
    """Whether `--hypothesis-profile=fuzz` asks for many conversations, others each time."""
    return bool(request.config.getoption("--hypothesis-profile") == "fuzz")


@pytest.fixture
def conversations(*, thorough: bool) -> int:
    """How many conversations to run."""
    return 2000 if thorough else 25
