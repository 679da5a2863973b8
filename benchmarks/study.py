"""The shape of Karpathy, Johnson and Fei-Fei's Table 1 (2015): test loss by cell, depth and width, at equal training.

Every network reads the same characters as often, by the project's own recipe for its cell, depth and width. Prints a
Markdown table for each text, and what it says of the study's two findings: that two layers are better than one, and
that LSTM and GRU are clearly better than the RNN.

    python benchmarks/study.py shakespeare kernel --epochs 5
"""

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

CELLS = ("rnn", "lstm", "gru")
Nats = dict[tuple[str, int, int], float]  # by cell, layers and units


def main() -> None:
    """Train every network on every text, and print the tables."""
    options = _options()
    print(f"`{' '.join(['python', *sys.argv])}`\n", flush=True)
    for text in options.texts:
        _table(text, options)


def _table(text: str, options: argparse.Namespace) -> None:
    print(f"Test nats per character on {text}:\n")
    heads = [f"{cell.upper()} {layers}" for cell in CELLS for layers in options.layers]
    print(f"| units | {' | '.join(heads)} |\n|{'---|' * (len(heads) + 1)}")
    nats: Nats = {}
    for units in options.units:
        print(f"| {units} |", end="", flush=True)
        for cell in CELLS:
            for layers in options.layers:
                nats[cell, layers, units] = _test_nats(text, cell, layers, units, options)
                print(f" {nats[cell, layers, units]:.3f} |", end="", flush=True)
        print(flush=True)
    print()
    for finding in _findings(nats, options):
        print(f"- {finding}")
    print(flush=True)


def _findings(nats: Nats, options: argparse.Namespace) -> list[str]:
    """What the figures say: how often, and by how much in the mean."""
    found = []
    if {1, 2} <= set(options.layers):
        for cell in CELLS:
            gains = [nats[cell, 1, units] - nats[cell, 2, units] for units in options.units]
            found.append(_told(f"{cell}: two layers against one", gains))
    for cell in ("lstm", "gru"):
        gains = [nats["rnn", *size] - loss for (other, *size), loss in nats.items() if other == cell]
        found.append(_told(f"{cell} against rnn", gains))
    if {2, 3} <= set(options.layers):
        gains = [loss - nats[cell, 3, units] for (cell, layers, units), loss in nats.items() if layers == 2]
        found.append(_told("three layers against two", gains))
    return found


def _told(what: str, gains: list[float]) -> str:
    better, mean = sum(gain > 0 for gain in gains), sum(gains) / len(gains)
    return f"{what}: better in {better} of {len(gains)}, by {mean:+.3f} nats in the mean"


def _test_nats(text: str, cell: str, layers: int, units: int, options: argparse.Namespace) -> float:
    with tempfile.TemporaryDirectory() as folder:
        line = [
            sys.executable,
            "-m",
            "charrnn",
            "train",
            text,
            "--out",
            str(Path(folder) / "run"),
            "--json",
            "--cell",
            cell,
            "--num-layers",
            str(layers),
            "--hidden-size",
            str(units),
            "--epochs",
            str(options.epochs),
            *options.train,
        ]
        result = json.loads(subprocess.run(line, check=True, capture_output=True).stdout)
    return result["test_nats"]


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("texts", nargs="*", default=["shakespeare", "tolstoy", "kernel"])
    parser.add_argument("--epochs", type=float, default=5, help="readings of the training part (default: 5)")
    parser.add_argument("--layers", nargs="+", type=int, default=[1, 2, 3])
    parser.add_argument("--units", nargs="+", type=int, default=[64, 128, 256])
    parser.add_argument("--train", nargs=argparse.REMAINDER, default=[], help="further options of charrnn train")
    return parser.parse_args()


if __name__ == "__main__":
    main()
