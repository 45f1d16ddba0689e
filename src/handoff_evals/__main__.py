"""`python -m handoff_evals`."""

from handoff_evals.cli.main import main

main()
