"""How well units follow labels: ROC AUC, average precision and Spearman's ρ, for thousands of units at once.

All rest on ranks. A unit's strength is 2 · AUC − 1 for a binary feature and ρ for another one: 0 is chance, 1 or −1
perfect; the sign says which way the unit goes.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

Floats = npt.NDArray[Any]
BLOCK = 64  # units that are ranked at once
_ZERO = 0x8000  # the place of 0 among float16's values
BLOCKS, RESAMPLES = 100, 1000  # of the bootstrap


@dataclass(frozen=True)
class Labels:
    """A feature's values over a text at the places where it is defined."""

    values: Floats  # [D], D ≤ T
    places: npt.NDArray[np.integer]  # [D]
    binary: bool

    @classmethod
    def of(cls, values: Floats, binary: bool) -> "Labels":
        """Leave out what is undefined of values [T]."""
        places = np.flatnonzero(~np.isnan(values))
        return cls(values[places], places, binary)

    @property
    def targets(self) -> Floats:
        """What ranks are multiplied with [D]: the labels, or the ranks of a feature that is not binary."""
        return self.values.astype(np.float32) if self.binary else midranks(self.values)

    def strengths(self, products: Floats, squares: Floats) -> Floats:
        """Make strengths of Σ rank · target and Σ rank² over the places."""
        if self.binary:
            on = self.values.sum()
            return 2 * products * len(self.values) / (on * (len(self.values) - on))
        targets = self.targets
        return products / np.maximum(1e-9, np.sqrt(squares * (targets**2).sum()))


def midranks(values: Floats) -> Floats:
    """Return the ranks of values [T], from −½ to ½ with mean 0; equal values share the mean of theirs.

    >>> midranks(np.array([5.0, 7.0, 7.0, 9.0])).tolist()
    [-0.375, 0.0, 0.0, 0.375]
    """
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    return _by_counts(counts, len(values))[inverse]


def float16_midranks(rows: npt.NDArray[np.float16]) -> Floats:
    """Return `midranks` of each row [n, T]; float16 has 65,536 values, so that counting takes the place of sorting."""
    bits = np.ascontiguousarray(rows).view(np.int16)
    keys = (bits ^ ((bits >> 15) & 0x7FFF)).view(np.uint16) ^ 0x8000  # in the order of the values
    ranks = np.empty(keys.shape, np.float32)
    for row, key in zip(ranks, keys, strict=True):
        counts = np.bincount(key, minlength=0x10000)
        counts[_ZERO] += counts[_ZERO - 1]  # −0 is 0
        counts[_ZERO - 1] = 0
        table = _by_counts(counts, len(key))
        table[_ZERO - 1] = table[_ZERO]
        table.take(key, out=row)
    return ranks


def _by_counts(counts: Floats, length: int) -> Floats:
    """The midrank of each of some values, from how often it is there: (2 · rank − 1 − T) / 2 T, ranks from 1."""
    return ((2 * np.cumsum(counts) - counts - length) / (2 * length)).astype(np.float32)


def rank_products(values: npt.NDArray[np.float16], places: Floats, targets: Floats) -> tuple[Floats, Floats]:
    """Return Σ rank · target [N, M] and Σ rank² [N] of units [N, T] at places [D], for targets [M, D]."""
    right = torch.from_numpy(targets.astype(np.float32)).T
    whole = len(places) == values.shape[1]
    products, squares = np.empty((len(values), len(targets))), np.empty(len(values))
    for begin in range(0, len(values), BLOCK):
        rows = slice(begin, begin + BLOCK)
        ranks = torch.from_numpy(float16_midranks(values[rows] if whole else values[rows, places]))
        products[rows] = (ranks @ right).numpy()
        squares[rows] = ranks.square().sum(1).numpy()
    return products, squares


def strength(values: Floats, labels: Labels) -> float:
    """Return the strength of one unit or predictor, its values [D] at the labels' places."""
    ranks = midranks(values).astype(np.float64)
    return float(labels.strengths(ranks @ labels.targets, (ranks**2).sum()).clip(-1, 1))  # rounding may go beyond


def score(strength: float, binary: bool) -> float:
    """Return a strength as the metric that is reported: AUC for a binary feature, else ρ."""
    return (1 + strength) / 2 if binary else strength


def strength_of(score: float, binary: bool) -> float:
    """Return the strength that a reported metric stands for: the inverse of `score`."""
    return 2 * score - 1 if binary else score


def average_precision(values: Floats, labels: Labels) -> float:
    """Return the mean precision over the recalls that thresholds on the values [D] give, for binary labels."""
    distinct, inverse = np.unique(-values, return_inverse=True)  # from the largest value on
    on = np.bincount(inverse, labels.values, len(distinct))
    found, taken = np.cumsum(on), np.cumsum(np.bincount(inverse))
    return float((on * found / taken).sum() / found[-1])


def interval(values: Floats, labels: Labels, random: np.random.Generator) -> tuple[float, float]:
    """Return the block bootstrap's 95 % interval of a unit's strength, its values [D] at the labels' places.

    The text is cut into BLOCKS stretches, which are drawn with replacement; ranks are those of the whole text.
    """
    ranks, targets = midranks(values).astype(np.float64), labels.targets.astype(np.float64)
    ones = np.ones_like(ranks)
    terms = np.stack([ones, ranks, ranks**2, targets, targets**2, ranks * targets])
    cuts = np.linspace(0, len(ranks), min(BLOCKS, len(ranks)) + 1).astype(int)[:-1]
    sums = np.add.reduceat(terms, cuts, axis=1)  # [6, blocks]
    drawn = random.multinomial(len(cuts), np.full(len(cuts), 1 / len(cuts)), RESAMPLES)  # [resamples, blocks]
    n, r, rr, y, yy, ry = sums @ drawn.T
    with np.errstate(invalid="ignore", divide="ignore"):
        if labels.binary:
            strengths = 2 * (ry / y - (r - ry) / (n - y))
        else:
            strengths = (ry - r * y / n) / np.sqrt((rr - r**2 / n) * (yy - y**2 / n))
    known = np.nan_to_num(strengths).clip(-1, 1)  # 0 where nothing changes; fixed ranks may go a little beyond 1
    low, high = np.percentile(known, [2.5, 97.5])
    return float(low), float(high)
