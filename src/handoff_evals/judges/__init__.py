"""Who grades what no rule of the checks can say: each judge one question, itself measured first.

A judge is a question asked of a model, or of a rule. Its scores count where it is calibrated:
measured against labels, by kappa. Before each run it must get planted conversations right.
"""

from handoff_evals.judges import built_in as _built_in  # noqa: F401 - it registers its questions
from handoff_evals.judges.calibration import (
    LEAST_KAPPA,
    LEAST_LABELS,
    Calibration,
    Pass,
    calibrate,
    calibration_path,
)
from handoff_evals.judges.excerpt import Excerpt, Line
from handoff_evals.judges.judge import (
    RULE,
    RULES,
    JudgeModel,
    Judgment,
    QuestionJudge,
    QuotedResult,
    RuleJudge,
    ask,
)
from handoff_evals.judges.labels import (
    Label,
    LabelFile,
    LabelledCall,
    label_line,
    labelled_for,
    labellers_agree,
    read_labels,
)
from handoff_evals.judges.panel import Panel, failed_planted, judge_trials, judges_of, to_judge
from handoff_evals.judges.question import (
    Question,
    question_named,
    questions,
    register_judge,
)

__all__ = [
    "LEAST_KAPPA",
    "LEAST_LABELS",
    "RULE",
    "RULES",
    "Calibration",
    "Excerpt",
    "JudgeModel",
    "Judgment",
    "Label",
    "LabelFile",
    "LabelledCall",
    "Line",
    "Panel",
    "Pass",
    "Question",
    "QuestionJudge",
    "QuotedResult",
    "RuleJudge",
    "ask",
    "calibrate",
    "calibration_path",
    "failed_planted",
    "judge_trials",
    "judges_of",
    "label_line",
    "labelled_for",
    "labellers_agree",
    "question_named",
    "questions",
    "read_labels",
    "register_judge",
    "to_judge",
]
