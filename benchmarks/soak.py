"""Whether memory grows while charrnn trains and samples for an hour.

Three commands go on at once, as a person may leave them: a training that validates, saves and samples as it goes, a
text that is written without end, and a session that is given one beginning after the other. Their resident memory is
read every few seconds. After a tenth of the time, in which caches fill, it should stay: the growth is the slope of the
line through the rest (Theil and Sen's, which a burst does not bend). Needs Linux's /proc.

    python benchmarks/soak.py shakespeare --minutes 60
"""

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from itertools import combinations
from pathlib import Path

from charrnn.training.run import LOG

EVERY = 10  # seconds between two looks
MARKS = 6  # columns of the table
SETTLED = 0.1  # of the time, from which on memory counts as growing
ENDLESS = str(10**12)


class Watched:
    """A command that runs, whose output is read and counted, and its memory in MB at each look."""

    def __init__(self, name: str, arguments: list[str], said: str | None = None):
        self.name, self.read, self.memory = name, 0, list[float]()
        command = [sys.executable, "-m", "charrnn", *arguments]
        self.errors = tempfile.TemporaryFile()  # noqa: SIM115 (open to the end)
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.errors)
        threading.Thread(target=self._take, daemon=True).start()
        if said is not None:
            threading.Thread(target=self._say, args=(said.encode(),), daemon=True).start()

    def look(self) -> None:
        """Note how much memory it has now; raises SystemExit where it has ended."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        if "VmRSS:" not in status:
            self.errors.seek(0)
            sys.exit(f"{self.name} ended: {self.errors.read().decode()[-2000:]}")
        self.memory.append(int(status.split("VmRSS:")[1].split()[0]) / 1024)

    def end(self) -> None:
        """Stop it as Ctrl-C does."""
        self.process.terminate()
        self.process.wait(timeout=60)

    def _take(self) -> None:
        while piece := os.read(self.process.stdout.fileno(), 1 << 16):
            self.read += len(piece)

    def _say(self, line: bytes) -> None:
        try:
            while True:
                self.process.stdin.write(line)
                self.process.stdin.flush()
        except (BrokenPipeError, ValueError):
            pass  # it has been stopped


def main() -> None:
    """Start the commands, look at them for as long as asked, and print a table."""
    options = _options()
    with tempfile.TemporaryDirectory() as folder:
        watched = _started(options, Path(folder, "run"))
        began = time.monotonic()
        while (past := time.monotonic() - began) < 60 * options.minutes:
            time.sleep(EVERY - past % EVERY)
            for one in watched:
                one.look()
        for one in watched:
            one.end()
        steps = json.loads(Path(folder, "run", LOG).read_text().splitlines()[-1])["step"]
    _print(watched, options.minutes, [f"{steps:,} steps", *(f"{one.read:,} characters" for one in watched[1:])])


def _started(options: argparse.Namespace, run: Path) -> list[Watched]:
    training = ["train", *options.source, "--hidden-size=256", f"--minutes={2 * options.minutes}", "--out", str(run)]
    sampling = ["sample", options.model, "--seed=1", "--length"]
    return [
        Watched("training, sampling as it goes", [*training, "--sample-every=200"]),
        Watched("a sample without end", [*sampling, ENDLESS]),
        Watched("a session without end", [*sampling, "200", "--interactive"], said="Once upon a time\n"),
    ]


def _print(watched: list[Watched], minutes: float, done: list[str]) -> None:
    print(f"{platform.machine()}, Python {platform.python_version()}; {' '.join(sys.argv)}\n")
    marks = [minutes * (mark + 1) / MARKS for mark in range(MARKS)]
    print(
        f"| MB resident | {' | '.join(f'{mark:.0f} min' for mark in marks)} | highest | growth an hour | what it did |"
    )
    print("|" + "---|" * (MARKS + 4))
    for one, what in zip(watched, done, strict=True):
        shown = [one.memory[min(int(60 * mark / EVERY), len(one.memory)) - 1] for mark in marks]
        row = [*(f"{value:.1f}" for value in shown), f"{max(one.memory):.1f}", f"{_growth(one.memory):+.2f}"]
        print(f"| {one.name} | {' | '.join(row)} | {what} |")


def _growth(memory: list[float]) -> float:
    """MB an hour: the median slope between all pairs of looks after memory has settled."""
    settled = list(enumerate(memory))[int(SETTLED * len(memory)) :]
    slopes = [(later - earlier) / (j - i) for (i, earlier), (j, later) in combinations(settled, 2)]
    return statistics.median(slopes) * 3600 / EVERY if slopes else 0.0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("source", nargs="*", default=["python"], help="what to train on (%(default)s)")
    parser.add_argument("--model", default="shakespeare", help="the model that writes (%(default)s)")
    parser.add_argument("--minutes", type=float, default=60, help="how long (%(default)s)")
    return parser.parse_args()


if __name__ == "__main__":
    main()
