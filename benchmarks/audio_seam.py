"""What a handoff does to a call, in figures.

`python benchmarks/audio_seam.py` prints the handoffs as the tests of the audio suite measured
them, and then how often a call loses a frame of the caller when nothing waits for anything:
many handoffs in real time.
"""

import asyncio
import json
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from xml.etree import ElementTree as ET

from livekit.agents import Agent
from livekit.plugins import silero
from rich import box
from rich.console import Console
from rich.table import Table

from handoff_evals import ScriptedLLM
from handoff_evals.audio.audio_call import AudioCall, AudioHandoff
from handoff_evals.audio.clock import FRAME
from handoff_evals.audio.speech import FakeTTS, ToneBook

ROOT = Path(__file__).parents[1]
SUITE = "evals/audio/test_the_call_stays_up.py"
SWAPS = 300


def measured_by_the_suite() -> tuple[list[AudioHandoff], float]:
    """Run the suite; give each handoff that it measured, and the seconds of the run."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "junit.xml"
        command = [sys.executable, "-m", "pytest", "-q", "-p", "no:randomly", SUITE]
        start = time.perf_counter()
        subprocess.run([*command, f"--junitxml={report}"], cwd=ROOT, check=True)
        took = time.perf_counter() - start
        properties = ET.parse(report).iter("property")  # noqa: S314 - pytest wrote it just now
        return [AudioHandoff(**json.loads(each.attrib["value"])) for each in properties], took


async def lost_in_real_time() -> tuple[int, int]:
    """Swap agents while frames come every 20 ms of the wall; give frames sent and lost."""
    first = Agent(instructions="-")
    voice = FakeTTS("-", ToneBook())
    call = AudioCall(first, ScriptedLLM([]), vad=silero.VAD.load(), voice=voice)
    session, done = call.session, asyncio.Event()
    session.on("conversation_item_added", lambda _: done.set())
    session.input.audio = call.caller
    session.output.audio = call.output
    await session.start(first)

    async def speak() -> None:
        due = time.perf_counter()
        while True:
            call.caller.send()
            due += FRAME
            await asyncio.sleep(due - time.perf_counter())

    speaking = asyncio.create_task(speak())
    for _ in range(SWAPS):
        done.clear()
        session.update_agent(Agent(instructions="-"))
        await done.wait()
        # Out of step with the frames, so that each handoff meets them at another moment.
        await asyncio.sleep(random.uniform(0.01, 0.03))
    speaking.cancel()
    await asyncio.sleep(2 * FRAME)
    lost = call.caller.sent - len(call.stt.received)
    await session.aclose()
    return call.caller.sent, lost


def main() -> None:
    """Print both."""
    handoffs, took = measured_by_the_suite()
    sent, lost = asyncio.run(lost_in_real_time())

    table = Table(
        title="Each handoff",
        box=box.SIMPLE,
        caption=f"measured by {SUITE} in {took:.1f} s",
    )
    table.add_column("agent, voice")
    table.add_column("kept")
    for heading in ("frames\nin", "\nlost", "gap\nms", "silence\nms"):
        table.add_column(heading, justify="right")
    for handoff in handoffs:
        table.add_row(
            f"{handoff.old_agent}, {handoff.old_voice}\n{handoff.new_agent}, {handoff.new_voice}",
            f"{len(handoff.kept)} of {len(handoff.kept) + len(handoff.replaced)}",
            str(handoff.frames_in),
            str(handoff.frames_lost),
            f"{handoff.gap_ms:.1f}",
            str(handoff.silence_ms),
        )
    console = Console(highlight=False)
    console.print(table)
    console.print(f"Kept: {', '.join(handoffs[0].kept)}.")
    console.print(
        f"In real time, {SWAPS} swaps: {lost} of {sent} frames of 20 ms lost. "
        f"A swap is deaf for {1000 * FRAME * lost / SWAPS:.2f} ms on average."
    )


if __name__ == "__main__":
    main()
