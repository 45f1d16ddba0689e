import signal
import subprocess
import sys
from pathlib import Path

from handoff_evals.results import RunFolder

ROOT = Path(__file__).parents[2]
WRITER = """
import sys
from pathlib import Path
from handoff_evals.results import RunFolder
from tests.support.trials import MANIFEST, numbered

run = RunFolder.create(Path(sys.argv[1]), MANIFEST, name="run")
number = 0
while True:
    run.append(numbered(number))
    print(number, flush=True)
    number += 1
"""
HEARD = 20


def test_a_run_that_is_killed_keeps_every_trial_that_it_reported(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", WRITER, str(tmp_path)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    ) as writer:
        assert writer.stdout is not None
        heard = [int(writer.stdout.readline()) for _ in range(HEARD)]
        writer.kill()
        heard += [int(line) for line in writer.stdout.read().split()]
        assert writer.wait() == -signal.SIGKILL

    kept = [trial.key.number for trial in RunFolder.open(tmp_path / "run").trials()]

    assert kept == list(range(len(kept)))
    # The last one may have been kept without being reported.
    assert len(kept) - len(heard) in {0, 1}
