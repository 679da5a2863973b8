"""What being without a unit costs in several places, beside what random units cost, all places considered."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from charrnn.neurons.resampling import tail_share
from charrnn.neurons.verdicts import SIGNIFICANT

Floats = npt.NDArray[Any]
Places = dict[str, npt.NDArray[np.bool_]]
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


def effects_of(nats: Floats, places: Places, random: np.random.Generator) -> dict[str, Effect]:
    """The effect over some characters of nats [K, N − 1]: all free, then the unit held, then each control."""
    means = np.stack([nats[:, where].mean(1, dtype=np.float64) for where in places.values()])  # [places, K]
    differences = means[:, 1:] - means[:, :1]
    adjusted = step_down(differences)
    found = {}
    for number, (name, where) in enumerate(places.items()):
        own, *controls = differences[number].tolist()
        low, high = _interval(nats[1] - nats[0], where, random)
        found[name] = Effect(
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
    return found


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


def contrast(differences: Floats, places: Places, random: np.random.Generator) -> Contrast | None:
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
