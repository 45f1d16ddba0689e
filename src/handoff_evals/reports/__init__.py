"""What a person sees: the terminal, Markdown, and one HTML file."""

from handoff_evals.reports.comparison_report import comparison_json, print_against, print_comparison
from handoff_evals.reports.conversation import (
    MARK,
    conversation,
    describe,
    first_request,
    received_text,
    side_by_side,
)
from handoff_evals.reports.diff_report import print_difference
from handoff_evals.reports.driver_report import print_driver_differences
from handoff_evals.reports.handed_context import identifying_sentences
from handoff_evals.reports.html_report import (
    Headline,
    ReportedRun,
    Tone,
    html_report,
    run_sentences,
)
from handoff_evals.reports.judge_report import calibration_table, judged_by_label_table
from handoff_evals.reports.markdown import comparison_markdown, run_markdown
from handoff_evals.reports.mutation_report import mutation_json, print_mutants, print_mutation
from handoff_evals.reports.run import Run
from handoff_evals.reports.run_report import print_run

__all__ = [
    "MARK",
    "Headline",
    "ReportedRun",
    "Run",
    "Tone",
    "calibration_table",
    "comparison_json",
    "comparison_markdown",
    "conversation",
    "describe",
    "first_request",
    "html_report",
    "identifying_sentences",
    "judged_by_label_table",
    "mutation_json",
    "print_against",
    "print_comparison",
    "print_difference",
    "print_driver_differences",
    "print_mutants",
    "print_mutation",
    "print_run",
    "received_text",
    "run_markdown",
    "run_sentences",
    "side_by_side",
]
