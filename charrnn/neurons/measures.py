"""How well units follow labels: ROC AUC, average precision and Spearman's ρ, for thousands of units at once.

All rest on ranks. A unit's strength is 2 · AUC − 1 for a binary feature and ρ for another one: 0 is chance, 1 or −1
perfect; the sign says which way the unit goes.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

Floats = npt.NDArray[Any]
BLOCK = 64  # units that are ranked at once
_ZERO = 0x8000  # the place of 0 among float16's values
ROUNDING = 1e-9  # of strengths that are sums of thousands of terms


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

    def joined(self, others: "Labels") -> "Labels":
        """Return these labels and others, at places behind them."""
        values, places = np.concatenate([self.values, others.values]), np.concatenate([self.places, others.places])
        return Labels(values, places, others.binary)

    def where(self, some: npt.NDArray[np.bool_]) -> "Labels":
        """Return the labels at some of the places [D]."""
        return Labels(self.values[some], self.places[some], self.binary)

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
    keys[keys == _ZERO - 1] = _ZERO  # −0 is 0
    least = keys.min()
    keys -= least
    ranks = np.empty(keys.shape, np.float32)
    for row, key in zip(ranks, keys, strict=True):
        _by_counts(np.bincount(key), len(key)).take(key, out=row)
    return ranks


def _by_counts(counts: Floats, length: int) -> Floats:
    """The midrank of each of some values, from how often it is there: (2 · rank − 1 − T) / 2 T, ranks from 1."""
    return ((2 * np.cumsum(counts) - counts - length) / (2 * length)).astype(np.float32)


def rank_products(values: npt.NDArray[np.float16], places: Floats, targets: Floats) -> tuple[Floats, Floats]:
    """Return Σ rank · target [N, M] and Σ rank² [N] of units [N, T] at places [D], for targets [M, D]."""
    products, _, squares = rank_moments(values, places, targets, np.ones((1, len(places)), np.float32))
    return products, squares[:, 0]


def rank_moments(
    values: npt.NDArray[np.float16], places: Floats, targets: Floats, masks: Floats
) -> tuple[Floats, Floats, Floats]:
    """Return Σ rank · target [N, M], Σ rank [N, K] and Σ rank² [N, K] of units [N, T] at places [D].

    The targets are [M, D]; the last two sums are over the places in each of the masks [K, D], which are 0 or 1.
    """
    M = len(targets)
    right = torch.from_numpy(np.concatenate([targets, masks]).astype(np.float32)).T
    whole = len(places) == values.shape[1]
    products, squares = np.empty((len(values), right.shape[1])), np.empty((len(values), len(masks)))
    for begin in range(0, len(values), BLOCK):
        rows = slice(begin, begin + BLOCK)
        ranks = torch.from_numpy(float16_midranks(values[rows] if whole else values[rows, places]))
        products[rows] = (ranks @ right).numpy()
        squares[rows] = (ranks.square_() @ right[:, M:]).numpy()
    return products[:, :M], products[:, M:], squares


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


def shift_p_value(values: Floats, labels: Labels) -> float:
    """Return the chance that a predictor, its values [D] at the labels' places, does as well on shifted labels.

    The labels are shifted in a circle by every number of places from a twentieth of them on: all those strengths are
    one circular cross-correlation of ranks, by Fourier transforms in O(D log D).
    """
    ranks, targets = midranks(values).astype(np.float64), labels.targets.astype(np.float64)
    length, least = len(ranks), len(ranks) // 20
    products = np.fft.irfft(np.fft.rfft(ranks) * np.fft.rfft(targets).conj(), length)
    strengths = labels.strengths(products, (ranks**2).sum())
    shifted = strengths[max(1, least) : length - least + 1]
    return float((1 + (shifted >= strengths[0] - ROUNDING).sum()) / (1 + len(shifted)))


def adjusted(p_values: Sequence[float]) -> list[float]:
    """Return Benjamini and Hochberg's q-value of each p-value: the least rate of false discoveries at which it counts.

    >>> adjusted([0.01, 0.04, 0.03, 0.5])
    [0.04, 0.05333333333333334, 0.05333333333333334, 0.5]
    """
    order = np.argsort(p_values)[::-1]
    scaled = np.asarray(p_values, float)[order] * len(order) / np.arange(len(order), 0, -1)
    q_values = np.empty(len(order))
    q_values[order] = np.minimum.accumulate(np.minimum(1, scaled))
    return q_values.tolist()
