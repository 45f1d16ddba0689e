"""A new driver is a class with a name: nothing else has to know of it."""

from collections.abc import Iterator

import pytest

from handoff_evals.drivers import TextDriver, driver_for, driver_named, drivers
from handoff_evals.drivers.driver import _DRIVERS, driver
from handoff_evals.errors import UsageError
from handoff_evals.scenarios import Suite


@pytest.fixture
def morse() -> Iterator[type[TextDriver]]:
    """A driver of somebody's own, as long as the test runs."""

    @driver("morse")
    class MorseDriver(TextDriver):
        """Taps."""

    yield MorseDriver
    del _DRIVERS["morse"]


def suite(name: str = "") -> Suite:
    return Suite(name="-", agent="m:A", scenarios=(), driver=name, path="evals/s.yaml")


def test_it_is_found_by_its_name(morse: type[TextDriver]) -> None:
    assert driver_named("morse") is morse
    assert driver_for(suite("morse")) is morse
    assert list(drivers()) == ["morse", "spoken", "text"]


def test_without_a_name_it_is_text_and_a_run_overrules_the_file() -> None:
    assert driver_named(None) is drivers()["text"]
    assert driver_for(suite()) is drivers()["text"]
    assert driver_for(suite("text"), "spoken") is drivers()["spoken"]


def test_an_unknown_name_is_refused_with_where_it_stands() -> None:
    with pytest.raises(UsageError, match=r"^driver 'voice': choose one of spoken, text$"):
        driver_for(suite(), "voice")
    with pytest.raises(UsageError, match=r"^evals/s\.yaml: driver 'voice': choose one of"):
        driver_for(suite("voice"))
