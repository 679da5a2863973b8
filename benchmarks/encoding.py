"""How fast a text becomes ids, on one core, in how much memory, and how soon a second run has them again.

Makes an ASCII text and a text in six scripts under --folder, and reads each in processes of its own: first with
nothing kept, then again, then a copy of it. Memory is the peak of the process above what it has after importing torch,
by getrusage. Prints a Markdown table; the texts and what was kept of them are removed at the end.

    python benchmarks/encoding.py --megabytes 1000
"""

import argparse
import json
import os
import platform
import resource
import shutil
import subprocess
import sys
import tempfile
from itertools import pairwise
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np

SCRIPTS = {  # ranges of code points that words are made of
    "ASCII": [(97, 123)],
    "six scripts": [(97, 123), (0x430, 0x450), (0x3B1, 0x3CA), (0x627, 0x64B), (0x4E00, 0x5200), (0xAC00, 0xB000)],
}
WORDS = 20_000
BLOCK = 200_000  # words written at once


def main() -> None:
    """Make the texts, measure, and print the table."""
    options = _options()
    if options.measure:
        print(json.dumps(_measure(options.measure)))
        return
    print(f"{_machine()}; `python {' '.join(sys.argv)}`\n")
    print("| text | start | seconds | MB a second | peak above torch |")
    print("|---|---|---|---|---|", flush=True)
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        for name, ranges in SCRIPTS.items():
            _show(name, Path(folder), ranges, options.megabytes)


def _show(name: str, folder: Path, ranges: list[tuple[int, int]], megabytes: int) -> None:
    path, kept = folder / "text.txt", folder / "kept"
    size = _write(path, ranges, megabytes * 1_000_000)
    for start in ("first", "second", "of a copy"):
        if start == "of a copy":
            shutil.copy(path, folder / "copy.txt")
            path = folder / "copy.txt"
        found = _in_process(path, kept)
        speed = f"{size / 1e6 / found['seconds']:,.0f}"
        megabyte_peak = f"{found['peak'] / 1e6:,.0f} MB"
        print(
            f"| {size / 1e6:,.0f} MB, {name} | {start} | {found['seconds']:.2f} | {speed} | {megabyte_peak} |",
            flush=True,
        )
    for each in (folder / "text.txt", folder / "copy.txt"):
        each.unlink()
    shutil.rmtree(kept)


def _write(path: Path, ranges: list[tuple[int, int]], size: int) -> int:
    """Write lines of words, each of one script, until there are so many bytes."""
    random = np.random.default_rng(0)
    words = [_word(random, *ranges[i % len(ranges)]) for i in range(WORDS)]
    with open(path, "wb") as file:
        while file.tell() < size:
            chosen = [words[i] for i in random.integers(0, WORDS, BLOCK)]
            cuts = pairwise(range(0, BLOCK + 1, 10))
            file.write("".join(" ".join(chosen[a:b]) + ".\n" for a, b in cuts).encode())
        return file.tell()


def _word(random: np.random.Generator, first: int, end: int) -> str:
    return "".join(map(chr, random.integers(first, end, random.integers(2, 9))))


def _in_process(path: Path, kept: Path) -> dict[str, Any]:
    command = [sys.executable, __file__, "--measure", str(path)]
    environment = {**os.environ, "CHARRNN_CACHE": str(kept), "OMP_NUM_THREADS": "1"}
    return json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, env=environment).stdout)


def _measure(path: str) -> dict[str, float]:
    """Seconds until a corpus of a file is there, and bytes that the process grew by at most."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    import torch  # noqa: F401 (what it takes is not counted)

    from charrnn.text.corpus import Corpus, Streams
    from charrnn.text.sources import listed

    before, begun = _peak(), perf_counter()
    corpus = Corpus.from_listing(listed([path]))
    next(Streams.over(corpus.parts["train"], 32, 64).batches())
    return {"seconds": perf_counter() - begun, "peak": _peak() - before}


def _peak() -> int:
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def _machine() -> str:
    with open("/proc/cpuinfo") as file:
        model = next((line.partition(":")[2].strip() for line in file if line.startswith("model name")), "CPU")
    return f"{model}, one core, Python {platform.python_version()}, numpy {np.__version__}"


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--megabytes", type=int, default=1000, help="of each text; at least 64")
    parser.add_argument("--folder", help="where the texts and what is kept of them lie meanwhile")
    parser.add_argument("--measure", help=argparse.SUPPRESS)
    return parser.parse_args()


if __name__ == "__main__":
    main()
