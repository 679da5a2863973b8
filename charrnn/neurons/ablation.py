"""What it costs a model to do without a unit, beside what it costs to do without random units that weigh as much."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from charrnn.errors import ConfigError, counted
from charrnn.model.clamping import Clamp
from charrnn.model.directions import Direction
from charrnn.model.network import CharRNN
from charrnn.model.units import Unit
from charrnn.neurons.along import How, held_along, layer_moments, outgoing, random_directions, weigh
from charrnn.neurons.effects import Contrast, Effect, Floats, Places, contrast, effects_of
from charrnn.neurons.intervention import Setting, Trajectory, held_nats
from charrnn.neurons.recording import record_pieces

WAYS: tuple[How, ...] = ("mean", "zero", "resample")
CONTROLS = 20  # random units
ALIKE = 1.5  # a control's weight is within this factor of the unit's


@dataclass(frozen=True)
class Ablation:
    """A unit or direction that is held, and the effect over all characters and, of a feature, in places."""

    unit: Unit | Direction
    how: How
    held_at: float | None  # None where it is given the values that it has elsewhere in the text
    weight: float  # the standard deviation of what is changed of its hidden state, times the norm of its weights
    controls: tuple[str, ...]  # random units, or directions
    control_weights: tuple[float, float] | None  # the least and the largest of them
    matched: bool  # whether every control's weight is within a factor of ALIKE of the unit's
    effects: dict[str, Effect]  # "all"; "inside", "outside" and "closing" of a feature
    inside_minus_outside: Contrast | None

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON has it."""
        kind = "direction" if isinstance(self.unit, Direction) else "unit"
        named = {"unit": str(self.unit), "kind": kind, "controls": list(self.controls)}
        return asdict(self) | named | {"control_weights": self.control_weights and list(self.control_weights)}


def ablate(
    model: CharRNN,
    ids: npt.NDArray[np.integer],
    unit: Unit | Direction,
    labels: Floats | None,
    random: np.random.Generator,
    on_read: Callable[[int], object] = lambda characters: None,
    count: int = CONTROLS,
    how: How = "mean",
    precision: torch.dtype = torch.float32,
) -> Ablation:
    """Hold a unit, or a direction, while the text, ids [N], is scored; labels [N] are a feature's, 0, 1 or NaN.

    It is held at its mean, at zero, or follows what it does elsewhere in the text (resample). As many random units as
    `count` says are held in the same way, or all others of the layer where it has no more.

    Raises:
        ConfigError: the text has no character to predict.
    """
    if len(ids) < 2:
        raise ConfigError(f"the text has {counted(len(ids), 'character')} that the model knows", "give two or more")
    options = (how, random, count, precision)
    held = _direction(model, ids, unit, *options) if isinstance(unit, Direction) else _unit(model, ids, unit, *options)
    nats = held_nats(model, ids, [None, *held.settings], on_read, precision)
    places = {"all": np.ones(len(ids) - 1, np.bool_)} | ({} if labels is None else _places(labels))
    places = {name: where for name, where in places.items() if where.any()}
    own, *others = held.weights
    return Ablation(
        unit=unit,
        how=how,
        held_at=held.at,
        weight=own,
        controls=held.controls,
        control_weights=(min(others), max(others)) if others else None,
        matched=all(own / ALIKE <= each <= own * ALIKE for each in others),
        effects=effects_of(nats, places, random),
        inside_minus_outside=contrast(nats[1] - nats[0], places, random),
    )


@dataclass(frozen=True)
class _Held:
    """What is held, the one that is asked about first, and how much each weighs."""

    settings: Sequence[Setting]
    weights: list[float]
    controls: tuple[str, ...]
    at: float | None  # what the first one is held at


def _unit(
    model: CharRNN,
    ids: npt.NDArray[np.integer],
    unit: Unit,
    how: How,
    random: np.random.Generator,
    count: int,
    precision: torch.dtype,
) -> _Held:
    """A unit and random ones of its layer that weigh as much."""
    mean, deviation = _moments(model, ids, precision)
    weights = _weights(model, unit.layer, np.hypot(mean, deviation) if how == "zero" else deviation)
    units = [unit, *_alike(unit, weights, random, count)]
    settings = _settings(model, ids, units, how, mean, random, precision)
    at = {"mean": float(mean[unit.layer, unit.index]), "zero": 0.0, "resample": None}[how]
    return _Held(settings, [float(weights[each.index]) for each in units], tuple(map(str, units[1:])), at)


def _direction(
    model: CharRNN,
    ids: npt.NDArray[np.integer],
    direction: Direction,
    how: How,
    random: np.random.Generator,
    count: int,
    precision: torch.dtype,
) -> _Held:
    """A direction and random ones of its layer, at right angles to it, that weigh as much."""
    layer, own = direction.layer, direction.weights
    moments, out = layer_moments(model, ids, layer, precision), outgoing(model, layer)
    others = random_directions(own, moments, out, how, random, min(count, len(own) - 1), ALIKE)
    directions = np.concatenate([own[None], others])
    settings = held_along(model, ids, layer, directions, how, moments.mean, _shift(len(ids), random), precision)
    at = {"mean": float(own @ moments.mean), "zero": 0.0, "resample": None}[how]
    controls = tuple(f"random direction {number}" for number in range(1, len(others) + 1))
    return _Held(settings, weigh(directions, moments, out, how).tolist(), controls, at)


def _shift(length: int, random: np.random.Generator) -> int:
    """By how many characters what is resampled is from elsewhere in a text."""
    return int(random.integers(length // 4, length - length // 4 + 1))


def _places(labels: Floats) -> Places:
    """Where a prediction is made: with the feature on, off, or on with a next character that switches it off."""
    before, predicted = labels[:-1], labels[1:]
    return {"inside": before == 1, "outside": before == 0, "closing": (before == 1) & (predicted == 0)}


def _moments(model: CharRNN, ids: npt.NDArray[np.integer], precision: torch.dtype) -> tuple[Floats, Floats]:
    """The mean and standard deviation of every unit's hidden state over a text, each [L, H]."""
    sums, squares = np.zeros(2, object)
    for piece in record_pieces(model, ids, ["h"], precision):
        h = piece.signals["h"].double().cpu().numpy()
        sums, squares = sums + h.sum(1), squares + (h**2).sum(1)
    mean = sums / len(ids)
    return mean, np.sqrt(np.maximum(0, squares / len(ids) - mean**2))


def _weights(model: CharRNN, layer: int, changed: Floats) -> Floats:
    """How much each unit of a layer weighs, [H]: how far it is changed, times the norm of all weights that it goes to.

    Those are of the next step of its layer, and of the layer above or the read-out.
    """
    return changed[layer] * np.linalg.norm(outgoing(model, layer), axis=0)


def _alike(unit: Unit, weights: Floats, random: np.random.Generator, count: int) -> list[Unit]:
    """Draw units of the same layer among those whose weight is alike, or else those whose weight is nearest."""
    ratio = np.abs(np.log((weights + 1e-9) / (weights[unit.index] + 1e-9)))
    nearest = np.argsort(ratio, kind="stable")
    others = nearest[nearest != unit.index][: 2 * CONTROLS]
    alike = others[ratio[others] <= np.log(ALIKE)]
    others = alike if len(alike) >= count else others[:count]
    return [Unit(unit.layer, int(index)) for index in random.permutation(others)[:count]]


def _settings(
    model: CharRNN,
    ids: npt.NDArray[np.integer],
    units: Sequence[Unit],
    how: How,
    mean: Floats,
    random: np.random.Generator,
    precision: torch.dtype,
) -> list[Setting]:
    """What each of some units is held at."""
    if how != "resample":
        at = {unit: 0.0 if how == "zero" else float(mean[unit.layer, unit.index]) for unit in units}
        return [Clamp(unit.layer, unit.index, at[unit]) for unit in units]
    values = np.empty((len(units), len(ids)), np.float32)
    layers, indices = [unit.layer for unit in units], [unit.index for unit in units]
    for piece in record_pieces(model, ids, ["h"], precision):
        values[:, piece.start : piece.start + piece.characters] = (
            piece.signals["h"].float().cpu().numpy()[layers, :, indices]
        )
    by = _shift(len(ids), random)
    return [
        Trajectory(unit.layer, unit.index, np.roll(row, by)) for unit, row in zip(units, values, strict=True)
    ]  # fmt: skip
