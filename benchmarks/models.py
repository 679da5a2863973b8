"""Make the models that come with charrnn: train each, store it in 8 bits, measure it, card it.

What `make models` runs. A run that was stopped goes on where it stood; one that has ended is only measured again. The
figures in a model's file and card are those of the file as it lies there, as `charrnn score` prints them.

    python benchmarks/models.py shakespeare tolstoy kernel
"""

import argparse
import json
import os
import subprocess
import sys
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import charrnn
from charrnn.model.checkpoint import BEST, Checkpoint, bits, load, save
from charrnn.model.shipped import SHIPPED
from charrnn.neurons.finding import Finding

CHECKPOINTS = Path(__file__).parents[1] / "checkpoints"
CARDS = CHECKPOINTS / "README.md"
MACHINE = "machine.txt"  # in a run's folder
_TWO_LAYERS = (
    "--num-layers 2 --hidden-size 768 --embedding-size 0 --batch-size 128 --seq-length 128 --learning-rate 0.0022"
)
_AGAIN = "--steps 500 --batch-size 32 --seq-length 128 --learning-rate 0.0003 --weight-decay 0.02 --seed 1"
RECIPES = {  # one training after the other, each from the model of the one before
    "shakespeare": (
        "--steps 4900 --hidden-size 1024 --embedding-size 256 --dropout 0.55 --weight-dropout 0.4 --weight-decay 0.1 "
        "--batch-size 128 --seq-length 64 --learning-rate 0.003 --seed 1",
    ),
    "tolstoy": (
        f"--steps 6000 {_TWO_LAYERS} --dropout 0.4 --weight-dropout 0.25 --weight-decay 0.02 --seed 1",
        f"{_AGAIN} --dropout 0.4 --weight-dropout 0.25",
    ),
    "kernel": (
        f"--steps 7500 {_TWO_LAYERS} --dropout 0.35 --weight-dropout 0.2 --weight-decay 0.02 --seed 1",
        f"{_AGAIN} --dropout 0.35 --weight-dropout 0.2",
    ),
}
SEARCHED = {"tolstoy": {"val": ("inside_quotes",)}}  # features, beside all on the test part, which is an essay
CHOSEN = {"tolstoy": {"inside_quotes": "1:504"}}  # of two candidates as good, the one that is clear on one sentence
LIMITS = {
    "shakespeare": "It knows plays alone, in one edition's layout. A megabyte is little: after some ten readings it "
    "learns by heart. It invents words, and loses the thread within a line or two.",
    "tolstoy": "It knows one translation, wrapped at some 70 columns: what it writes breaks its lines there too. "
    "The test part is the end of the second epilogue, an essay with little dialogue, which is why it is harder.",
    "kernel": "It knows the larger files of four folders of one release. It writes C that looks right and does not "
    "compile: it uses names that it never declared. How well a file is predicted differs much from file to file.",
}


@dataclass(frozen=True)
class Measured:
    """A model as it is shipped, and its losses in nats per character, by part: its own, and the best n-gram's."""

    name: str
    path: Path
    checkpoint: Checkpoint
    exact: dict[str, float]  # before its weights were rounded to 8 bits
    nats: dict[str, float]
    dynamic: float  # on the test part, as it goes on learning from what it has read
    ngram: dict[str, tuple[int, float]]  # n, nats
    machine: str  # that it was trained on


def main() -> None:
    """Make the models that are asked for, and write the cards of all that are there."""
    options = _options()
    for name in options.names:
        _make(name, options.runs / f"{name}-model")
    rows = [_measured(name, options.runs / f"{name}-model") for name in SHIPPED if _path(name).is_file()]
    CARDS.write_text(_HEAD + "\n".join(_card(row) for row in rows), encoding="utf-8")
    print(f"wrote {CARDS}")


def commands(name: str) -> list[str]:
    """Return the commands that train a model, each but the first with --init-from the model of the one before."""
    return [f"charrnn train {name} {recipe}" for recipe in RECIPES[name]]


def _make(name: str, run: Path) -> None:
    """Train, or go on, or find the runs ended; then write the model's file, with the figures of its rounded weights."""
    before: list[str] = []
    for number, line in enumerate(commands(name), 1):
        stage = run if number == len(RECIPES[name]) else run.with_name(f"{run.name}-{number}")
        began = ["--resume", str(stage)] if stage.exists() else [*line.split()[2:], *before, "--out", str(stage)]
        subprocess.run([sys.executable, "-m", "charrnn", "train", *began], check=True)
        before = ["--init-from", str(stage)]
    if not (run / MACHINE).is_file():
        (run / MACHINE).write_text(_machine(), encoding="utf-8")
    path, trained = _path(name), load(run / BEST)
    save(trained, path, "int8")
    nats = {part: _score(path, name, part)["nats_per_character"] for part in ("val", "test")}
    figures = replace(trained.header.figures, val_nats=nats["val"], test_nats=nats["test"])
    save(replace(trained, header=replace(trained.header, figures=figures)), path, "int8")
    _keep_units(name, path)


def _keep_units(name: str, path: Path) -> None:
    """Find what single units follow, on text that the model was not trained on, and keep that in its file."""
    model = charrnn.load(path)
    for part, features in {"test": (), **SEARCHED.get(name, {})}.items():
        found = model.find(model.read(name, part=part), features)
        model.keep(replace(found, findings=tuple(_chosen(name, each) for each in found.findings)))
    model.save(path, "int8")


def _chosen(name: str, found: Finding) -> Finding:
    unit = CHOSEN.get(name, {}).get(found.feature)
    other = next((each for each in found.candidates if str(each.unit) == unit), None)
    if other is None:
        return found
    return replace(found, unit=other.unit, signal=other.signal, sign=other.sign, score=other.report)


def _measured(name: str, run: Path) -> Measured:
    path = _path(name)
    scores = {part: _score(path, name, part, "--baseline") for part in ("val", "test")}
    best = {part: min(score["baselines"], key=lambda row: row["nats_per_character"]) for part, score in scores.items()}
    return Measured(
        name,
        path,
        load(path),
        {part: _score(run / BEST, name, part)["nats_per_character"] for part in scores},
        {part: score["nats_per_character"] for part, score in scores.items()},
        _score(path, name, "test", "--dynamic")["dynamic"]["nats_per_character"],
        {part: (row["order"], row["nats_per_character"]) for part, row in best.items()},
        (run / MACHINE).read_text(encoding="utf-8"),
    )


def _card(row: Measured) -> str:
    header, model = row.checkpoint.header, row.checkpoint.config
    corpus = header.corpus
    size = row.path.stat().st_size / 1e6
    mean = sum(row.nats.values()) / len(row.nats)
    cost = max(abs(row.nats[part] - row.exact[part]) for part in row.nats)
    units = ", ".join(
        f"`{each.feature}` {each.unit} ({each.metric} {each.score:.3f}, {each.part} part)"
        for each in header.known_units
    )
    training = ", then, from its weights, ".join(f"`{line}`" for line in commands(row.name))
    losses = "".join(
        f"| {part} | {corpus.split[part]:,} | {nats:.4f} | {bits(nats):.4f} "
        f"| {row.ngram[part][1]:.4f} (n = {row.ngram[part][0]}) |\n"
        for part, nats in row.nats.items()
    )
    return f"""
## {row.name}

- Data: the corpus [{corpus.name}]({corpus.source}), {corpus.characters:,} characters, {corpus.licence}; trained on the
  first {corpus.split["train"]:,}, then come the validation part and the test part.
- Network: {model.cell}, {model.num_layers} × {model.hidden_size} units, {model.parameters:,} parameters, {size:.1f} MB.
- Training: {training} ({row.machine}).
- Known units: {units or "none that alone follows a feature better than all its controls"}.
- Limits: {LIMITS[row.name]}
- Licence: that of charrnn for the weights; the text is {corpus.licence}.

| part | characters | nats per character | bits | best n-gram (Kneser–Ney), nats |
|---|---|---|---|---|
{losses}
Mean of both parts: {mean:.4f} nats; learning as it reads (`--dynamic`), {row.dynamic:.4f} on the test part. Storing
the weights in 8 bits changes these by {cost:.1g} nats at most.
"""


def _machine() -> str:
    with open("/proc/cpuinfo") as file:
        processor = next((line.partition(":")[2].strip() for line in file if line.startswith("model name")), "unknown")
    return f"{processor}, {os.cpu_count()} cores, torch {version('torch')}"


def _score(model: Path, name: str, part: str, *options: str) -> dict[str, Any]:
    line = [sys.executable, "-m", "charrnn", "score", str(model), name, "--part", part, "--json", *options]
    return json.loads(subprocess.run(line, check=True, stdout=subprocess.PIPE).stdout)


def _path(name: str) -> Path:
    return CHECKPOINTS / f"{name}.safetensors"


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", default=SHIPPED, help=f"default: {' '.join(SHIPPED)}")
    parser.add_argument("--runs", type=Path, default=CHECKPOINTS, help="where the run folders are")
    options = parser.parse_args()
    if unknown := set(options.names) - set(SHIPPED):
        parser.error(f"no recipe for {', '.join(sorted(unknown))}")
    return options


_HEAD = """# Runs, and the models that come with charrnn

`charrnn train` puts its runs here: a folder each, with `best.safetensors` (lowest validation loss), `last.safetensors`,
`log.jsonl`, `samples.jsonl` and `loss.png`. They are not under version control. The three files here are: they install
with the package and are found by name, as in `charrnn sample tolstoy`. `make models` made them and this page; each
command goes on where it was stopped. Losses are of the corpus's own validation and test part, which the model was not
trained on, as `charrnn score NAME NAME --part val` prints them, with `--dynamic` and `--baseline`. The first training
of the two-layer models was by a version whose streams never began anew (see [training](../docs/training.md)); the
second mended that.
"""


if __name__ == "__main__":
    main()
