"""The ways that people break agents."""

from handoff_evals.mutation.mutant import Operator
from handoff_evals.mutation.operators import (
    context,
    entering,
    overrides,
    prompts,
    returns,
    tools,
    userdata,
)

OPERATORS: tuple[Operator, ...] = (
    *tools.OPERATORS,
    *returns.OPERATORS,
    *context.OPERATORS,
    *entering.OPERATORS,
    *userdata.OPERATORS,
    *prompts.OPERATORS,
    *overrides.OPERATORS,
)
