"""What `python agents/NAME.py` deploys: the server, its models and voices, and their origin.

No worker, no room and no network: the session is not started, only what it was built with is seen.
"""

import logging
import runpy
from collections.abc import Callable
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any, get_args

import dotenv
import pytest
from livekit.agents import (
    Agent,
    AgentSession,
    JobExecutorType,
    JobProcess,
    cli,
    inference,
    stt,
)
from livekit.agents.vad import VAD

from agents import (
    agent_transfer,
    customer_service,
    drive_thru,
    front_desk,
    intake,
    medical_office,
    restaurant,
    triage,
)
from agents.agent_transfer import ShortWindedAgent
from agents.customer_service import CustomerServiceAgent
from agents.drive_thru import DriveThruAgent
from agents.front_desk import FrontDeskAgent
from agents.intake import IntakeAgent
from agents.restaurant import GreeterAgent
from agents.triage import Topic, TriageAgent
from handoff_evals import ScriptedLLM

KEY, SECRET = "LIVEKIT_API_KEY", "LIVEKIT_API_SECRET"

Factory = Callable[..., tuple[Agent, AgentSession[Any]]]
DEPLOYED: dict[str, tuple[ModuleType, Factory, type[Agent]]] = {
    "agent_transfer": (agent_transfer, agent_transfer.transfer_call, ShortWindedAgent),
    "customer_service": (customer_service, customer_service.service_call, CustomerServiceAgent),
    "drive_thru": (drive_thru, drive_thru.drive_thru_call, DriveThruAgent),
    "front_desk": (front_desk, front_desk.front_desk_call, FrontDeskAgent),
    "intake": (intake, intake.intake_call, IntakeAgent),
    "medical_office": (medical_office, medical_office.medical_call, medical_office.TriageAgent),
    "restaurant": (restaurant, restaurant.restaurant_call, GreeterAgent),
    "triage": (triage, triage.triage_call, TriageAgent),
}
each = pytest.mark.parametrize("name", DEPLOYED)


class FakeVAD(VAD):
    """Stands for the one that the process has loaded."""

    def __init__(self) -> None:
        super().__init__(capabilities=SimpleNamespace(update_interval=0.1))  # type: ignore[arg-type]

    def stream(self) -> Any:
        """Nobody speaks."""
        raise NotImplementedError


class Job:
    """What an entrypoint gets, as far as ours look at it, and what it does with it."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.done: list[str] = []
        self.room = SimpleNamespace(name="a-room")
        self.job = SimpleNamespace(id="a-job")
        self.vad = FakeVAD()
        self.proc = SimpleNamespace(userdata={"vad": self.vad})
        self.log_context_fields: dict[str, str] = {}
        self.agent: Agent | None = None
        self.session: AgentSession[Any] | None = None
        self.started_in: Any = None
        job = self

        async def start(session: AgentSession[Any], agent: Agent, *, room: Any) -> None:
            job.done.append("start")
            job.session, job.agent, job.started_in = session, agent, room

        monkeypatch.setattr(AgentSession, "start", start)

    async def connect(self) -> None:
        """Join the room."""
        self.done.append("connect")

    async def run(self, name: str) -> AgentSession[Any]:
        """Run an entrypoint, and give the session that it started."""
        await DEPLOYED[name][0].entrypoint(self)
        assert self.session is not None
        return self.session


@pytest.fixture
def job(monkeypatch: pytest.MonkeyPatch) -> Job:
    """A call that comes in, without credentials."""
    for variable in (KEY, SECRET):
        monkeypatch.delenv(variable, raising=False)
    return Job(monkeypatch)


@pytest.fixture
def credentials(job: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    """Credentials that nobody ever uses."""
    del job
    monkeypatch.setenv(KEY, "no-key")
    monkeypatch.setenv(SECRET, "no-secret-but-long-enough-for-a-signature")


@each
@pytest.mark.usefixtures("credentials")
async def test_with_credentials_livekit_inference_hears_thinks_and_speaks(
    job: Job, name: str
) -> None:
    session = await job.run(name)
    assert isinstance(session.llm, inference.LLM)
    assert session.llm.model == "openai/gpt-4.1-mini"
    # Of two handoffs in one reply livekit carries out neither. At the drive-thru there is none.
    one_at_a_time = {"parallel_tool_calls": False} if name != "drive_thru" else {}
    assert session.llm._opts.extra_kwargs == one_at_a_time
    assert isinstance(session.stt, inference.STT)
    assert (session.stt.model, session.stt._opts.language) == ("deepgram/nova-3", "en")
    assert isinstance(session.tts, inference.TTS)
    assert (session.tts.model, session.tts._opts.voice) == ("deepgram/aura-2", "athena")
    assert session.vad is job.vad


@each
@pytest.mark.parametrize("given", [(), (KEY,), (SECRET,)], ids=["none", "key-only", "secret-only"])
async def test_without_both_credentials_a_local_model_answers_in_text_and_a_warning_says_so(
    job: Job,
    name: str,
    given: tuple[str, ...],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    for variable in given:
        monkeypatch.setenv(variable, "half-of-it")
    local = ScriptedLLM([], unused_ok=True)
    monkeypatch.setattr("handoff_evals.local_llm", lambda: local, raising=False)
    with caplog.at_level(logging.WARNING, logger=DEPLOYED[name][0].__name__):
        session = await job.run(name)
    assert session.llm is local
    assert session.stt is None
    assert session.tts is None
    assert session.vad is not job.vad
    assert "no LiveKit credentials" in caplog.text


@each
@pytest.mark.usefixtures("credentials")
async def test_the_session_is_started_in_the_calls_room_which_is_joined_then(
    job: Job, name: str
) -> None:
    await job.run(name)
    assert type(job.agent) is DEPLOYED[name][2]
    assert job.started_in is job.room
    assert job.done == ["start", "connect"]
    assert job.log_context_fields == {"room": "a-room", "job": "a-job"}


@each
def test_a_process_loads_the_voice_activity_detector_before_its_first_call(name: str) -> None:
    module = DEPLOYED[name][0]
    process = JobProcess(executor_type=JobExecutorType.THREAD, user_arguments=None, http_proxy=None)
    module.setup(process)
    assert isinstance(process.userdata["vad"], VAD)
    assert module.server.setup_fnc is module.setup


@each
def test_the_file_reads_env_and_runs_its_own_server_with_its_own_entrypoint(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[str] = []
    served: list[Any] = []
    monkeypatch.setattr(dotenv, "load_dotenv", lambda: done.append("load_dotenv"))

    def run_app(server: Any) -> None:
        done.append("run_app")
        served.append(server)

    monkeypatch.setattr(cli, "run_app", run_app)
    file = DEPLOYED[name][0].__file__
    assert file is not None
    names = runpy.run_path(str(Path(file)), run_name="__main__")
    assert done == ["load_dotenv", "run_app"]
    assert served == [names["server"]]
    assert names["server"]._entrypoint_fnc is names["entrypoint"]


@each
async def test_the_factory_builds_the_session_of_what_it_is_given(job: Job, name: str) -> None:
    _, build, takes_the_call = DEPLOYED[name]
    model = ScriptedLLM([], unused_ok=True)
    agent, session = build(model, vad=job.vad)
    assert type(agent) is takes_the_call
    assert session.llm is model
    assert session.vad is job.vad
    assert session.stt is None
    assert session.tts is None


@each
@pytest.mark.usefixtures("credentials")
async def test_the_factory_takes_recognition_and_voice_by_their_names(name: str) -> None:
    _, build, _ = DEPLOYED[name]
    _, session = build(
        ScriptedLLM([], unused_ok=True), stt="deepgram/nova-2:de", tts="deepgram/aura-2:zeus"
    )
    assert isinstance(session.stt, stt.STT)
    assert session.stt.model == "deepgram/nova-2"
    assert isinstance(session.tts, inference.TTS)
    assert session.tts._opts.voice == "zeus"


@each
async def test_replies_begin_early_and_callers_may_interrupt(name: str) -> None:
    _, build, _ = DEPLOYED[name]
    _, session = build(ScriptedLLM([], unused_ok=True))
    options = session.options.turn_handling
    assert options["preemptive_generation"]["enabled"] is True
    interruption = options["interruption"]
    assert interruption["enabled"] is True
    assert interruption["resume_false_interruption"] is True


@each
async def test_no_two_sessions_share_their_userdata(name: str) -> None:
    _, build, _ = DEPLOYED[name]
    model = ScriptedLLM([], unused_ok=True)
    (one, first), (other, second) = build(model), build(model)
    assert one is not other
    if name in {"agent_transfer", "customer_service"}:
        return
    assert first.userdata is not second.userdata
    shared = [
        field
        for field, value in vars(first.userdata).items()
        if isinstance(value, dict | list) and value is getattr(second.userdata, field)
    ]
    assert shared == []


def test_every_topic_says_what_it_is_about() -> None:
    assert set(triage.TOPICS) == set(get_args(Topic))
