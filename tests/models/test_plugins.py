"""A plugin can be asked for in the middle of a call, which is not on the main thread."""

import subprocess
import sys

CODE = """
import asyncio
from handoff_evals.models.remote import plugin
from livekit.agents import Plugin
check = Plugin.register_plugin
found = asyncio.run(asyncio.to_thread(plugin, "openai"))
assert Plugin.register_plugin == check
print(found.LLM.__name__, [each.package for each in Plugin.registered_plugins])
"""


def test_a_plugin_is_imported_from_another_thread() -> None:
    done = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True, check=True)
    assert "LLM" in done.stdout
    assert "livekit.plugins.openai" in done.stdout
