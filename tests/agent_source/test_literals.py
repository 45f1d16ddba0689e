"""The fixed texts of code, whatever the values are that it uses."""

from collections.abc import Iterator, Mapping
from typing import Any

from handoff_evals.agent_source import literals_in


class Closed(Mapping[str, Any]):
    """A table whose database is not open."""

    def __getitem__(self, name: str) -> Any:
        raise LookupError(name)

    def __iter__(self) -> Iterator[str]:
        raise RuntimeError("no database")

    def __len__(self) -> int:
        raise RuntimeError("no database")


def test_a_value_that_cannot_be_read_is_left_out() -> None:
    code = compile("TABLE, 'Good day.'", "agent.py", "eval")
    assert "Good day." in literals_in([(code, {"TABLE": Closed()})])
