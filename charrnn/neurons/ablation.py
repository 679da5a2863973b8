"""What it costs a model to do without a unit, beside what it costs to do without random units that weigh as much."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from charrnn.errors import ConfigError, counted
from charrnn.model.clamping import Clamp
from charrnn.model.network import CharRNN
from charrnn.model.units import Unit
from charrnn.neurons.intervention import Setting, Trajectory, held_nats
from charrnn.neurons.recording import record_pieces
from charrnn.neurons.resampling import tail_share
from charrnn.neurons.verdicts import SIGNIFICANT

Floats = npt.NDArray[Any]
Places = dict[str, npt.NDArray[np.bool_]]
How = Literal["mean", "zero", "resample"]
WAYS: tuple[How, ...] = ("mean", "zero", "resample")
CONTROLS = 20  # random units
ALIKE = 1.5  # a control's weight is within this factor of the unit's
BLOCKS, RESAMPLES = 100, 2000  # of the bootstrap


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
    adjusted_p_value: float  # that for all places together: step-down, by the largest standardised cost of each unit
    tells: bool  # whether it costs something, and more than the random units, all places considered


@dataclass(frozen=True)
class Contrast:
    """By how much more a unit costs inside of a feature than outside, in nats per character."""

    difference: float
    low: float  # its 95 % interval
    high: float


@dataclass(frozen=True)
class Ablation:
    """A unit that is held, and the effect over all characters and, of a feature, in places."""

    unit: Unit
    how: How
    held_at: float | None  # None where it is given the values that it has elsewhere in the text
    weight: float  # the standard deviation of what is changed of its hidden state, times the norm of its weights
    controls: tuple[Unit, ...]
    control_weights: tuple[float, float] | None  # the least and the largest of them
    matched: bool  # whether every control's weight is within a factor of ALIKE of the unit's
    effects: dict[str, Effect]  # "all"; "inside", "outside" and "closing" of a feature
    inside_minus_outside: Contrast | None

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON has it."""
        names = {"unit": str(self.unit), "controls": list(map(str, self.controls))}
        return asdict(self) | names | {"control_weights": self.control_weights and list(self.control_weights)}


def ablate(
    model: CharRNN,
    ids: npt.NDArray[np.integer],
    unit: Unit,
    labels: Floats | None,
    random: np.random.Generator,
    on_read: Callable[[int], object] = lambda characters: None,
    count: int = CONTROLS,
    how: How = "mean",
) -> Ablation:
    """Hold a unit while the text, ids [N], is scored; labels [N] are a feature's, 0, 1 or NaN.

    It is held at its mean, at zero, or follows what it does elsewhere in the text (resample). As many random units as
    `count` says are held in the same way, or all others of the layer where it has no more.

    Raises:
        ConfigError: the text has no character to predict.
    """
    if len(ids) < 2:
        raise ConfigError(f"the text has {counted(len(ids), 'character')} that the model knows", "give two or more")
    mean, deviation = _moments(model, ids)
    weights = _weights(model, unit.layer, np.hypot(mean, deviation) if how == "zero" else deviation)
    controls = _alike(unit, weights, random, count)
    settings = _settings(model, ids, (unit, *controls), how, mean, random)
    nats = held_nats(model, ids, [None, *settings], on_read)
    places = {"all": np.ones(len(ids) - 1, np.bool_)} | ({} if labels is None else _places(labels))
    places = {name: where for name, where in places.items() if where.any()}
    of_controls = [float(weights[each.index]) for each in controls]
    own = float(weights[unit.index])
    return Ablation(
        unit=unit,
        how=how,
        held_at={"mean": float(mean[unit.layer, unit.index]), "zero": 0.0, "resample": None}[how],
        weight=own,
        controls=tuple(controls),
        control_weights=(min(of_controls), max(of_controls)) if controls else None,
        matched=all(own / ALIKE <= each <= own * ALIKE for each in of_controls),
        effects=_effects(nats, places, random),
        inside_minus_outside=_contrast(nats[1] - nats[0], places, random),
    )


def _places(labels: Floats) -> Places:
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


def _weights(model: CharRNN, layer: int, changed: Floats) -> Floats:
    """How much each unit of a layer weighs, [H]: how far it is changed, times the norm of all weights that it goes to.

    Those are of the next step of its layer, and of the layer above or the read-out.
    """
    named = dict(model.named_weights())
    above = f"layers.{layer + 1}.weight_ih" if layer + 1 < model.config.num_layers else "readout.weight"
    outgoing = [named[name].detach().float().cpu().numpy() for name in (f"layers.{layer}.weight_hh", above)]
    return changed[layer] * np.sqrt(sum((each**2).sum(0) for each in outgoing))


def _alike(unit: Unit, weights: Floats, random: np.random.Generator, count: int) -> list[Unit]:
    """Draw units of the same layer among those whose weight is alike, or else those whose weight is nearest."""
    ratio = np.abs(np.log((weights + 1e-9) / (weights[unit.index] + 1e-9)))
    nearest = np.argsort(ratio, kind="stable")
    others = nearest[nearest != unit.index][: 2 * CONTROLS]
    alike = others[ratio[others] <= np.log(ALIKE)]
    others = alike if len(alike) >= count else others[:count]
    return [Unit(unit.layer, int(index)) for index in random.permutation(others)[:count]]


def _settings(
    model: CharRNN, ids: npt.NDArray[np.integer], units: Sequence[Unit], how: How, mean: Floats,
    random: np.random.Generator,
) -> list[Setting]:  # fmt: skip
    """What each of some units is held at."""
    if how != "resample":
        at = {unit: 0.0 if how == "zero" else float(mean[unit.layer, unit.index]) for unit in units}
        return [Clamp(unit.layer, unit.index, at[unit]) for unit in units]
    values = np.empty((len(units), len(ids)), np.float32)
    layers, indices = [unit.layer for unit in units], [unit.index for unit in units]
    for piece in record_pieces(model, ids, ["h"]):
        values[:, piece.start : piece.start + piece.characters] = piece.signals["h"].cpu().numpy()[layers, :, indices]
    by = int(random.integers(len(ids) // 4, len(ids) - len(ids) // 4 + 1))
    return [
        Trajectory(unit.layer, unit.index, np.roll(row, by)) for unit, row in zip(units, values, strict=True)
    ]  # fmt: skip


def _effects(nats: Floats, places: Places, random: np.random.Generator) -> dict[str, Effect]:
    """The effect over some characters of nats [K, N − 1]: all free, then the unit held, then each control."""
    means = np.stack([nats[:, where].mean(1, dtype=np.float64) for where in places.values()])  # [places, K]
    differences = means[:, 1:] - means[:, :1]
    adjusted = step_down(differences)
    effects = {}
    for number, (name, where) in enumerate(places.items()):
        own, *controls = differences[number].tolist()
        low, high = _interval(nats[1] - nats[0], where, random)
        effects[name] = Effect(
            characters=int(where.sum()),
            free=float(means[number, 0]),
            held=float(means[number, 1]),
            difference=own,
            low=low,
            high=high,
            random_mean=float(np.mean(controls)) if controls else None,
            random_high=max(controls, default=None),
            p_value=float((differences[number] >= own).mean()),
            adjusted_p_value=adjusted[number],
            tells=low > 0 and bool(controls) and adjusted[number] <= max(SIGNIFICANT, 1 / (1 + len(controls))),
        )
    return effects


def step_down(costs: Floats) -> list[float]:
    """Return the first unit's p-value at each place, all places considered, of costs [places, units].

    Each place's costs are standardised by the median and the median deviation of all units there. The largest cost of
    the first unit is held against the largest of every unit over all places; the next one over the places that are
    left, and so on (Westfall and Young's step-down, as Holm's is for p-values that are alone).

    >>> step_down(np.array([[9.0, 1, 2, 3], [2.5, 1, 4, 3]]))
    [0.25, 0.75]
    """
    centred = costs - np.median(costs, 1, keepdims=True)
    standard = centred / np.maximum(1e-9, np.median(np.abs(centred), 1, keepdims=True))
    order = np.argsort(-standard[:, 0], kind="stable")
    adjusted, so_far = [0.0] * len(costs), 0.0
    for number, place in enumerate(order.tolist()):
        largest = standard[order[number:]].max(0)
        so_far = max(so_far, float((largest >= standard[place, 0]).mean()))
        adjusted[place] = so_far
    return adjusted


def _contrast(differences: Floats, places: Places, random: np.random.Generator) -> Contrast | None:
    """The difference inside of a feature less that outside, of differences [N − 1]."""
    if not {"inside", "outside"} <= set(places):
        return None
    inside, outside = (_BlockSums.of(differences, places[name]) for name in ("inside", "outside"))
    drawn = inside.draw(random)
    low, high = _bounds(inside.means(drawn) - outside.means(drawn), min(inside.telling, outside.telling))
    return Contrast(inside.mean - outside.mean, low, high)


def _interval(differences: Floats, where: npt.NDArray[np.bool_], random: np.random.Generator) -> tuple[float, float]:
    """The block bootstrap's 95 % interval of the mean of some of the differences [N − 1]."""
    blocks = _BlockSums.of(differences, where)
    return _bounds(blocks.means(blocks.draw(random)), blocks.telling)


@dataclass(frozen=True)
class _BlockSums:
    """Some of the differences [N − 1], summed over each block of the text."""

    sums: Floats
    counts: Floats

    @classmethod
    def of(cls, differences: Floats, where: npt.NDArray[np.bool_]) -> "_BlockSums":
        cuts = np.linspace(0, len(where), min(BLOCKS, len(where)) + 1).astype(int)[:-1]
        sums = np.add.reduceat(np.where(where, differences, 0).astype(np.float64), cuts)
        return cls(sums, np.add.reduceat(where.astype(np.float64), cuts))

    @property
    def mean(self) -> float:
        return float(self.sums.sum() / self.counts.sum())

    @property
    def telling(self) -> int:
        """In how many blocks there are any."""
        return int(np.count_nonzero(self.counts))

    def draw(self, random: np.random.Generator) -> Floats:
        count = len(self.counts)
        return random.multinomial(count, np.full(count, 1 / count), RESAMPLES)

    def means(self, drawn: Floats) -> Floats:
        counts = drawn @ self.counts
        return np.where(counts > 0, (drawn @ self.sums) / np.maximum(1, counts), np.nan)


def _bounds(resampled: Floats, telling: int) -> tuple[float, float]:
    """The 95 % interval of a mean over blocks; with few blocks that tell, further out than the percentiles."""
    tail = 100 * tail_share(telling)
    low, high = np.percentile(resampled[np.isfinite(resampled)], [tail, 100 - tail])
    if telling < 2:  # one block tells nothing of others
        wide = float(np.abs([low, high]).max())
        return -wide, wide
    return float(low), float(high)
