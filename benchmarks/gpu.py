"""What training, writing and learning take on an NVIDIA GPU, in one call of some five minutes.

Prints Markdown: a window of cuDNN's own layers, forward and backward, in each number format, and charrnn's whole step
beside them; many streams of `sample`; how good a model is after 20 and 60 seconds of the default recipe; and how many
tests pass there with warnings as errors. Medians, on a card that does nothing else.

    python benchmarks/gpu.py                        # all of it
    python benchmarks/gpu.py steps streams          # parts: steps, streams, quality, tests
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
import torch
from torch import nn

from charrnn.model.config import ModelConfig
from charrnn.model.network import CharRNN, stepped_on
from charrnn.sampling.distribution import SamplingConfig
from charrnn.sampling.sampler import Sampler
from charrnn.text.corpus import Streams
from charrnn.text.vocabulary import Vocabulary
from charrnn.training.config import TrainingConfig
from charrnn.training.feed import Feed
from charrnn.training.group import Group
from charrnn.training.learner import Learner

V, E = 65, 256  # Tiny Shakespeare's characters, and the recipe's embedding
GPU = torch.device("cuda")
FORMATS = {"TF32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}
SHAPES = [  # cell, layers, units, batch, window
    ("lstm", 1, 1024, 128, 64),
    ("lstm", 1, 2048, 128, 64),
    ("lstm", 2, 1024, 256, 128),
    ("lstm", 2, 512, 128, 64),
    ("lstm", 2, 256, 128, 64),
    ("lstm", 1, 768, 128, 64),
    ("lstm", 1, 512, 128, 64),
    ("gru", 1, 1024, 128, 64),
    ("gru", 1, 512, 128, 64),
    ("rnn", 1, 1024, 128, 64),
    ("peephole", 1, 512, 128, 32),
]
WARM_UP, STEPS = 8, 40
BUDGETS = (1 / 3, 1.0)  # minutes
PARTS = ("steps", "streams", "quality", "tests")


def main() -> None:
    """Run the parts that are asked for."""
    options = _options()
    print(f"{torch.cuda.get_device_name()}, torch {torch.__version__}; `python {' '.join(sys.argv)}`\n", flush=True)
    for name, part in zip(PARTS, (_steps, _streams, _quality, _tests), strict=True):
        if name in options.parts:
            part(options)


def _steps(options: argparse.Namespace) -> None:
    cudnn = " | ".join(f"cuDNN {name}, ms" for name in FORMATS)
    print(f"| network | batch × window | {cudnn} | charrnn's step, ms | to the best |")
    print("|---|---|---|---|---|---|---|", flush=True)
    for cell, layers, units, batch, window in SHAPES:
        of_cudnn = [_cudnn(cell, layers, units, batch, window, number) for number in FORMATS.values()]
        ours = _step(cell, layers, units, batch, window)
        shown = " | ".join("" if ms is None else f"{ms:.2f}" for ms in of_cudnn)
        known = [ms for ms in of_cudnn if ms is not None]
        ratio = f"{ours / min(known):.2f}" if known else ""
        print(f"| {cell} {layers}×{units} | {batch} × {window} | {shown} | {ours:.2f} | {ratio} |", flush=True)


def _cudnn(cell: str, layers: int, units: int, batch: int, window: int, number: torch.dtype) -> float | None:
    """Milliseconds of torch's own layers, forward and backward, with weights that lie as cuDNN wants them."""
    kind = {"rnn": nn.RNN, "gru": nn.GRU, "lstm": nn.LSTM}.get(cell)
    if kind is None:
        return None
    network = kind(E, units, layers, batch_first=True).to(GPU, number)
    network.flatten_parameters()
    x = torch.randn(batch, window, E, device=GPU, dtype=number)

    def step() -> None:
        network.zero_grad()
        network(x)[0].sum().backward()

    with warnings.catch_warnings():  # torch does not lay bfloat16 weights as cuDNN wants them
        warnings.filterwarnings("ignore", "RNN module weights")
        return _milliseconds(step)


def _step(cell: str, layers: int, units: int, batch: int, window: int) -> float:
    """Milliseconds of charrnn's whole step: a batch cut out, forward, loss, backward, clipping, AdamW."""
    config = ModelConfig(V, cell=cell, num_layers=layers, hidden_size=units, embedding_size=E, dropout=0.5)
    ids = np.random.default_rng(0).integers(0, V, 4_000_000).astype(np.uint8)
    learner = Learner(
        CharRNN(config).to(GPU),
        TrainingConfig(batch_size=batch, seq_length=window, steps=1),
        torch.bfloat16,
        Group(device=GPU),
    )
    batches = Feed(Streams.over(ids, batch, window), GPU).batches()
    milliseconds = _milliseconds(lambda: learner.learn(next(batches), 1e-4))
    if learner.notes:
        print(learner.notes[0], file=sys.stderr)
    return milliseconds


def _milliseconds(step: Callable[[], object]) -> float:
    """The median of single steps, each between two marks among the GPU's orders."""
    marks = []
    for number in range(WARM_UP + STEPS):
        if number == WARM_UP:
            torch.cuda.synchronize()
        if number >= WARM_UP:
            marks.append(_mark())
        step()
    marks.append(_mark())
    torch.cuda.synchronize()
    return statistics.median(a.elapsed_time(b) for a, b in pairwise(marks))


def _mark() -> Any:
    mark = torch.cuda.Event(enable_timing=True)
    mark.record()
    return mark


def _streams(options: argparse.Namespace) -> None:
    print("\n| streams | layers × units | number | characters a second |\n|---|---|---|---|", flush=True)
    for streams, units in ((256, 608), (256, 1024), (1024, 608)):
        for number in (torch.float32, torch.bfloat16):
            config = ModelConfig(V, hidden_size=units, embedding_size=E)
            network = stepped_on(config, CharRNN(config).weights(), GPU, number)
            sampler = Sampler(network, Vocabulary(map(chr, range(V))), SamplingConfig())
            for length in (200, 4000):  # the first warms up
                begun = perf_counter()
                written = sum(ids.size for ids, _ in sampler.draw_many(length, "", range(streams)))
                seconds = perf_counter() - begun
            name = str(number).removeprefix("torch.")
            print(f"| {streams} | 1 × {units} | {name} | {written / seconds:,.0f} |", flush=True)


def _quality(options: argparse.Namespace) -> None:
    print("\n| seconds | seed | units | val nats | best val | steps | characters a second |")
    print("|---|---|---|---|---|---|---|", flush=True)
    for minutes in BUDGETS:
        for seed in range(options.seeds):
            row = _trained(options.text, minutes, seed)
            print(
                f"| {60 * minutes:.0f} | {seed} | {row['hidden_size']} | {row['last']:.4f} | {row['best']:.4f} | "
                f"{row['steps']:,} | {row['chars_per_second']:,.0f} |",
                flush=True,
            )


def _trained(text: str, minutes: float, seed: int) -> dict[str, Any]:
    """What `charrnn train` makes of the first nine tenths of a text, by the default recipe."""
    with tempfile.TemporaryDirectory() as folder:
        run = Path(folder) / "run"
        split = ["--val-fraction", "0.1", "--test-fraction", "0"]
        command = ["train", text, "--out", str(run), "--json", "--minutes", str(minutes), "--seed", str(seed), *split]
        trained = _charrnn(command)
        model = _charrnn(["info", str(run), "--json"])
        log = [json.loads(line) for line in (run / "log.jsonl").read_text().splitlines()]
    measured = [line["val_nats"] for line in log if line.get("val_nats") is not None]
    return {**trained, "hidden_size": model["hidden_size"], "last": measured[-1], "best": min(measured)}


def _charrnn(arguments: list[str]) -> dict[str, Any]:
    command = [sys.executable, "-m", "charrnn", *arguments]
    return json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout)


def _tests(options: argparse.Namespace) -> None:
    command = [sys.executable, "-m", "pytest", "-q", "-W", "error", "--numprocesses", "8", *options.pytest]
    told = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False).stdout
    print("\n" + "\n".join(line for line in told.splitlines() if line.startswith(("FAILED", "ERROR"))))
    print(f"`{' '.join(command[1:])}`: {told.splitlines()[-1]}", flush=True)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", default=PARTS, help=f"default: {' '.join(PARTS)}")
    parser.add_argument(
        "--text", default="shakespeare", help="a file or named corpus for `quality` (default: %(default)s)"
    )
    parser.add_argument("--seeds", type=int, default=1, help="trainings for each time of `quality`")
    parser.add_argument(
        "--pytest", nargs="*", default=["tests/model", "tests/training", "tests/sampling", "tests/neurons", "tests/api"]
    )
    options = parser.parse_intermixed_args()
    if unknown := set(options.parts) - set(PARTS):
        parser.error(f"there is no part {', '.join(sorted(unknown))}; there are {', '.join(PARTS)}")
    return options


if __name__ == "__main__":
    main()
