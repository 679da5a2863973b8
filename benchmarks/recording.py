"""How fast the values of all units are recorded, against the loop that one writes by hand, in one run.

The loop takes nn.LSTM through a text character by character, as one float32 stream, and keeps h and c of every layer.
Ours records h and tanh(c) of every unit: as one float32 stream, as a highlight does, and as many readers in the number
format that is the default, as `charrnn neurons find` does. All take turns, so that a busy moment of the machine meets
all, and each figure is the median of its turns; where others use the machine, characters a second of processor time say
more. With --long, a text is first recorded once, into a file, with three layers: 1,536 units. The networks have their
first weights: how fast one records does not depend on them.

    python benchmarks/recording.py --threads 1 2
"""

import argparse
import platform
import resource
import statistics
import sys
from collections.abc import Callable
from time import perf_counter, process_time, sleep

import numpy as np
import torch
from torch import nn

from charrnn.model.config import ModelConfig
from charrnn.model.devices import choose_precision
from charrnn.model.network import CharRNN
from charrnn.neurons.columns import recorded_columns
from charrnn.neurons.recording import record_pieces

V, H = 100, 512
SIGNALS = ["h", "tanh_c"]
PAUSE = 0.3  # seconds between turns: torch's threads go on spinning for a while, on a core that the next may want


def main() -> None:
    """Measure each way with each number of threads, then the long text, and print the tables."""
    options = _options()
    number = choose_precision(None, torch.device("cpu"))
    name = str(number).removeprefix("torch.")
    print(f"{platform.machine()}, torch {torch.__version__}; {' '.join(sys.argv)}\n")
    if options.long:  # first, for the peak of memory is the whole process's
        torch.set_num_threads(max(options.threads))
        _long(number, options.long)
    print(f"| threads | what, at 2 × {H} | characters a second | of processor time | ratio |")
    print("|---|---|---|---|---|", flush=True)
    for threads in options.threads:
        torch.set_num_threads(threads)
        _table(threads, name, _speeds(_ways(number, options.length), options.repeats))


def _ways(number: torch.dtype, length: int) -> dict[str, tuple[int, Callable[[int], object]]]:
    model = _model(2)

    def ours(precision: torch.dtype, readers: int | None) -> Callable[[int], object]:
        return lambda n: [None for _ in record_pieces(model, _ids(n), SIGNALS, precision, readers)]

    return {
        "plain": (length // 200, _plain()),
        "one stream": (length // 10, ours(torch.float32, 1)),
        "many": (length, ours(number, None)),
    }


def _speeds(ways: dict[str, tuple[int, Callable[[int], object]]], repeats: int) -> dict[str, tuple[float, float]]:
    """Characters a second by the clock, and of the processor's time."""
    speeds: dict[str, list[tuple[float, float]]] = {name: [] for name in ways}
    for _ in range(repeats):
        for name, (length, read) in ways.items():
            sleep(PAUSE)
            clock, processor = perf_counter(), process_time()
            read(length)
            speeds[name].append((length / (perf_counter() - clock), length / (process_time() - processor)))
    return {name: tuple(map(statistics.median, zip(*each, strict=True))) for name, each in speeds.items()}


def _table(threads: int, name: str, speeds: dict[str, tuple[float, float]]) -> None:
    titles = {
        "plain": "the loop by hand, one stream, float32",
        "one stream": "charrnn, one stream, float32",
        "many": f"charrnn, many readers, {name}",
    }
    for way, (clock, processor) in speeds.items():
        ratio = clock / speeds["plain"][0]
        print(f"| {threads} | {titles[way]} | {clock:,.0f} | {processor:,.0f} | {ratio:.0f} |", flush=True)


def _plain() -> Callable[[int], None]:
    embedding, lstm = nn.Embedding(V, H), nn.LSTM(H, H, num_layers=2, batch_first=True)

    @torch.no_grad()
    def read(length: int) -> None:
        state, kept = None, []
        for index in torch.from_numpy(_ids(length)).long()[:, None, None].unbind(0):
            _, state = lstm(embedding(index), state)
            kept.append(torch.stack(state))
        torch.stack(kept)

    return read


def _long(number: torch.dtype, characters: int) -> None:
    model, ids = _model(3), _ids(characters)
    before = _peak()
    begun = perf_counter()
    with recorded_columns(model, ids, SIGNALS, number) as columns:
        seconds = perf_counter() - begun
        print(
            f"{characters:,} characters of 3 × {H} units, {len(columns.values):,} values each, with "
            f"{torch.get_num_threads()} threads: {seconds:.0f} s, {characters / seconds:,.0f} characters a second, "
            f"peak memory {_peak() - before:,.0f} MB above what the model takes\n"
        )


def _peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1e6 if sys.platform == "darwin" else 1e3)


def _model(layers: int) -> CharRNN:
    config = ModelConfig(V, num_layers=layers, hidden_size=H, embedding_size=0)
    return CharRNN(config, torch.Generator().manual_seed(0)).eval()


def _ids(length: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, V, length).astype(np.uint8)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--threads", nargs="+", type=int, default=[1, 2])
    parser.add_argument("--length", type=int, default=100_000, help="characters that many readers read in a turn")
    parser.add_argument("--repeats", type=int, default=5, help="turns of each")
    parser.add_argument("--long", type=int, default=0, metavar="N", help="first record so many characters once")
    return parser.parse_args()


if __name__ == "__main__":
    main()
