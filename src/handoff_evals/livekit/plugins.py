"""LiveKit's plugins, imported from whichever thread asks."""

import sys
import threading
from importlib import import_module
from types import ModuleType

from livekit.agents import Plugin


def plugin(name: str) -> ModuleType:
    """Import `livekit.plugins.NAME`.

    livekit lets plugins register on the main thread alone, and a console call runs on
    another one. What needs the main thread is a worker that preloads them, and a model
    that is asked for in the middle of a call is in none.

    Raises:
        ImportError: when it is not installed.
    """
    module = f"livekit.plugins.{name}"
    if module in sys.modules or threading.current_thread() is threading.main_thread():
        return import_module(module)
    checked = Plugin.__dict__["register_plugin"]
    Plugin.register_plugin = Plugin.registered_plugins.append  # type: ignore[assignment,method-assign]  # see above
    try:
        return import_module(module)
    finally:
        Plugin.register_plugin = checked  # type: ignore[method-assign]  # as it was
