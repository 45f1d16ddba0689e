"""The room of a job without a server: LiveKit's own classes, with nothing sent anywhere."""

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import wraps
from typing import Any, Literal

from livekit import rtc

# The classes that rtc makes its participants and rooms of; it has no public name for them.
from livekit.rtc._proto import participant_pb2, room_pb2, track_pb2

_KINDS = {
    "standard": rtc.ParticipantKind.PARTICIPANT_KIND_STANDARD,
    "sip": rtc.ParticipantKind.PARTICIPANT_KIND_SIP,
}
# From here on a client takes transcripts as streams; LiveKit sends older ones twice.
_CLIENT_PROTOCOL = 1_000
# LiveKit's own traffic, as transcripts and the agent's state; the agents asked for none of it.
_LIVEKITS = "lk."


@dataclass(frozen=True, kw_only=True)
class FakeCaller:
    """The participant that is in the room when a job without a server connects."""

    identity: str = "caller"
    name: str = ""
    kind: Literal["standard", "sip"] = "standard"
    metadata: str = ""
    attributes: Mapping[str, str] = field(default_factory=dict)
    """As `sip.phoneNumber` of somebody who calls by telephone."""

    def __post_init__(self) -> None:
        if self.kind not in _KINDS:
            raise ValueError(f"kind is {self.kind!r}: write one of {', '.join(map(repr, _KINDS))}")


class FakeRoom(rtc.Room):
    """A room that somebody is in as soon as it is connected.

    Args:
        name: the room's.
        metadata: the room's.
        caller: who is in it; None for nobody.
        ask: called with what is asked of the room or of the agent's own participant, as
            `room.local_participant.set_attributes`, its arguments, and what it gives by
            default; returns what it gives.
    """

    def __init__(
        self,
        *,
        name: str,
        metadata: str,
        caller: FakeCaller | None,
        ask: Callable[[str, Mapping[str, Any], Any], Any],
    ) -> None:
        super().__init__()
        self._info = room_pb2.RoomInfo(name=name, sid=f"RM_{name}", metadata=metadata)
        self._resolve_first_sid(self._info.sid)
        self._caller = caller
        self._ask = ask

    def isconnected(self) -> bool:
        """Whether the agent is in the room."""
        return self._connection_state == rtc.ConnectionState.CONN_CONNECTED

    async def connect(
        self,
        url: str,  # noqa: ARG002 - there is no server
        token: str,  # noqa: ARG002 - as above
        options: rtc.RoomOptions | None = None,
    ) -> None:
        """Enter the room; the caller is there already."""
        given = {} if options is None or options.auto_subscribe else {"auto_subscribe": False}
        self._ask("connect", given, None)
        self.enter()

    def enter(self) -> None:
        """Be in the room, where the caller is already."""
        self._local_participant = _FakeLocalParticipant(_info("agent", kind="agent"), self._ask)
        if self._caller is not None:
            self.join(self._caller, connected=False)
        self._set_state(rtc.ConnectionState.CONN_CONNECTED)
        self.emit("connected")

    async def disconnect(self, **_: Any) -> None:
        """Leave the room."""
        self.end(rtc.DisconnectReason.CLIENT_INITIATED)

    def end(self, reason: "rtc.DisconnectReason.ValueType") -> None:
        """End what the agent has of the room, as when it is deleted."""
        if self.isconnected():
            self._set_state(rtc.ConnectionState.CONN_DISCONNECTED)
            self.emit("disconnected", reason)

    def join(self, who: FakeCaller, *, connected: bool = True) -> None:
        """Let somebody enter; without `connected` they were there before the agent."""
        info = _info(
            who.identity,
            kind=who.kind,
            name=who.name,
            metadata=who.metadata,
            attributes=dict(who.attributes),
        )
        self._remote_participants[who.identity] = participant = rtc.RemoteParticipant(info)
        self._info.num_participants = len(self._remote_participants) + 1
        if connected:
            self.emit("participant_connected", participant)
            self.emit("participant_active", participant)

    def leave(self, identity: str, reason: "rtc.DisconnectReason.ValueType") -> None:
        """Let somebody go, if they are there."""
        participant = self._remote_participants.pop(identity, None)
        if participant is not None:
            participant._info.disconnect_reason = reason  # noqa: SLF001 - rtc writes it there too
            self._info.num_participants = len(self._remote_participants) + 1
            self.emit("participant_disconnected", participant)

    def _set_state(self, state: "rtc.ConnectionState.ValueType") -> None:
        self._connection_state = state
        self.emit("connection_state_changed", state)


def _info(identity: str, *, kind: str, **given: Any) -> participant_pb2.OwnedParticipant:
    """What rtc makes a participant of; its handle is rtc's invalid one, which nobody owns."""
    owned = participant_pb2.OwnedParticipant()
    owned.info.CopyFrom(
        participant_pb2.ParticipantInfo(
            identity=identity,
            sid=f"PA_{identity}",
            kind=_KINDS.get(kind, rtc.ParticipantKind.PARTICIPANT_KIND_AGENT),
            state=rtc.ParticipantState.PARTICIPANT_STATE_ACTIVE,
            client_protocol=_CLIENT_PROTOCOL,
            **given,
        )
    )
    owned.handle.id = 0
    return owned


class _FakeLocalParticipant(rtc.LocalParticipant):
    """The agent in the room: whatever it is asked to send is noted."""

    def __init__(
        self,
        info: participant_pb2.OwnedParticipant,
        ask: Callable[[str, Mapping[str, Any], Any], Any],
    ) -> None:
        no_events: Any = None  # no server sends any
        super().__init__(no_events, info)
        self._ask = ask

    def asked(self, name: str, arguments: Mapping[str, Any]) -> Any:
        """Note it, and give what it gives."""
        if name == "perform_rpc":
            method = arguments["method"]
            missing = rtc.RpcError(
                rtc.RpcError.ErrorCode.UNSUPPORTED_METHOD,
                f"nobody answers {method!r} here: FakeJob(answers={{'rpc.{method}': ...}})",
            )
            return self._ask(f"rpc.{method}", arguments, missing)
        if name == "set_attributes":
            given = arguments["attributes"]
            self._info.attributes.update(given)
            if given and all(each.startswith(_LIVEKITS) for each in given):
                return None
        elif name in {"set_name", "set_metadata"}:
            setattr(self._info, name.removeprefix("set_"), *arguments.values())
        gives: Any = None
        if name.startswith("stream_"):
            gives = _Writer()
        elif name.startswith("send_"):
            gives = _Writer().info
        elif name == "publish_track":
            gives = _publication()
        if str(arguments.get("topic", "")).startswith(_LIVEKITS):
            return gives
        return self._ask(f"room.local_participant.{name}", arguments, gives)

    def register_rpc_method(self, method_name: str, handler: Any = None) -> Any:
        """Note it; nobody calls it here."""
        self._ask("room.local_participant.register_rpc_method", {"method_name": method_name}, None)
        return handler if handler is not None else lambda found: found


def _noted(method: Callable[..., Any]) -> Callable[..., Any]:
    signature = inspect.signature(method)

    @wraps(method)
    async def noted(self: _FakeLocalParticipant, *args: Any, **kwargs: Any) -> Any:
        given = signature.bind(self, *args, **kwargs).arguments
        return self.asked(method.__name__, {k: v for k, v in given.items() if k != "self"})

    return noted


# All that it can be asked for, those that a later version adds too.
for _name, _method in list(vars(rtc.LocalParticipant).items()):
    if inspect.iscoroutinefunction(_method) and not _name.startswith("_"):
        setattr(_FakeLocalParticipant, _name, _noted(_method))


def _publication() -> rtc.LocalTrackPublication:
    owned = track_pb2.OwnedTrackPublication()
    owned.info.sid = "TR_fake"
    owned.handle.id = 0
    return rtc.LocalTrackPublication(owned)


class _Writer:
    """Takes what is written to a stream of text or bytes."""

    def __init__(self) -> None:
        self.info = rtc.TextStreamInfo(
            stream_id="stream",
            mime_type="text/plain",
            topic="",
            timestamp=0,
            size=None,
            attributes={},
            attachments=[],
        )

    async def write(self, data: Any) -> None:
        """Take it."""

    async def aclose(self, **_: Any) -> None:
        """There is nothing to close."""
