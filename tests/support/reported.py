"""Runs for the tests of reports: a desk that hands callers over to billing, well or badly."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from handoff_evals.checks import Decision, Outcome, Score
from handoff_evals.reports import Headline, ReportedRun, html_report, run_sentences
from handoff_evals.results import (
    Manifest,
    ModelTraits,
    SuiteRecord,
    Trial,
    TrialKey,
    summarise,
)
from handoff_evals.transcript import (
    AgentConfigUpdate,
    AgentHandoff,
    AgentRef,
    FactTexts,
    Fault,
    FunctionCall,
    FunctionCallOutput,
    Message,
    ModelCall,
    Transcript,
    Turn,
    Usage,
)

DESK, BILLING = AgentRef(id="desk"), AgentRef(id="billing")
DESK_SAYS = "You are the desk of Lumen Line. Send callers with invoices to billing."
BILLING_SAYS = "You are the billing of Lumen Line. Answer in one short sentence."
SAID = "My order number is 4471, and it was charged twice."


def conversation(
    *,
    said: str = SAID,
    to: AgentRef | None = BILLING,
    carried: bool = True,
    leaks: bool = False,
    reply: str = "I have your order here.",
) -> Transcript:
    """One turn that hands over to `to`, or to nobody."""
    system = {"role": "system", "content": DESK_SAYS}
    user = {"role": "user", "content": said}
    asked = _request(DESK, (system, user), text="" if to else reply)
    events: tuple[object, ...] = (Message(role="user", text=said, at_s=0.0),)
    calls = [asked]
    if to is not None:
        own = {"role": "system", "content": BILLING_SAYS + (f" {DESK_SAYS}" if leaks else "")}
        events += (
            FunctionCall(name="to_billing", arguments='{"urgent": true}', call_id="c", agent=DESK),
            FunctionCallOutput(name="to_billing", output="Done.", call_id="c", agent=DESK),
            AgentHandoff(old=DESK, new=to),
            AgentConfigUpdate(agent=to, instructions=BILLING_SAYS),
        )
        calls.append(_request(to, (own, user) if carried else (own,), text=reply, after=1))
    events += (Message(role="assistant", text=reply, agent=to or DESK, at_s=0.4),)
    return Transcript(
        turns=(
            Turn(
                user=None,
                events=(
                    AgentHandoff(old=None, new=DESK),
                    AgentConfigUpdate(agent=DESK, instructions=DESK_SAYS),
                    Message(role="assistant", text="Lumen Line, hello!", agent=DESK, at_s=0.1),
                ),
                model_calls=(),
                active=DESK,
            ),
            Turn(
                user=said,
                events=events,  # type: ignore[arg-type]
                model_calls=tuple(calls),
                active=to or DESK,
                facts=FactTexts(asked=("4471",)),
                duration_s=0.5,
            ),
        ),
        ended_by="caller",
    )


def _request(
    agent: AgentRef, messages: tuple[Mapping[str, str], ...], *, text: str, after: int = 0
) -> ModelCall:
    return ModelCall(
        agent=agent,
        purpose="reply",
        model="small",
        messages=messages,
        text=text,
        usage=Usage(prompt=20, completion=5),
        ttft_s=0.2,
        duration_s=0.3,
        after_handoffs=after,
    )


def trial(
    scenario: str,
    transcript: Transcript,
    *,
    model: str = "small",
    number: int = 0,
    suite: str = "Desk",
) -> Trial:
    """The trial of a conversation that should end on billing, with its scores."""
    active = transcript.turns[-1].active.label
    outcome: Outcome = "correct" if active == "billing" else "missed"
    handoffs = tuple(
        index for index, e in enumerate(transcript.events) if isinstance(e, AgentHandoff)
    )
    lost = len(handoffs) > 1 and "4471" not in transcript.turns[-1].model_calls[-1].received_text
    scores = [
        Score(
            name="handoff",
            status="passed" if outcome == "correct" else "failed",
            reason=f"{outcome}: expected billing, active {active}",
            turn=1,
        ),
        Score(
            name="carries",
            status="failed" if lost else "passed",
            reason="billing's model received nothing with '4471'" if lost else "received",
            turn=1,
            events=handoffs[-1:],
        ),
    ]
    fault = transcript.unscored_because
    if fault is not None:
        scores = [Score(name="conversation", status="unscored", reason="x", cause=fault.cause)]
    return Trial(
        key=TrialKey(suite=suite, scenario=scenario, model=model, number=number),
        seed=7,
        transcript=transcript,
        scores=tuple(scores),
        decisions=(
            Decision(turn=1, expected="billing", actual=active, outcome=outcome, on_path=True),
        ),
        started_at="2026-01-02T03:04:05+00:00",
        duration_s=1.5,
    )


def failing(cause: str = "api_status_429") -> Transcript:
    """A conversation whose model gave no answer."""
    fault = Fault(owner="infrastructure", cause=cause, detail="too many", turn=1, ended=True)
    return replace(conversation(to=None), faults=(fault,))


def trials() -> list[Trial]:
    """Every kind: passed, a lost fact, a leak, a miss, no answer, a flaky scenario."""
    return [
        trial("Charged twice", conversation()),
        trial("Lost number", conversation(carried=False, leaks=True)),
        trial("Stays at the desk", conversation(to=None)),
        trial("No answer", failing()),
        *(
            trial("Flaky", conversation(to=BILLING if number % 2 else None), number=number)
            for number in (1, 2, 3)
        ),
        trial("Flaky", conversation(said="A zebra rang about invoice 9."), number=0),
        *(
            trial(label, conversation(to=None), model="never")
            for label in ("Charged twice", "Lost number", "Stays at the desk")
        ),
    ]


def manifest(found: Iterable[Trial], *, commit: str = "") -> Manifest:
    """Of a run of these trials."""
    listed = list(found)
    labels = tuple(dict.fromkeys(each.key.scenario for each in listed))
    suites = tuple(dict.fromkeys(each.key.suite for each in listed))
    models = tuple(dict.fromkeys(each.key.model for each in listed))
    return Manifest(
        created_at="2026-01-02T03:04:05+00:00",
        command=("handoff-evals", "run"),
        suites=tuple(
            SuiteRecord(
                name=suite,
                path="evals/desk/scenarios.yaml",
                sha256="00",
                agent="desk:Desk",
                agent_sha256="11",
                scenarios=labels,
                scenario_sha256=dict.fromkeys(labels, "22"),
                tags={"Charged twice": {"kind": "invoice"}, "Flaky": {"kind": "other"}},
            )
            for suite in suites
        ),
        models=models,
        trials=1,
        seed=7,
        traits={"never": ModelTraits(reference=True, deterministic=True)},
        git_commit=commit or None,
    )


def reported(found: Sequence[Trial], name: str = "runs/after") -> ReportedRun:
    """A run of these trials."""
    of = manifest(found)
    return ReportedRun(
        name=name, manifest=of, summary=summarise(found, of), trials=lambda: iter(found)
    )


def page(found: Sequence[Trial]) -> str:
    """The HTML report of a run of these trials."""
    run = reported(found)
    sentences = tuple(run_sentences(run.summary))
    return html_report([run], Headline(verdict="valid", tone="good", sentences=sentences))
