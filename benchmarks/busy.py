"""What other programs cost: commands that choose their threads by measurement, beside the same with a fixed number.

Busy loops run beside them, and the commands take turns; the middle one of the rounds counts. With loops, the other has
one thread (OMP_NUM_THREADS=1); without, it is the better of one thread and one for each core. For a training, which has
its time given, the ratio is that of steps; for what reads a text, that of seconds, the other's over its own.

    python benchmarks/busy.py --loops 0 2 4 --rounds 3
"""

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import perf_counter

SIZES = ("--num-layers", "1", "--hidden-size", "256", "--batch-size", "64", "--seq-length", "64")  # not by the cores
COMMANDS = ("train", "score", "find", "gallery")


def main() -> None:
    """Take turns, and print the table."""
    options = _options()
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    print(f"{platform.machine()}, {cores} cores; `python {' '.join(sys.argv)}`\n")
    print("| loops | command | fixed threads | chosen | ratio | its seconds |")
    print("|---|---|---|---|---|---|", flush=True)
    for loops in options.loops:
        fixed = sorted({1, cores}) if loops == 0 else [1]
        for name in options.commands:
            with _busy(loops):
                rounds = [[_run(options, name, threads) for threads in (*fixed, None)] for _ in range(options.rounds)]
            print(_row(loops, name, fixed, rounds), flush=True)


def _row(loops: int, name: str, fixed: list[int], rounds: list[list[tuple[float, float]]]) -> str:
    """A line of the table, from what each way did in each round."""
    speeds = [statistics.median(row[way][0] for row in rounds) for way in range(len(fixed) + 1)]
    best = max(range(len(fixed)), key=lambda way: speeds[way])
    seconds = statistics.median(row[-1][1] for row in rounds)
    told = [f"{speed:,.0f} steps" if name == "train" else f"{1 / speed:.1f} s" for speed in speeds]
    ratio = f"{speeds[-1] / speeds[best]:.2f}"
    return f"| {loops} | {name} | {told[best]} ({fixed[best]}) | {told[-1]} | {ratio} | {seconds:.1f} |"


def _run(options: argparse.Namespace, name: str, threads: int | None) -> tuple[float, float]:
    """How much a command did, in steps or in texts a second, and its seconds; None: threads as it chooses."""
    text, read = options.text, ("--characters", str(options.characters))
    with tempfile.TemporaryDirectory() as folder:
        out = str(Path(folder) / "out")
        arguments = {
            "train": ("train", text, "--minutes", str(options.minutes), *SIZES, "--out", out, "--json"),
            "score": ("score", text, text, "--part", "all", "--json"),
            "find": ("neurons", "find", text, text, *read, "--json"),
            "gallery": ("neurons", "gallery", text, text, *read, "-o", out, "--json"),
        }[name]
        environment = {key: value for key, value in os.environ.items() if key != "OMP_NUM_THREADS"}
        if threads:
            environment["OMP_NUM_THREADS"] = str(threads)
        fixed = ("--threads", str(threads)) if threads else ()
        begun = perf_counter()
        command = [sys.executable, "-m", "charrnn", *arguments, *fixed]
        done = subprocess.run(command, check=True, capture_output=True, text=True, env=environment)
        seconds = perf_counter() - begun
    return (json.loads(done.stdout)["steps"] if name == "train" else 1 / seconds), seconds


@contextmanager
def _busy(loops: int) -> Iterator[None]:
    """Keep so many cores busy for a while."""
    running = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(loops)]
    try:
        yield
    finally:
        for each in running:
            each.kill()
            each.wait()


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--text", default="shakespeare", help="a named text with a shipped model of that name")
    parser.add_argument("--commands", nargs="+", choices=COMMANDS, default=COMMANDS)
    parser.add_argument("--loops", type=int, nargs="+", default=[0, 2, 4], help="busy loops beside the commands")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--minutes", type=float, default=0.5, help="of each training")
    parser.add_argument("--characters", type=int, default=50_000, help="that the neuron tools read")
    return parser.parse_args()


if __name__ == "__main__":
    main()
