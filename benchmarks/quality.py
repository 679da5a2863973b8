"""How good a model becomes in a given time: `charrnn train` on one text for every cell and depth asked for.

Prints a Markdown table. Each run is a process of its own, one after the other, with the default recipe and split
options as given; what is measured is the command that a user types.

    python benchmarks/quality.py TEXT --minutes 1 --cells lstm gru peephole rnn:tanh rnn:relu --layers 1 2 3 4
"""

import argparse
import json
import platform
import subprocess
import sys
import tempfile
from pathlib import Path

import torch


def main() -> None:
    """Run every combination and print the table."""
    options = _options()
    print(f"{platform.machine()}, {torch.get_num_threads()} threads, torch {torch.__version__}; {' '.join(sys.argv)}\n")
    print("| cell | layers × units | seed | val nats | train nats | steps | characters a second |")
    print("|---|---|---|---|---|---|---|", flush=True)
    for cell in options.cells:
        for layers in options.layers:
            for seed in options.seeds:
                row = _train(options, cell, layers, seed)
                print(
                    f"| {cell} | {layers} × {row['hidden_size']} | {seed} | {row['val_nats']:.4f} | "
                    f"{row['train_nats']:.4f} | {row['steps']:,} | {row['chars_per_second']:,.0f} |",
                    flush=True,
                )


def _train(options: argparse.Namespace, cell: str, layers: int, seed: int) -> dict[str, float]:
    kind, _, nonlinearity = cell.partition(":")
    with tempfile.TemporaryDirectory() as folder:
        run = Path(folder) / "run"
        command = [
            sys.executable,
            "-m",
            "charrnn",
            "train",
            options.text,
            "--out",
            str(run),
            "--json",
            "--minutes",
            str(options.minutes),
            "--val-fraction",
            "0.1",
            "--test-fraction",
            "0",
            "--cell",
            kind,
            "--num-layers",
            str(layers),
            "--seed",
            str(seed),
            *(["--nonlinearity", nonlinearity] if nonlinearity else []),
            *options.train,
        ]
        result: dict[str, float] = json.loads(_output(command))
        model = json.loads(_output([sys.executable, "-m", "charrnn", "info", str(run), "--json"]))
    return {**result, "hidden_size": model["hidden_size"]}


def _output(command: list[str]) -> bytes:
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("text", nargs="?", default="python", help="a file or the named corpus (default: python)")
    parser.add_argument("--minutes", type=float, default=1)
    parser.add_argument("--cells", nargs="+", default=["lstm"], help="lstm, gru, peephole, rnn:tanh, rnn:relu")
    parser.add_argument("--layers", nargs="+", type=int, default=[1])
    parser.add_argument("--seeds", nargs="+", type=int, default=[0])
    parser.add_argument("train", nargs="*", help="after --, further options of charrnn train")
    return parser.parse_intermixed_args()


if __name__ == "__main__":
    main()
