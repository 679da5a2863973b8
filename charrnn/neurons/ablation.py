"""What it costs a model to do without a unit, held at its mean, beside what random units of like variance cost."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from charrnn.errors import ConfigError, counted
from charrnn.model.clamping import Clamp
from charrnn.model.network import CharRNN
from charrnn.model.units import Unit
from charrnn.neurons.intervention import held_nats
from charrnn.neurons.recording import record_pieces

Floats = npt.NDArray[Any]
CONTROLS = 20  # random units
BLOCKS, RESAMPLES = 100, 1000  # of the bootstrap


@dataclass(frozen=True)
class Effect:
    """The loss over some characters, in nats per character, with the unit free and held."""

    characters: int
    free: float
    held: float
    difference: float
    low: float  # the difference's 95 % interval
    high: float
    random_mean: float | None  # the difference that holding a random unit makes; None where there is none
    random_high: float | None  # the largest of them
    p_value: float  # the share of units, of the random ones and this one, that cost as much

    @property
    def tells(self) -> bool:
        """Whether to hold the unit costs something, and more than to hold any of the random ones."""
        return self.low > 0 and self.random_high is not None and self.difference > self.random_high


@dataclass(frozen=True)
class Ablation:
    """A unit held at the mean of its hidden state, and the effect over all characters and, of a feature, in places."""

    unit: Unit
    held_at: float
    controls: tuple[Unit, ...]
    effects: dict[str, Effect]  # "all"; "inside", "outside" and "closing" of a feature


def ablate(
    model: CharRNN,
    ids: npt.NDArray[np.integer],
    unit: Unit,
    labels: Floats | None,
    random: np.random.Generator,
    on_read: Callable[[int], object] = lambda characters: None,
    count: int = CONTROLS,
) -> Ablation:
    """Hold a unit at its mean while the text, ids [N], is scored; labels [N] are a feature's, 0, 1 or NaN.

    As many random units as `count` says are held in the same way, or all others of the layer where it has no more.

    Raises:
        ConfigError: the text has no character to predict.
    """
    if len(ids) < 2:
        raise ConfigError(f"the text has {counted(len(ids), 'character')} that the model knows", "give two or more")
    mean, deviation = _moments(model, ids)
    controls = _like(unit, deviation, random)[:count]
    clamps = [Clamp(u.layer, u.index, float(mean[u.layer, u.index])) for u in (unit, *controls)]
    nats = held_nats(model, ids, [None, *clamps], on_read)
    places = {"all": np.ones(len(ids) - 1, np.bool_)} | ({} if labels is None else _places(labels))
    effects = {name: _effect(nats, where, random) for name, where in places.items() if where.any()}
    return Ablation(unit, clamps[0].value, tuple(controls), effects)


def _places(labels: Floats) -> dict[str, npt.NDArray[np.bool_]]:
    """Where a prediction is made: with the feature on, off, or on with a next character that switches it off."""
    before, predicted = labels[:-1], labels[1:]
    return {"inside": before == 1, "outside": before == 0, "closing": (before == 1) & (predicted == 0)}


def _moments(model: CharRNN, ids: npt.NDArray[np.integer]) -> tuple[Floats, Floats]:
    """The mean and standard deviation of every unit's hidden state over a text, each [L, H]."""
    sums, squares = np.zeros(2, object)
    for piece in record_pieces(model, ids, ["h"]):
        h = piece.signals["h"].double().cpu().numpy()
        sums, squares = sums + h.sum(1), squares + (h**2).sum(1)
    mean = sums / len(ids)
    return mean, np.sqrt(np.maximum(0, squares / len(ids) - mean**2))


def _like(unit: Unit, deviation: Floats, random: np.random.Generator) -> list[Unit]:
    """Draw CONTROLS units of the same layer among the twice as many whose standard deviation is nearest."""
    layer = deviation[unit.layer]
    nearest = np.argsort(np.abs(np.log((layer + 1e-9) / (layer[unit.index] + 1e-9))), kind="stable")
    others = nearest[nearest != unit.index][: 2 * CONTROLS]
    return [Unit(unit.layer, int(index)) for index in random.permutation(others)[:CONTROLS]]


def _effect(nats: Floats, where: npt.NDArray[np.bool_], random: np.random.Generator) -> Effect:
    """The effect over some characters of nats [K, N − 1]: all free, then the unit held, then each control."""
    means = nats[:, where].mean(1, dtype=np.float64)
    differences = means[1:] - means[0]
    low, high = _interval(nats[1] - nats[0], where, random)
    controls: Sequence[float] = differences[1:]
    return Effect(
        characters=int(where.sum()),
        free=float(means[0]),
        held=float(means[1]),
        difference=float(differences[0]),
        low=low,
        high=high,
        random_mean=float(np.mean(controls)) if len(controls) else None,
        random_high=float(np.max(controls)) if len(controls) else None,
        p_value=float((differences >= differences[0]).mean()),
    )


def _interval(differences: Floats, where: npt.NDArray[np.bool_], random: np.random.Generator) -> tuple[float, float]:
    """The block bootstrap's 95 % interval of the mean of some of the differences [N − 1]."""
    cuts = np.linspace(0, len(where), min(BLOCKS, len(where)) + 1).astype(int)[:-1]
    sums = np.add.reduceat(np.where(where, differences, 0).astype(np.float64), cuts)
    counts = np.add.reduceat(where.astype(np.float64), cuts)
    drawn = random.multinomial(len(cuts), np.full(len(cuts), 1 / len(cuts)), RESAMPLES)
    means = (drawn @ sums) / np.maximum(1, drawn @ counts)
    low, high = np.percentile(means[drawn @ counts > 0], [2.5, 97.5])
    return float(low), float(high)
