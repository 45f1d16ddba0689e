"""LiveKit's job without a server: what an entry point gets, and a record of what it asks."""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import wraps
from itertools import count
from typing import Any, cast

from google.protobuf.json_format import MessageToDict, MessageToJson, ParseDict
from google.protobuf.message import Message
from livekit import api, rtc
from livekit.agents import (
    AgentSession,
    BackgroundAudioPlayer,
    JobContext,
    get_job_context,
    simulation,
)
from livekit.agents.simulation import SimulationDispatch, SimulationMode
from livekit.agents.testing import fake_job_context
from livekit.agents.types import ATTRIBUTE_SIMULATOR_DISPATCH
from livekit.api.access_token import Claims
from livekit.api.twirp_client import TwirpClient
from pydantic_core import to_jsonable_python

from handoff_evals.errors import UsageError
from handoff_evals.livekit.internals import not_playing, remove_folder
from handoff_evals.livekit.room import FakeCaller, FakeRoom
from handoff_evals.scenarios import Scenario
from handoff_evals.transcript import JobAction

_SERVICES: Mapping[str, Any] = {
    "room": api.room_service.RoomService,
    "sip": api.sip_service.SipService,
    "egress": api.egress_service.EgressService,
    "ingress": api.ingress_service.IngressService,
    "agent_dispatch": api.agent_dispatch_service.AgentDispatchService,
    "connector": api.connector_service.ConnectorService,
}
"""By the names that `ctx.api` has them under."""
_TWIRP_NAMES = {
    "RoomService": "room",
    "SIP": "sip",
    "Egress": "egress",
    "Ingress": "ingress",
    "AgentDispatchService": "agent_dispatch",
    "Connector": "connector",
}
_BETWEEN_WORDS = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")


@dataclass(frozen=True, kw_only=True)
class FakeJob:
    """What an entry point finds when it takes a call, and what it is answered.

    ```python
    FakeJob(
        metadata={"customer": 7},
        caller=FakeCaller(kind="sip", attributes={"sip.phoneNumber": "+491234"}),
        answers={"sip.transfer_sip_participant": api.TwirpError("unavailable", "busy", status=503)},
    )
    ```
    """

    metadata: str | Mapping[str, Any] = ""
    """`ctx.job.metadata`; a mapping is written as JSON."""
    room: str = ""
    """The room's name; empty for one that no other conversation of the process has."""
    room_metadata: str = ""
    caller: FakeCaller | None = field(default_factory=FakeCaller)
    """Who is in the room when the agent connects; None for nobody."""
    answers: Mapping[str, Any] = field(default_factory=dict)
    """By a `JobAction`'s name: what is returned (for `ctx.api` the response, or a mapping of its
    fields), an exception that is raised, or a function of what was asked that gives either."""

    def __post_init__(self) -> None:
        for name in self.answers:
            service, _, method = name.partition(".")
            known = service in {"rpc", "room"} if method else False
            if not known and not hasattr(_SERVICES.get(service), method or "-"):
                raise ValueError(
                    f"answers has {name!r}, which nothing asks: write the name as it stands after "
                    "`ctx.api.`, as 'sip.transfer_sip_participant', or 'rpc.METHOD'"
                )


def job_of(scenario: Scenario | None, otherwise: FakeJob) -> FakeJob:
    """The job of a scenario that says one.

    Raises:
        UsageError: when it has an answer to what nothing asks.
    """
    if scenario is None or not scenario.job:
        return otherwise
    written = dict(scenario.job)
    caller = written.get("caller")
    if caller is not None:
        written["caller"] = FakeCaller(**caller)
    try:
        return FakeJob(**written)
    except ValueError as error:
        raise UsageError(f"scenario {scenario.label!r}: job: {error}") from error


class RecordedJob(JobContext):
    """LiveKit's job context, with a record of what is asked of it.

    `fake_job_context` makes it: no server is needed, and none is asked.
    """

    fake: FakeJob
    actions: list[JobAction]
    on_session: Callable[[AgentSession[Any]], None]
    """Called with the job's primary session as it starts, before its first agent does."""
    ended: str | None
    """Why the job is over, once it is."""

    _session: AgentSession[Any] | None = None
    _as_deployed = False

    @property
    def _primary_agent_session(self) -> AgentSession[Any] | None:
        return self._session

    @_primary_agent_session.setter
    def _primary_agent_session(self, session: AgentSession[Any] | None) -> None:
        # The first thing that livekit's `start` does with a session; it has no event for it.
        self._session, before = session, self._session
        if session is not None and session is not before:
            self.on_session(session)

    def ask(self, name: str, arguments: Mapping[str, Any], default: Any = None) -> Any:
        """Note what is asked, and give the scripted answer, or the default one.

        Raises:
            Exception: where that is the answer.
        """
        noted = {key: to_jsonable_python(each, fallback=str) for key, each in arguments.items()}
        answer = self.fake.answers.get(name, default)
        is_raised = isinstance(answer, BaseException)
        if callable(answer) and not is_raised and not isinstance(answer, type):
            answer = answer(arguments)
            is_raised = isinstance(answer, BaseException)
        error = f"{type(answer).__name__}: {answer}" if is_raised else None
        self.actions.append(JobAction(name=name, arguments=noted, error=error))
        if is_raised:
            raise answer
        return answer

    def enter_room(self) -> None:
        """Connect without a record of it, for agents that are made without an entry point."""
        room: Any = self.room
        room.enter()
        self._connected = True

    def end(self, reason: str) -> None:
        """End the job, as a shutdown or the room's end does: its session closes."""
        if self.ended is None:
            self.ended = reason
            if self._session is not None:
                self._session.shutdown(drain=False)

    @property
    def api(self) -> api.LiveKitAPI:
        """LiveKit's API; what it is asked is noted, and nothing is sent."""
        made = self.__dict__.get("api")
        if made is None:
            session: Any = object()  # never asked: see `_request`
            made = self.__dict__["api"] = api.LiveKitAPI(session=session)
        return made

    def asked_api(self, name: str, request: Message, response: type[Message]) -> Message:
        """Note a request to LiveKit's API, and do in the room what the server would."""
        asked = MessageToDict(request, preserving_proto_field_name=True)
        answer = self.ask(name, asked, response())
        if isinstance(answer, Mapping):
            answer = ParseDict(dict(answer), response())
        room: Any = self.room
        match name:
            case "room.delete_room" if asked.get("room") == room.name:
                room.end(rtc.DisconnectReason.ROOM_DELETED)
            case "room.remove_participant":
                room.leave(asked.get("identity", ""), rtc.DisconnectReason.PARTICIPANT_REMOVED)
            case "sip.transfer_sip_participant":
                identity = asked.get("participant_identity", "")
                room.leave(identity, rtc.DisconnectReason.CLIENT_INITIATED)
            case "sip.create_sip_participant":
                room.join(_called(asked))
        return answer  # type: ignore[no-any-return]

    def is_fake_job(self) -> bool:
        """True, but where livekit's own methods would then do nothing."""
        return not self._as_deployed

    def delete_room(self, *args: Any, **kwargs: Any) -> Any:
        """As deployed: by the API."""
        with self._deployed():
            return super().delete_room(*args, **kwargs)

    def add_sip_participant(self, *args: Any, **kwargs: Any) -> Any:
        """As deployed: by the API."""
        with self._deployed():
            return super().add_sip_participant(*args, **kwargs)

    def transfer_sip_participant(self, *args: Any, **kwargs: Any) -> Any:
        """As deployed: by the API."""
        with self._deployed():
            return super().transfer_sip_participant(*args, **kwargs)

    @contextmanager
    def _deployed(self) -> Iterator[None]:
        self._as_deployed = True
        try:
            yield
        finally:
            self._as_deployed = False

    async def wait_for_participant(self, **kwargs: Any) -> rtc.RemoteParticipant:
        """Note it; the caller is there as soon as the room is connected."""
        self.ask("wait_for_participant", kwargs)
        return await super().wait_for_participant(**kwargs)

    def add_participant_entrypoint(self, entrypoint_fnc: Any, *args: Any, **kwargs: Any) -> None:
        """Note it; it runs for the caller as soon as the room is connected."""
        self.ask("add_participant_entrypoint", {"entrypoint_fnc": _name(entrypoint_fnc)})
        super().add_participant_entrypoint(entrypoint_fnc, *args, **kwargs)

    def add_shutdown_callback(self, callback: Any) -> None:
        """Note it, unless it is livekit's own; it runs when the conversation is over."""
        if not str(getattr(callback, "__module__", "")).startswith("livekit."):
            self.ask("add_shutdown_callback", {"callback": _name(callback)})
        super().add_shutdown_callback(callback)

    def shutdown(self, reason: str = "user requested") -> None:
        """Note it, and end the call."""
        self.ask("shutdown", {"reason": reason})
        self.end(reason)

    def token_claims(self) -> Claims:
        """What the token of the agent would say."""
        return Claims(identity="agent")


def _called(asked: Mapping[str, Any]) -> FakeCaller:
    """Who is in the room once a number was called."""
    number = asked.get("sip_call_to", "")
    attributes = {"sip.callStatus": "active", "sip.phoneNumber": number}
    return FakeCaller(
        identity=asked.get("participant_identity") or f"sip_{number}",
        name=asked.get("participant_name", ""),
        kind="sip",
        metadata=asked.get("participant_metadata", ""),
        attributes={**attributes, **asked.get("participant_attributes", {})},
    )


def _name(function: Any) -> str:
    return str(getattr(function, "__qualname__", None) or repr(function))


_rooms_in_use: set[int] = set()


def _as_livekit_has_it(scenario: Scenario | None) -> simulation.Scenario:
    if scenario is None:
        return simulation.Scenario()
    return simulation.Scenario(
        id=scenario.id,
        label=scenario.label,
        instructions=scenario.instructions,
        agent_expectations=scenario.agent_expectations,
        tags=dict(scenario.tags),
        userdata=json.dumps(scenario.userdata, default=str) if scenario.userdata else "",
    )


@contextmanager
def text_job(
    scenario: Scenario | None = None,
    *,
    audio: bool = False,
    fake: FakeJob | None = None,
) -> Iterator[RecordedJob]:
    """Stand in a job that LiveKit itself takes for a text simulation, or one with `audio`.

    In text STT, TTS and VAD stay off by LiveKit's own switch, whatever the agents bring.
    `get_job_context()` works, its `simulation_context()` gives the scenario with its userdata,
    and no server is needed.

    Args:
        scenario: what is simulated.
        audio: whether the agents hear and speak.
        fake: what the job is about, and its scripted answers.
    """
    fake = fake or FakeJob()
    number = next(each for each in count(1) if each not in _rooms_in_use)
    _rooms_in_use.add(number)
    fake = replace(fake, room=fake.room or f"fake-room-{number}")
    modes = SimulationMode
    dispatch = SimulationDispatch(
        simulation_run_id="handoff-evals",
        mode=modes.SIMULATION_MODE_AUDIO if audio else modes.SIMULATION_MODE_TEXT,
        scenario=_as_livekit_has_it(scenario),
    )
    room = FakeRoom(
        name=fake.room,
        metadata=fake.room_metadata,
        caller=fake.caller,
        ask=lambda *asked: job.ask(*asked),  # noqa: PLW0108 - there is no job yet
    )
    written = fake.metadata if isinstance(fake.metadata, str) else json.dumps(dict(fake.metadata))
    try:
        with fake_job_context(room=room, job_id=f"fake-job-{number}", job_metadata=written) as made:
            # LiveKit makes the job; ours only adds to it.
            made.__class__ = RecordedJob
            job = cast("RecordedJob", made)
            job.fake, job.actions, job.ended = fake, [], None
            job.on_session = lambda _session: None
            job._connected = False  # noqa: SLF001 - or `connect` would not reach the room
            job.job.room.metadata = fake.room_metadata
            job.job.attributes[ATTRIBUTE_SIMULATOR_DISPATCH] = MessageToJson(dispatch)
            room.on("disconnected", lambda _reason: job.end("room disconnected"))
            try:
                yield job
            finally:
                remove_folder(job)
    finally:
        _rooms_in_use.discard(number)


def _current() -> RecordedJob | None:
    job = get_job_context(required=False)
    return job if isinstance(job, RecordedJob) else None


def _request(send: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(send)
    async def request(
        self: TwirpClient, service: str, method: str, data: Message, *args: Any, **kwargs: Any
    ) -> Any:
        job = _current()
        if job is None:
            return await send(self, service, method, data, *args, **kwargs)
        _headers, response = args
        name = f"{_TWIRP_NAMES.get(service, service)}.{_BETWEEN_WORDS.sub('_', method).lower()}"
        return job.asked_api(name, data, response)

    return request


def _started(start: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(start)
    async def started(self: Any, *args: Any, **kwargs: Any) -> None:
        job = _current()
        if job is None:
            await start(self, *args, **kwargs)
        else:
            job.ask("background_audio.start", {})

    return started


def _played(play: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(play)
    def played(self: Any, audio: Any, *args: Any, **kwargs: Any) -> Any:
        job = _current()
        if job is None:
            return play(self, audio, *args, **kwargs)
        job.ask("background_audio.play", {"audio": audio})
        return not_playing()

    return played


def _install() -> None:
    """Have such a job answer requests to LiveKit's API, and no sound be played in it."""
    TwirpClient.request = _request(TwirpClient.request)  # type: ignore[method-assign]
    player: Any = BackgroundAudioPlayer
    player.start = _started(player.start)
    player.play = _played(player.play)


_install()
