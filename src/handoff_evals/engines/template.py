"""The chat templates that come with the harness."""

from dataclasses import dataclass
from importlib.resources import files


@dataclass(frozen=True, kw_only=True)
class Template:
    """How a conversation and its tools become a prompt, in Jinja."""

    name: str
    text: str
    no_tool: str
    """What the model is taught to write in front of a reply that calls nothing."""


def template_named(name: str) -> Template:
    """Read a template of the package.

    The markers must be plain text that the server's own analysis of a template can find:
    it renders the template with calls of its own, and parses replies by what differs.
    """
    text = files(__package__).joinpath("templates", f"{name}.jinja").read_text("utf-8")
    return Template(name=name, text=text, no_tool="None: ")
