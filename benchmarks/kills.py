"""How much a kill does to a run: `charrnn train` is killed (SIGKILL) at random instants, resumed, and killed again.

After every kill what lies in the folder must be whole and the last checkpoint no older than one interval; a run that
reaches its end must equal one that nobody killed, to the last bit: weights, state, log, samples. Prints how many kills
hit what. Needs fork; each process is a copy of one that has torch loaded, so that a kill costs a tenth of a second.

    python benchmarks/kills.py --kills 200
"""

import argparse
import json
import mmap
import os
import platform
import random
import signal
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

os.environ["OMP_NUM_THREADS"] = "1"  # a second thread would not live through a fork

import torch
import torch._dynamo  # this and other imports below are those of a call of the command line, made before the fork
import tqdm  # noqa: F401

import charrnn.display.curve
import charrnn.sampling.sampler
from charrnn.cli.main import main as charrnn
from charrnn.model.checkpoint import BEST, LAST, load
from charrnn.training.resume import STATE, load_state
from charrnn.training.run import LOG, SAMPLES, Run

TEXT = "the cat sat on a mat and said that the dog was not a hat\n" * 40
INTERVAL = 5  # steps
RECIPE = ["--hidden-size", "24", "--embedding-size", "8", "--seq-length", "16", "--batch-size", "4", "--dropout", "0.3"]
OUTSIDE, INSIDE = b"\0", b"\1"


def main() -> None:
    """Kill, resume, compare; print a table."""
    options = _options()
    torch.set_num_threads(1)
    choose, seen, ends = random.Random(options.seed), Counter[str](), 0
    with tempfile.TemporaryDirectory() as name:
        runs = Runs(Path(name), options.steps)
        runs.to_the_end("straight")
        expected = _outcome(runs.folder / "straight")
        begun = time.perf_counter()
        runs.to_the_end("straight")  # which it is at already
        start = time.perf_counter() - begun
        while sum(seen.values()) < options.kills:
            run, ends = f"run-{ends}", ends + 1
            while sum(seen.values()) < options.kills and (hit := runs.killed(run, choose.uniform(0, 2 * start))):
                seen[hit] += 1
                _check_whole(runs.folder / run)
            runs.to_the_end(run)
            assert _outcome(runs.folder / run) == expected, f"{run} ended otherwise than the one that nobody killed"
    print(f"{options.kills} kills over {ends} run(s) of {options.steps} steps, a save at every {INTERVAL}th; ", end="")
    print(f"{platform.machine()}, torch {torch.__version__}")
    print("\n".join(f"{count:5} {what}" for what, count in seen.most_common()))
    print("every run was resumed after every kill and ended as the one that nobody killed, to the last bit")


class Runs:
    """Runs of one text and recipe, each in a folder of its own."""

    def __init__(self, folder: Path, steps: int) -> None:
        self.folder = folder
        self._place = mmap.mmap(-1, 1)  # shared with the copies of this process
        self._text, self._said = folder / "text.txt", folder / "output"
        self._text.write_text(TEXT, "utf-8")
        self._recipe = ["--steps", str(steps), "--sample-every", str(INTERVAL), *RECIPE]

    def to_the_end(self, name: str) -> None:
        """Train or resume a run and let it end."""
        self._wait(self._start(name), 0)

    def killed(self, name: str, seconds: float) -> str | None:
        """Train or resume a run and kill it after a while; return what the kill has hit, None where it had ended."""
        resumes, self._place[:1] = (self.folder / name / STATE).exists(), OUTSIDE
        child = self._start(name)
        time.sleep(seconds)
        os.kill(child, signal.SIGKILL)
        if self._wait(child, 0, -signal.SIGKILL) == 0:
            return None
        if self._place[:1] == INSIDE:
            return "inside a save"
        return "between saves" if resumes else "before the first save or soon after"

    def _start(self, name: str) -> int:
        run = self.folder / name
        resume, begin = ["--resume", str(run)], [str(self._text), *self._recipe, "--out", str(run)]
        child = os.fork()
        if not child:
            output = os.open(self._said, os.O_CREAT | os.O_TRUNC | os.O_WRONLY)
            os.dup2(output, 1)
            os.dup2(output, 2)
            _mark_saves(self._place)
            sys.argv = ["charrnn", "train", *(resume if (run / STATE).exists() else begin)]
            try:
                charrnn()
            except SystemExit as end:
                sys.stderr.flush()
                os._exit(int(end.code or 0))
        return child

    def _wait(self, child: int, *expected: int) -> int:
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        assert status in expected, self._said.read_text("utf-8", "replace")[-2000:]
        return status


def _mark_saves(place: mmap.mmap) -> None:
    """Make a run tell in shared memory that it is inside a save."""
    for name in ("save", "save_state", "save_final"):
        setattr(Run, name, _marked(getattr(Run, name), place))


def _marked(call: Any, place: mmap.mmap) -> Any:
    def marked(*arguments: Any, **options: Any) -> None:
        place[:1] = INSIDE
        call(*arguments, **options)
        place[:1] = OUTSIDE

    return marked


def _check_whole(run: Path) -> None:
    steps = {name: load(run / name).header.figures.step for name in (BEST, LAST) if (run / name).exists()}
    if (run / STATE).exists():
        assert 0 <= steps.get(LAST, 0) - load_state(run).account.header.figures.step <= INTERVAL, steps
    else:
        assert not steps


def _outcome(run: Path) -> list[Any]:
    """All that a run leaves, but for times, and for log lines between milestones, which come by the clock."""
    state = load_state(run)
    counts = state.tensors.pop("counts").tolist()
    tensors = {name: tensor.reshape(-1).view(torch.uint8).tolist() for name, tensor in state.tensors.items()}
    checkpoints = [load(run / name) for name in (BEST, LAST)]
    weights = [{name: weight.tobytes() for name, weight in c.weights.items()} for c in checkpoints]
    figures = [(c.header.figures.step, c.header.figures.val_nats, c.header.figures.test_nats) for c in checkpoints]
    log, samples = ([json.loads(line) for line in (run / name).read_bytes().splitlines()] for name in (LOG, SAMPLES))
    validated = [(line["step"], line["val_nats"]) for line in log if "val_nats" in line]
    return [tensors, counts[:3], weights, figures, state.account.best_nats, validated, samples]


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--steps", type=int, default=1000, help="of the run; where they are too few, of several")
    parser.add_argument("--seed", type=int, default=0, help="of the instants")
    return parser.parse_args()


if __name__ == "__main__":
    main()
