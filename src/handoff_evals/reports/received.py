"""What the models of a conversation received, as text."""

from collections.abc import Iterator

from handoff_evals.transcript import Transcript, message_text


def received_text(transcript: Transcript) -> str:
    """Every request of the conversation: who asked, the messages, the tools, the answer."""
    return "\n".join(_lines(transcript))


def _lines(transcript: Transcript) -> Iterator[str]:
    for number, turn in enumerate(transcript.turns):
        for call in turn.model_calls:
            tools = ", ".join(tool.name for tool in call.tools) or "no tools"
            yield f"turn {number}: {call.agent.label} ({call.purpose}) asks {call.model}; {tools}"
            for message in call.messages:
                shown = message_text(message).replace("\n", "\n        ")
                yield f"      {message['role']}: {shown}"
            answer = [call.text] if call.text else []
            answer += [f"{made['name']}({made['arguments']})" for made in call.calls]
            yield f"    answer: {call.error or ' + '.join(answer) or '(nothing)'}"
