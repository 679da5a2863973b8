"""How fast text is written, against the loop that one writes by hand with nn.LSTM, in one run.

Prints a Markdown table: characters a second of both, and their ratio. They take turns, so that a busy moment of the
machine meets both, and each figure is the median of its turns. The networks have their first weights: how fast one
writes does not depend on what it has learned.

    python benchmarks/sampling.py --repeats 7
    python benchmarks/sampling.py --long tolstoy     # what a million characters take of memory
"""

import argparse
import os
import platform
import statistics
import subprocess
import sys
from collections.abc import Callable
from time import perf_counter, sleep

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # as the command charrnn sets it

import torch
from torch import nn

from charrnn.model.config import ModelConfig
from charrnn.model.devices import choose_precision
from charrnn.model.network import CharRNN, stepped_on
from charrnn.model.stepped_network import SteppedCharRNN
from charrnn.runs.allocator import keep_freed_memory
from charrnn.sampling.distribution import SamplingConfig
from charrnn.sampling.sampler import Sampler
from charrnn.text.vocabulary import Vocabulary

V, E = 65, 128  # the characters of Tiny Shakespeare
CPU = torch.device("cpu")
PAUSE = 0.3  # seconds between turns: torch's threads go on spinning for a while, on a core that the next may want


def main() -> None:
    """Measure one stream at each size, and many at the largest, and print the table."""
    options = _options()
    if options.long:
        _long(options.long)
        return
    print(f"{platform.machine()}, {torch.get_num_threads()} threads, torch {torch.__version__}; {' '.join(sys.argv)}\n")
    print("| streams | layers × units | number | plain loop, char/s | charrnn, char/s | ratio |")
    print("|---|---|---|---|---|---|", flush=True)
    for hidden_size in options.sizes:
        model = _model(hidden_size)
        one = Sampler(SteppedCharRNN(model.config, model.weights()), _vocabulary(), SamplingConfig())
        _row(options, 1, hidden_size, "float32", lambda n, s=one: sum(1 for _ in s.draw(n)))
    keep_freed_memory()  # as the command does for many streams; from here on the plain loop has it too
    for number in dict.fromkeys((torch.float32, choose_precision(None, CPU))):
        network = stepped_on(model.config, model.weights(), CPU, number)
        many = Sampler(network, _vocabulary(), SamplingConfig())
        name = str(number).removeprefix("torch.")
        _row(
            options, options.streams, hidden_size, name, lambda n, sampler=many: _draw_many(sampler, n, options.streams)
        )


def _long(model: str) -> None:
    """Print the largest memory of `charrnn sample` for two lengths: what is kept of each shows as a difference."""
    for length in (1000, 1_000_000):
        command = [sys.executable, "-m", "charrnn", "sample", model, "--length", str(length), "--seed", "1"]
        begun, written = perf_counter(), 0
        with subprocess.Popen(command, stdout=subprocess.PIPE, encoding="utf-8") as process:
            while piece := process.stdout.read(65536):
                written += len(piece)
            _, status, used = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
        seconds = perf_counter() - begun
        print(f"{written:,} characters in {seconds:.1f} s, at most {used.ru_maxrss / 1024:.1f} MiB", flush=True)


def _row(
    options: argparse.Namespace, streams: int, hidden_size: int, number: str, ours: Callable[[int], object]
) -> None:
    length = options.length if streams == 1 else options.steps
    plain = _plain(hidden_size, streams)
    speeds: dict[str, list[float]] = {"plain": [], "ours": []}
    for _ in range(options.repeats):
        for name, write in (("plain", plain), ("ours", ours)):
            sleep(PAUSE)
            speeds[name].append(streams * length / _seconds(write, length))
    a, b = (statistics.median(speeds[name]) for name in ("plain", "ours"))
    print(f"| {streams} | 2 × {hidden_size} | {number} | {a:,.0f} | {b:,.0f} | {b / a:.1f} |", flush=True)


def _seconds(write: Callable[[int], object], length: int) -> float:
    begun = perf_counter()
    write(length)
    return perf_counter() - begun


def _plain(hidden_size: int, streams: int) -> Callable[[int], None]:
    """The loop by hand: embedding, nn.LSTM and read-out in float32, one multinomial draw a step."""
    embedding, lstm = nn.Embedding(V, E), nn.LSTM(E, hidden_size, num_layers=2, batch_first=True)
    readout = nn.Linear(hidden_size, V)

    @torch.no_grad()
    def write(length: int) -> None:
        ids, state = torch.zeros(streams, 1, dtype=torch.long), None
        for _ in range(length):
            h, state = lstm(embedding(ids), state)
            ids = torch.multinomial(readout(h[:, -1]).softmax(-1), 1)
            ids.tolist()  # the characters are wanted

    return write


@torch.inference_mode()
def _draw_many(sampler: Sampler, length: int, streams: int) -> None:
    for ids, _ in sampler.draw_many(length, "", range(streams)):
        ids.tolist()


def _model(hidden_size: int) -> CharRNN:
    config = ModelConfig(V, num_layers=2, hidden_size=hidden_size, embedding_size=E)
    return CharRNN(config, torch.Generator().manual_seed(0))


def _vocabulary() -> Vocabulary:
    return Vocabulary(map(chr, range(ord("!"), ord("!") + V)))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", nargs="+", type=int, default=[256, 512], help="units of both layers")
    parser.add_argument("--streams", type=int, default=256)
    parser.add_argument("--length", type=int, default=1000, help="characters of one stream in a turn")
    parser.add_argument("--steps", type=int, default=64, help="characters of each of many streams in a turn")
    parser.add_argument("--repeats", type=int, default=7, help="turns of each")
    parser.add_argument("--long", metavar="MODEL", help="instead: write 1,000,000 characters, and tell the memory")
    return parser.parse_args()


if __name__ == "__main__":
    main()
