"""Speech that was recorded once."""

import wave
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from handoff_evals.livekit.audio.clock import FRAME, SAMPLE_RATE, SAMPLES

BYTES = 2 * SAMPLES
"""Bytes in a frame: 16 bits a sample."""


@dataclass(frozen=True, kw_only=True)
class Clip:
    """What a caller says: the words, and how they sound."""

    words: str
    frames: tuple[bytes, ...] = field(repr=False)
    """20 ms each: 320 samples of 16 bits, little-endian, mono, 16 kHz."""

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read a WAV file, and its words from the `.txt` beside it.

        The last frame is filled up with silence.

        Raises:
            ValueError: when it is not 16 kHz, mono, 16 bits.
        """
        with wave.open(str(path), "rb") as file:
            shape = (file.getframerate(), file.getnchannels(), 8 * file.getsampwidth())
            if shape != (SAMPLE_RATE, 1, 16):
                raise ValueError(
                    f"{path} is {shape[0]} Hz, {shape[1]} channel(s), {shape[2]} bits; it must be "
                    f"{SAMPLE_RATE} Hz, 1 channel, 16 bits: "
                    f"sox {path.name} -r {SAMPLE_RATE} -c 1 -b 16 new.wav"
                )
            samples = file.readframes(file.getnframes())
        cut = [samples[start : start + BYTES] for start in range(0, len(samples), BYTES)]
        return cls(
            words=path.with_suffix(".txt").read_text(encoding="utf-8").strip(),
            frames=tuple(frame.ljust(BYTES, b"\0") for frame in cut),
        )

    @property
    def seconds(self) -> float:
        """How long it lasts."""
        return len(self.frames) * FRAME
