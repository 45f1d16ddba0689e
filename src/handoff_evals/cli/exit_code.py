"""What a command's exit code says."""

from enum import IntEnum


class ExitCode(IntEnum):
    """For scripts to branch on."""

    OK = 0
    GATE_FAILED = 1
    USAGE = 2
    INVALID = 3
    INCONCLUSIVE = 4
    INTERRUPTED = 130
