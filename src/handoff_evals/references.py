"""`module:name`, as users write it for agents, models and functions of theirs, imported."""

import pkgutil
import sys
from pathlib import Path
from typing import Any

from handoff_evals.errors import UsageError
from handoff_evals.user_code import as_error, last_user_line

_NAMED = 8


def import_reference(
    reference: str, *, folder: Path, what: str, raises: type[UsageError] = UsageError
) -> Any:
    """Import what `module:name` refers to; the name may be dotted, as in `shop:Branches.main`.

    Args:
        reference: as the user wrote it.
        folder: put in front of `sys.path`, if it is not on it yet.
        what: what the user wrote it for, as `agent`; messages start with it.
        raises: the error to raise.

    Raises:
        UsageError: (or the class that `raises` names) when it is not of that form, when
            its module can't be imported, or when there is no such name in it.
    """
    module, _, name = reference.partition(":")
    if not module or not name:
        raise raises(f"{what} {reference!r}: write `module:name`, as in `my_agents:Triage`")
    path = str(folder.resolve())
    if path not in sys.path:
        sys.path.insert(0, path)
    try:
        return pkgutil.resolve_name(reference)
    except BaseException as error:
        if as_error(error) is None:
            raise
        raise raises(
            f"{what} {reference!r} can't be imported: {type(error).__name__}: {error}"
            f"{last_user_line(error)}. "
            f"{_next_step(module, error, path)}"
        ) from error


def _next_step(module: str, error: BaseException, path: str) -> str:
    """What to look at, by how far the import came."""
    imported = sys.modules.get(module)
    if isinstance(error, AttributeError) and imported is not None:
        own = [
            name
            for name, value in vars(imported).items()
            if getattr(value, "__module__", None) == module and not name.startswith("_")
        ]
        more = ", ..." if len(own) > _NAMED else ""
        return f"It defines {', '.join(own[:_NAMED]) or 'no class and no function'}{more}"
    if isinstance(error, ValueError) and "invalid format" in str(error):
        return "Modules and names are Python identifiers, with dots between them"
    return f"Modules are looked up from {path!r} first; is that your project's folder?"
