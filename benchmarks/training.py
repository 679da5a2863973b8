"""How fast a training step is, against the plain float32 loop that one would write by hand around torch's own layers.

Both train on the same random characters, in processes of their own that take turns; the middle one of the rounds
counts. Both get the thread settings of the command line, so that a busy machine slows both alike. Prints a Markdown
table; its last column is how fast the step is in parts of what the matrix products alone would allow, forward and
backward, at the rate that one large product reaches here in the number format that charrnn chose.

    python benchmarks/training.py lstm:2x256 lstm:2x512 gru:2x256 gru:2x512 rnn:2x256 peephole:2x256
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
from collections.abc import Iterator
from itertools import pairwise
from time import perf_counter
from typing import Any

import numpy as np

GATES = {"rnn": 1, "gru": 3, "lstm": 4, "peephole": 4}
VOCABULARY = 65  # Tiny Shakespeare's
WARM_UP = 3  # steps
NETWORKS = ["lstm:2x256", "lstm:2x512", "gru:2x256", "gru:2x512", "rnn:2x256", "rnn:2x512", "peephole:2x256"]


def main() -> None:
    """Take turns, and print the table."""
    options = _options()
    if options.measure:
        print(json.dumps(_measure(options)))
        return
    print(f"{_machine()}; `python {' '.join(sys.argv)}`\n")
    print("| network | plain loop, characters a second | charrnn | ratio | products alone |")
    print("|---|---|---|---|---|", flush=True)
    for network in options.networks:
        rounds = [[_in_process(options, network, who) for who in ("plain", "charrnn")] for _ in range(options.rounds)]
        plain, ours = (statistics.median(row[who]["speed"] for row in rounds) for who in (0, 1))
        share = ours / statistics.median(row[1]["bound"] for row in rounds)
        print(f"| {network} | {plain:,.0f} | {ours:,.0f} | {ours / plain:.2f} | {share:.0%} |", flush=True)


def _in_process(options: argparse.Namespace, network: str, who: str) -> dict[str, float]:
    sizes = ["--batch-size", str(options.batch_size), "--seq-length", str(options.seq_length)]
    command = [sys.executable, __file__, network, "--measure", who, "--seconds", str(options.seconds), *sizes]
    environment = {"GOMP_SPINCOUNT": "20000", **os.environ}
    return json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, env=environment).stdout)


def _measure(options: argparse.Namespace) -> dict[str, float]:
    """Characters a second of one of the two loops: the middle step's."""
    cell, _, size = options.networks[0].partition(":")
    layers, hidden = map(int, size.split("x"))
    steps = {"plain": plain_steps, "charrnn": charrnn_steps}[options.measure]
    ids = np.random.default_rng(0).integers(0, VOCABULARY, 4_000_000).astype(np.uint8)
    times, begun = [], perf_counter()
    for _ in steps(cell, layers, hidden, ids, options.batch_size, options.seq_length):
        times.append(perf_counter())
        if times[-1] - begun > options.seconds and len(times) > WARM_UP + 2:
            break
    step = statistics.median(b - a for a, b in pairwise(times[WARM_UP:]))
    operations = 12 * GATES[cell] * hidden**2 * layers  # 2 products of H×H a gate, 2 operations each, 3 times
    bound = _large_product() / operations if options.measure == "charrnn" else 0.0
    return {"speed": options.batch_size * options.seq_length / step, "bound": bound}


def plain_steps(cell: str, layers: int, hidden: int, ids: Any, batch: int, length: int) -> Iterator[None]:
    """Train as one would by hand; yield after each step. Torch has no peephole LSTM: the plain one stands in."""
    import torch
    from torch import nn

    kind = {"rnn": nn.RNN, "gru": nn.GRU, "lstm": nn.LSTM, "peephole": nn.LSTM}[cell]
    embedding, recurrent = nn.Embedding(VOCABULARY, hidden), kind(hidden, hidden, layers, batch_first=True)
    model = nn.ModuleList([embedding, recurrent, nn.Linear(hidden, VOCABULARY)])
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
    streams = torch.from_numpy(ids.astype(np.int64))[: len(ids) // batch * batch].view(batch, -1)
    state: Any = None
    for start in range(0, streams.shape[1] - length - 1, length):
        window = streams[:, start : start + length + 1]
        if state is not None:
            state = tuple(s.detach() for s in state) if isinstance(state, tuple) else state.detach()
        h, state = recurrent(embedding(window[:, :-1]), state)
        loss = nn.functional.cross_entropy(model[2](h).flatten(0, 1), window[:, 1:].flatten())
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 5.0)
        optimizer.step()
        loss.item()
        yield


def charrnn_steps(cell: str, layers: int, hidden: int, ids: Any, batch: int, length: int) -> Iterator[None]:
    """Train as charrnn does, on its own thread of control; yield after each step."""
    import torch

    from charrnn.model.config import ModelConfig
    from charrnn.model.devices import choose_precision
    from charrnn.model.network import CharRNN
    from charrnn.text.corpus import Corpus
    from charrnn.text.vocabulary import Vocabulary
    from charrnn.training.config import TrainingConfig
    from charrnn.training.trainer import Trainer

    config = ModelConfig(VOCABULARY, cell=cell, num_layers=layers, hidden_size=hidden, embedding_size=hidden)
    corpus = Corpus("random", "", "", Vocabulary(map(chr, range(VOCABULARY))), {"train": ids})
    training = TrainingConfig(batch_size=batch, seq_length=length, steps=10**9)
    trainer = Trainer(CharRNN(config), corpus, training, choose_precision(None, torch.device("cpu")))
    while True:  # one step a turn: `stop` is asked after each
        for _ in trainer.run(stop=lambda: True):
            pass
        yield


def _large_product() -> float:
    """Floating-point operations a second of one large product, in the number format that charrnn chose."""
    import torch

    from charrnn.model.devices import choose_precision

    number, size = choose_precision(None, torch.device("cpu")), 2048
    a, b = (torch.randn(size, size).to(number) for _ in range(2))
    times = []
    for _ in range(7):
        begun = perf_counter()
        a @ b
        times.append(perf_counter() - begun)
    return 2 * size**3 / statistics.median(times)


def _machine() -> str:
    import torch

    with open("/proc/cpuinfo") as file:
        model = next((line.partition(":")[2].strip() for line in file if line.startswith("model name")), "CPU")
    return f"{model}, {torch.get_num_threads()} threads, torch {torch.__version__}"


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("networks", nargs="*", default=NETWORKS, metavar="CELL:LxH", help="default: %(default)s")
    parser.add_argument("--batch-size", type=int, default=128)
    parser.add_argument("--seq-length", type=int, default=64)
    parser.add_argument("--seconds", type=float, default=6, help="of each loop in each round")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--measure", choices=["plain", "charrnn"], help=argparse.SUPPRESS)
    return parser.parse_args()


if __name__ == "__main__":
    main()
