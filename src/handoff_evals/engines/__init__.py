"""A real language model on this machine: its weights, its chat template and its server.

Nothing here knows livekit: `serve` gives an `Endpoint` that speaks the OpenAI protocol.
"""

from handoff_evals.engines.catalogue import weights_named
from handoff_evals.engines.endpoint import Endpoint
from handoff_evals.engines.local import serve
from handoff_evals.engines.template import template_named

__all__ = ["Endpoint", "serve", "template_named", "weights_named"]
