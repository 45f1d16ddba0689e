"""How far a judge can be trusted, measured on labelled conversations, and kept as a file.

Its scores count in a run where the lower bound of the 95% interval of Cohen's kappa is at least
0.8, on at least 50 labels. The lower bound and not kappa itself: on 50 labels a judge whose kappa
is 0.65 reaches 0.8 now and then, and who may try again will get there. The verdicts are asked for
in both orders, and kappa has to be there in each.
"""

import asyncio
import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from pydantic import TypeAdapter

from handoff_evals.errors import UsageError
from handoff_evals.files import parsed_json, write_atomically
from handoff_evals.judges.judge import JudgeModel, Judgment, ask, judge_version, prompt_sha256
from handoff_evals.judges.labels import Label, LabelledCall, confusion_of
from handoff_evals.judges.question import Question
from handoff_evals.stats import Confusion, Interval, kappa_interval

SCHEMA = 1
LEAST_KAPPA = 0.8
LEAST_LABELS = 50


@dataclass(frozen=True, kw_only=True)
class Pass:
    """All labelled conversations judged once."""

    order: Literal["asked", "swapped", "repeated"]
    """As in a run; with the verdicts offered the other way round; as in a run, once more."""
    confusion: Confusion
    unscored: Mapping[str, int] = field(default_factory=dict)
    """How many gave no verdict that counts, by cause."""
    same: float | None = None
    """The share of conversations with the verdict of the first pass, of those with both."""

    @property
    def kappa(self) -> Interval | None:
        """Cohen's kappa with its interval; None where it has no meaning."""
        return kappa_interval(self.confusion)


@dataclass(frozen=True, kw_only=True)
class Calibration:
    """One judge, measured."""

    judge: str
    model: str
    identity: str
    prompt_sha256: str
    version: str
    created_at: str
    """UTC, ISO 8601."""
    labels: int
    passes: tuple[Pass, ...]
    halves: Mapping[str, Confusion] = field(default_factory=dict)
    """The first pass on the labels that are said to be easy, and hard."""
    stopped: str = ""
    """Which planted conversation it gets wrong, where it was measured all the same."""

    @property
    def errors(self) -> Confusion:
        """The judge against the labels, as it is asked in a run."""
        return self.passes[0].confusion

    @property
    def weakness(self) -> str | None:
        """Why its scores are shown and do not count; None where they count."""
        if self.stopped:
            return f"it was stopped: {self.stopped}"
        for each in self.passes:
            judged = each.confusion.total
            found = each.kappa
            order = "" if each.order == "asked" else f" ({each.order})"
            if judged < LEAST_LABELS:
                return f"{judged} labels judged{order}, and {LEAST_LABELS} are needed"
            if found is None:
                return f"kappa has no meaning{order}: verdicts or labels are all the same"
            if found.low < LEAST_KAPPA:
                return (
                    f"kappa {found.value:.2f}{order}, at least {found.low:.2f}: below {LEAST_KAPPA}"
                )
        return None

    def difference(self, question: Question, model: JudgeModel) -> str | None:
        """Why it is of another judge; None where it is of this one."""
        if self.model != model.label or self.identity != model.identity:
            return f"it was calibrated as {self.model!r}, which is another model"
        if self.version != judge_version(question):
            return f"it was calibrated in version {self.version}, this is {judge_version(question)}"
        if self.prompt_sha256 != prompt_sha256(question, model):
            return "its prompt has changed since it was calibrated"
        return None

    def write(self, path: Path) -> None:
        """Write the file.

        Raises:
            UsageError: when it can't be written.
        """
        data = {"schema": SCHEMA, **_CALIBRATION.dump_python(self, mode="json")}
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            write_atomically(path, json.dumps(data, indent=1) + "\n")
        except OSError as error:
            raise UsageError(f"calibration {str(path)!r} can't be written: {error}") from error

    @classmethod
    def read(cls, path: Path) -> "Calibration":
        """Read the file.

        Raises:
            UsageError: when it is none of this version.
        """
        try:
            data = parsed_json(path.read_bytes())
            schema = data.pop("schema", None) if isinstance(data, dict) else None
            if schema != SCHEMA:
                raise UsageError(
                    f"{path}: not a calibration of this version: it has schema {schema!r}, and "
                    f"this version reads {SCHEMA}. Write it anew: `handoff-evals calibrate`"
                )
            found = _CALIBRATION.validate_python(data)
        except (OSError, ValueError) as error:
            raise UsageError(f"calibration {str(path)!r} can't be read: {error}") from error
        if not found.passes:
            raise UsageError(f"{path}: this calibration has no passes. Write it anew")
        return found


_CALIBRATION = TypeAdapter(Calibration)


def calibration_path(folder: Path, question: Question, model: JudgeModel) -> Path:
    """Where a calibration is kept if nobody says where."""
    label = "".join(c if c.isalnum() or c in "._-+" else "-" for c in model.label)
    return folder / f"{question.name}--{label}.json"


def find_calibration(
    folder: Path, question: Question, model: JudgeModel
) -> tuple[Calibration | None, str]:
    """The calibration of a judge among the files of a folder, the newest.

    Returns:
        The calibration, or None and why there is none that counts.

    Raises:
        UsageError: when a file there is no calibration.
    """
    found = [Calibration.read(path) for path in sorted(folder.glob("*.json"))]
    own = sorted((each for each in found if each.judge == question.name), key=_made)
    why = "it was never calibrated"
    for each in reversed(own):
        differs = each.difference(question, model)
        if differs is None:
            return each, ""
        why = differs
    return None, why


def _made(calibration: Calibration) -> str:
    return calibration.created_at


async def calibrate(
    question: Question,
    labelled: Sequence[tuple[LabelledCall, Label]],
    model: JudgeModel,
    *,
    repeats: int = 1,
    done: Callable[[], None] = lambda: None,
) -> Calibration:
    """Ask a judge about labelled conversations: in the usual order, swapped, and again.

    Args:
        question: what is asked.
        labelled: the conversations with their labels, each once.
        model: who is asked.
        repeats: how often it is asked again in the usual order.
        done: called after each judgment.
    """
    slots = asyncio.Semaphore(max(1, model.concurrency))

    async def judged(call: LabelledCall, *, swapped: bool, seed: int) -> Judgment:
        async with slots:
            found = await ask(question, call.excerpt, model, swapped=swapped, seed=seed)
            done()
            return found

    async def all_judged(*, swapped: bool = False, seed: int = 0) -> list[Judgment]:
        asked = [judged(call, swapped=swapped, seed=seed) for call, _ in labelled]
        return list(await asyncio.gather(*asked))

    labels = [label for _, label in labelled]
    first = await all_judged()
    passes = [_pass("asked", first, labels)]
    passes.append(_pass("swapped", await all_judged(swapped=True), labels, first=first))
    again = [await all_judged(seed=number) for number in range(1, repeats + 1)]
    passes += [_pass("repeated", each, labels, first=first) for each in again]
    halves = sorted({call.half for call, _ in labelled if call.half})
    return Calibration(
        judge=question.name,
        model=model.label,
        identity=model.identity,
        prompt_sha256=prompt_sha256(question, model),
        version=judge_version(question),
        created_at=datetime.now(UTC).isoformat(),
        labels=len(labelled),
        passes=tuple(passes),
        halves={
            half: confusion_of(
                (found.verdict, label)
                for found, (call, label) in zip(first, labelled, strict=True)
                if call.half == half and found.verdict is not None
            )
            for half in halves
        },
    )


def _pass(
    order: Literal["asked", "swapped", "repeated"],
    found: Sequence[Judgment],
    labels: Sequence[Label],
    *,
    first: Sequence[Judgment] = (),
) -> Pass:
    both = [
        one.verdict == other.verdict
        for one, other in zip(found, first, strict=False)
        if one.verdict is not None and other.verdict is not None
    ]
    return Pass(
        order=order,
        confusion=confusion_of(
            (each.verdict, label)
            for each, label in zip(found, labels, strict=True)
            if each.verdict is not None
        ),
        unscored=dict(Counter(each.cause for each in found if each.verdict is None)),
        same=sum(both) / len(both) if both else None,
    )
