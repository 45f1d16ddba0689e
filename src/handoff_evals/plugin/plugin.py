"""The pytest plugin's entry point: it costs nothing until a test uses it.

Every pytest run of an environment with handoff-evals in it loads this module, so
whatever is more than pytest itself is imported inside the functions.
"""

import logging
import os
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from handoff_evals.config import Portion
    from handoff_evals.drivers import Limits
    from handoff_evals.models import Model
    from handoff_evals.plugin.call_fixture import AgentCallFixture
    from handoff_evals.plugin.scenario_items import ScenarioFile


_KNOWN: "pytest.StashKey[dict[str, Model]]" = pytest.StashKey()


def named_model(name: str, config: pytest.Config) -> "Model":
    """The model of that name, as `handoff-evals run --model` knows it, started once a session.

    Raises:
        UsageError: when there is no such model.
        EngineError: when the local model can't be had.
    """
    from handoff_evals.models import resolve  # noqa: PLC0415 - see the module's docstring

    known = config.stash.setdefault(_KNOWN, {})
    if name not in known:
        replayed: bool = config.getoption("--handoff-replay")
        [known[name]] = resolve(
            [name], folder=config.rootpath, replayed=replayed, share=_share_of_worker()
        )
    return known[name]


def _share_of_worker() -> "Portion":
    """Under pytest-xdist each of its workers has its part of a model's limits a minute."""
    from handoff_evals.config import Portion  # noqa: PLC0415 - see the module's docstring

    number = os.environ.get("PYTEST_XDIST_WORKER", "").removeprefix("gw")
    if not number.isdecimal():
        return Portion()
    return Portion(index=int(number), of=int(os.environ["PYTEST_XDIST_WORKER_COUNT"]))


def limits_of(config: pytest.Config) -> "Limits":
    """Where a conversation is cut off: what the command line says, else pyproject.toml."""
    from handoff_evals.config import read_config  # noqa: PLC0415 - see the module's docstring
    from handoff_evals.drivers import Limits  # noqa: PLC0415 - as above

    turn_s: float | None = config.getoption("--handoff-turn-timeout")
    settings = read_config(config.rootpath)
    return Limits(
        turn_s=settings.turn_timeout if turn_s is None else turn_s, call_s=settings.trial_timeout
    )


def cassettes_of(config: pytest.Config) -> Path:
    """The folder of the cassettes, from the root."""
    from handoff_evals.config import read_config  # noqa: PLC0415 - as above

    folder: str | None = config.getoption("--handoff-cassettes")
    return Path(folder or read_config(config.rootpath).cassettes)


CALLS: "pytest.StashKey[AgentCallFixture]" = pytest.StashKey()

_FILE_NAMES = ("scenarios.yaml", "scenario.yaml")
_FOLDER = "evals"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options; what they name is looked up when a test needs it."""
    group = parser.getgroup("handoff-evals", "handoffs of LiveKit agents")
    group.addoption(
        "--handoff-model",
        metavar="MODEL",
        default=None,
        help="The model for scenario files, and for `agent_call(agent)` without llm=: oracle (does "
        "what each turn expects; the default for scenario files), local, module:function, or any "
        "other --model of `handoff-evals run`.",
    )
    group.addoption(
        "--handoff-driver",
        metavar="DRIVER",
        default=None,
        help="How scenario files and `agent_call` call agents: text, or spoken (through LiveKit's "
        "whole voice pipeline, with doubles). (default: the file's `driver`, or text)",
    )
    group.addoption(
        "--handoff-seed",
        metavar="N",
        type=int,
        default=0,
        help="The seed that each scenario's own is derived from (default: 0).",
    )
    group.addoption(
        "--handoff-replay",
        action="store_true",
        help="Answer scenario files from cassettes alone, in place of --handoff-model (then "
        "`local`, if not said otherwise): offline, and no model is needed. What was never "
        "recorded is an error. To record: `handoff-evals run --cassettes auto`.",
    )
    group.addoption(
        "--handoff-cassettes",
        metavar="DIR",
        default=None,
        help="The folder of the cassettes, from the root (default: `cassettes` of "
        "[tool.handoff-evals], or fixtures/cassettes).",
    )
    group.addoption(
        "--handoff-turn-timeout",
        metavar="SECONDS",
        type=float,
        default=None,
        help="Seconds that one turn of a conversation may take (default: `turn_timeout` of "
        "[tool.handoff-evals], or 120).",
    )
    group.addoption(
        "--handoff-baseline",
        metavar="FILE",
        default=None,
        help="A run that was kept by `handoff-evals baseline`, from the root: a "
        "scenario that fails as it did there is an xfail, a new failure fails.",
    )
    group.addoption(
        "--handoff-html",
        metavar="FILE",
        default=None,
        help="Write all conversations, of scenario files and of `agent_call`, into one HTML file, "
        "from the root.",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Register the marker that scenarios get from their tags, and who writes the page."""
    if config.getoption("--handoff-html") is not None and not hasattr(config, "workerinput"):
        from handoff_evals.plugin.html_page import HtmlPage  # noqa: PLC0415 - as above

        config.pluginmanager.register(HtmlPage(config))
    config.addinivalue_line(
        "markers",
        "handoff_tag(**tags): a scenario's tags, to choose by: "
        "-m \"handoff_tag(route='billing')\" (set by scenario files, not by hand).",
    )


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> "ScenarioFile | None":
    """Take `evals/**/scenarios.yaml`, and any that is named on the command line."""
    if file_path.name not in _FILE_NAMES:
        return None
    root = parent.config.rootpath
    inside = file_path.parts[len(root.parts) - 1 :] if file_path.is_relative_to(root) else ()
    if _FOLDER not in inside and not parent.session.isinitpath(file_path):
        return None
    from handoff_evals.plugin.scenario_items import ScenarioFile  # noqa: PLC0415 - see the module's docstring

    return ScenarioFile.from_parent(parent, path=file_path)


@pytest.fixture(name="agent_call")
def _agent_call(request: pytest.FixtureRequest) -> "Iterator[AgentCallFixture]":
    """Call a LiveKit agent in text: `call = await agent_call(MyAgent(), llm=ScriptedLLM([...]))`.

    Then `turn = await call.say("...")`, `turn.expect` (LiveKit's own assertions, and
    `turn.expect.handoff(OldAgent, NewAgent)`), `call.active_agent_id`, `call.handoffs`,
    `call.received_by(NewAgent).contains("...")`, and LiveKit's `call.session`. Every call
    has a deadline and is closed when the test is over; a scripted reply that nobody asked
    for fails the test.
    """
    from handoff_evals.plugin.call_fixture import (  # noqa: PLC0415 - see the module's docstring
        AgentCallFixture,
        closing,
        without_exhausted_scripts,
    )

    calls = AgentCallFixture(request.config)
    node: Any = request.node
    node.stash[CALLS] = calls
    with pytest.MonkeyPatch.context() as patch:
        if callable(getattr(node, "obj", None)):
            # A fixture's teardown may run on another event loop than its test, or on
            # none. Closing belongs where the call ran: at the end of the test itself.
            patch.setattr(node, "obj", closing(node.obj, calls))
        logger = logging.getLogger("livekit.agents")
        logger.addFilter(without_exhausted_scripts)
        yield calls
        logger.removeFilter(without_exhausted_scripts)


def pytest_sessionstart(session: pytest.Session) -> None:
    """Read the baseline before any test runs, if there is to be one."""
    if session.config.getoption("--handoff-baseline") is None:
        return
    from handoff_evals.errors import UsageError  # noqa: PLC0415 - see the module's docstring
    from handoff_evals.plugin.expected_failures import read  # noqa: PLC0415 - as above

    try:
        read(session.config)
    except UsageError as error:
        raise pytest.UsageError(str(error)) from None


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Name the scenarios that do better than the baseline."""
    if terminalreporter.config.getoption("--handoff-baseline") is not None:
        from handoff_evals.plugin.expected_failures import report_outdated  # noqa: PLC0415 - as above

        report_outdated(terminalreporter)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Show the conversations of a test that failed, and let no word in them do anything.

    With `--handoff-html` its conversations go along.
    """
    report = yield
    if item.config.getoption("--handoff-html") is not None:
        from handoff_evals.plugin.html_page import attach  # noqa: PLC0415 - as above

        attach(item, report)
    calls = item.stash.get(CALLS, None)
    if calls is not None and report.failed and call.excinfo is not None:
        calls.show_in(report, call.excinfo.value)
    if calls is not None or type(item).__module__.startswith(f"{__package__}."):
        from handoff_evals.plugin.failure_text import make_visible  # noqa: PLC0415 - as above

        make_visible(report)
    return report
