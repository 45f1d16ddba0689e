"""Every error of the harness, and when it is raised.

HandoffEvalsError
├── UsageError              what was asked for can't be done: exit code 2
│   ├── ScenarioFileError   a scenario file is not as it must be
│   ├── AgentImportError    `agent: module:name` can't be imported or is no agent
│   ├── ModelError          `--model` names nothing that can be built here
│   ├── RunFolderError      a run folder is missing, or holds something else
│   └── CassetteError       a cassette can't be read
├── CassetteMissError       a request that may only be replayed was never recorded
└── EngineError             the local model can't be fetched or started: exit code 3

A model that fails *during* a conversation is no exception here: it is a value,
a trial that ends `unscored` with its cause.
"""

from handoff_evals.display import visible


class HandoffEvalsError(Exception):
    """The root: catch it to catch everything that the harness raises on purpose."""

    def __str__(self) -> str:
        """The message, in which the words of files and servers are only words."""
        return visible(super().__str__())


class UsageError(HandoffEvalsError):
    """What was asked for can't be done; the message says what would be valid."""


class ScenarioFileError(UsageError):
    """A scenario file is not as it must be; the message starts with `file:line:`."""


class AgentImportError(UsageError):
    """An `agent:` entry can't be imported, or names something that is no agent."""


class ModelError(UsageError):
    """A `--model` names nothing that can be built here."""


class RunFolderError(UsageError):
    """A run folder is missing, incomplete, or of a schema that this version can't read."""


class CassetteError(UsageError):
    """A cassette holds something else, or is of a schema that this version can't read."""


class CassetteMissError(HandoffEvalsError):
    """A request was never recorded; the message names the nearest that was, and what differs."""


class EngineError(HandoffEvalsError):
    """The local model can't be fetched, checked or started."""


class HandoffEvalsWarning(UserWarning):
    """Something went untested: the message says what, and how to test it."""

    def __str__(self) -> str:
        """The message, as that of an error."""
        return visible(super().__str__())
