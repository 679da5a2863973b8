"""How often `neurons find` and `neurons ablate` name what is not there, and how often their intervals cover.

Four questions, each a row of the table, or several:

1. *Unrelated labels.* The features of one place of a text, held against what a trained model's units do at another.
2. *Untrained networks*, of other seeds than the control's, searched with all features of a text.
3. *Coverage.* A fixed unit's interval on each of some pieces of a text: does it hold the unit's score on all others?
4. *Ablation* of random units of a trained model: how many are named as costing more than the controls?

    python benchmarks/calibration.py                        # some forty minutes of one core
    python benchmarks/calibration.py --only unrelated --models shakespeare --offsets 4
"""

import argparse
import math
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cache

import numpy as np
import torch

import charrnn
from charrnn.api import Model
from charrnn.api.find import features_wanted, search_units, signals_wanted
from charrnn.api.passage import Passage
from charrnn.feedback import SILENT
from charrnn.model.config import ModelConfig
from charrnn.model.devices import PRECISIONS, choose_precision, name_of
from charrnn.model.network import CharRNN
from charrnn.neurons.choosing import choices
from charrnn.neurons.columns import recorded_columns
from charrnn.neurons.features import Feature
from charrnn.neurons.finding import Finding
from charrnn.neurons.measures import Labels, strength
from charrnn.neurons.resampling import blocks, resampled_strengths
from charrnn.neurons.search import search
from charrnn.neurons.stretches import Stretches
from charrnn.neurons.tasks import task_of

PIECES = 16  # of a text, for the coverage of intervals
VERDICTS = ("single unit", "distributed", "halves disagree", "baseline", "not found")


def main() -> None:
    """Print the rates."""
    options = _options()
    torch.set_num_threads(options.threads)
    parts: dict[str, Callable[[argparse.Namespace], None]] = {
        "unrelated": _unrelated,
        "untrained": _untrained,
        "coverage": _coverage,
        "ablation": _ablation,
    }
    for name in options.only or parts:
        began = time.process_time()
        parts[name](options)
        print(f"{name}: {time.process_time() - began:.0f} s of processor time", flush=True)


_load = cache(charrnn.load)


def _unrelated(options: argparse.Namespace) -> None:
    """Without the untrained network's control, which costs a recording more: the rates with it are no higher."""
    found: Counter[str] = Counter()
    random = np.random.default_rng(0)
    for name in options.models:
        model = _load(name)
        read, elsewhere = model.read(part="test"), model.read(part="train")
        length = min(len(read), options.characters)
        ids, text = read.ids[:length], read.text[:length]
        with recorded_columns(model.network, ids, signals_wanted(None, model.config), options.number) as columns:
            for _ in range(options.offsets):
                begin = int(random.integers(0, len(elsewhere) - length))
                other = elsewhere.text[begin : begin + length]
                found.update(_verdicts(search(columns, ids, text, [_moved(each, other) for each in _features(other)])))
    _tell("unrelated labels", found)


def _moved(feature: Feature, text: str) -> Feature:
    """A feature that takes the values that it has over another text, whatever it is asked about."""
    values = feature.values(text)
    return Feature(feature.name, feature.sentence, feature.binary, lambda asked: _last(values, len(asked)))


def _last(values: np.ndarray, length: int) -> np.ndarray:
    return np.concatenate([np.full(length - len(values), np.nan), values])


def _untrained(options: argparse.Namespace) -> None:
    for cell in options.cells:
        found: Counter[str] = Counter()
        for name in options.models:
            read = _load(name).read(part="test")
            length = min(len(read), options.characters)
            some = _features(read.text[:length])
            for seed in range(options.seeds):
                size = _load(name).config.vocabulary_size
                config = ModelConfig(size, cell=cell, num_layers=2, hidden_size=options.hidden_size, embedding_size=0)
                network = CharRNN(config, torch.Generator().manual_seed(seed)).eval()
                found.update(_verdicts(_searched(network, read, length, some)))
        _tell(f"untrained {cell}, 2 × {options.hidden_size}", found)


def _coverage(options: argparse.Namespace) -> None:
    held = asked = 0
    for name in options.models:
        for own, labels, numbers in _fixed_units(_load(name), options.number, options.covered):
            for piece in range(PIECES):
                here = numbers == piece
                some, rest = labels.where(here), labels.where(~here)
                if np.ptp(some.values) == 0:
                    continue
                over = blocks(some, np.zeros(len(some.values), np.intp), np.random.default_rng(piece))
                low, high = over.interval(strength(own[here], some), resampled_strengths(own[here], some, over))
                held, asked = held + (low <= strength(own[~here], rest) <= high), asked + 1
    print(f"coverage: {_rate(held, asked)} of {asked} intervals of 95 %", flush=True)


def _fixed_units(
    model: Model, number: torch.dtype, characters: int | None
) -> Iterator[tuple[np.ndarray, Labels, np.ndarray]]:
    """For each feature the values of its best unit, its labels, and the number of each place's piece of the text."""
    read = model.read(part="test", characters=characters)
    over = Stretches.over(len(read))
    with recorded_columns(model.network, read.ids, signals_wanted(None, model.config), number) as columns:
        for feature in _features(read.text):
            task = task_of(feature, read.text, read.before, over)
            if task is None:
                continue
            (choice,) = choices(columns, [task])
            labels = task.halves[choice.measured_on]
            own = choice.best.sign * columns.values[choice.best.row, labels.places].astype(np.float32)
            yield own, labels, np.arange(len(own)) * PIECES // len(own)


def _ablation(options: argparse.Namespace) -> None:
    random, named = np.random.default_rng(1), 0
    for number in range(options.ablated):
        name = options.models[number % len(options.models)]
        model = _load(name)
        unit = f"{random.integers(model.config.num_layers)}:{random.integers(model.config.hidden_size)}"
        read = model.read(part="test", characters=options.ablated_characters)
        cost = model.ablate(read, unit, feature=options.inside, seed=number, precision=name_of(options.number))
        named += any(effect.tells for effect in cost.ablation.effects.values())
    print(f"ablation: {_rate(named, options.ablated)} of {options.ablated} random units named", flush=True)


def _features(text: str) -> list[Feature]:
    return features_wanted(text, (), (), None)[0]


def _searched(network: CharRNN, read: Passage, length: int, some: Sequence[Feature]) -> list[Finding | str]:
    signals = signals_wanted(None, network.config)
    text = read.text[:length]
    return search_units(network, read.ids[:length], text, read.before, some, signals, 0, SILENT)


def _verdicts(found: Iterable[Finding | str]) -> Iterator[str]:
    for each in found:
        if isinstance(each, Finding):
            if each.verdict in ("single unit", "distributed"):
                print(
                    f"  {each.feature} {each.unit}: {each.named}, {each.score:.3f}, layer {each.layer_score:.3f}",
                    flush=True,
                )
            yield each.verdict


def _tell(what: str, found: Counter[str]) -> None:
    total = max(1, found.total())
    rates = ", ".join(f"{verdict} {_rate(found[verdict], total)}" for verdict in VERDICTS)
    print(f"{what}, {total} searches: {rates}", flush=True)


def _rate(count: int, total: int) -> str:
    """A count with its rate and the 95 % interval of that (Wilson)."""
    z, n = 1.96, max(1, total)
    centre, spread = count + z**2 / 2, z * math.sqrt(count * (1 - count / n) + z**2 / 4)
    low, high = (100 * (centre + side * spread) / (n + z**2) for side in (-1, 1))
    return f"{count} ({100 * count / n:.1f} %, {max(0, low):.1f} to {min(100, high):.1f})"


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", choices=["unrelated", "untrained", "coverage", "ablation"])
    told = "shipped models or runs, whose own texts are here"
    parser.add_argument("--models", nargs="+", default=["shakespeare", "tolstoy", "kernel"], help=told)
    parser.add_argument("--cells", nargs="+", default=["lstm", "gru", "rnn", "peephole"])
    parser.add_argument("--hidden-size", type=int, default=128)
    parser.add_argument("--characters", type=int, default=50_000, help="of each search (default: 50000)")
    parser.add_argument("--seeds", type=int, default=2, help="untrained networks of each cell and text")
    parser.add_argument("--offsets", type=int, default=3, help="places that unrelated labels are from")
    parser.add_argument("--ablated", type=int, default=40, help="random units")
    parser.add_argument("--ablated-characters", type=int, default=4000, help="over which they are ablated")
    parser.add_argument("--inside", default="after_space", help="the feature inside which units are ablated")
    parser.add_argument(
        "--covered", type=int, help="characters whose pieces are looked at (default: all of the test part)"
    )
    parser.add_argument("--precision", choices=PRECISIONS, help="default: bfloat16 where the hardware has it")
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    options.number = choose_precision(options.precision, torch.device("cpu"))
    return options


if __name__ == "__main__":
    main()
