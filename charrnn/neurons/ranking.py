"""Which unit follows a feature best: chosen on one stretch of text, measured on another."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from charrnn.errors import ConfigError
from charrnn.model.units import Unit
from charrnn.neurons.features import Feature
from charrnn.neurons.recording import Recording

Floats = npt.NDArray[Any]


@dataclass(frozen=True)
class Found:
    """The unit that follows a feature best where it was chosen, and its score where it was not."""

    unit: Unit
    score: float
    metric: str  # "AUC", sign-free: 0.5 is chance, 1 perfect; or "Spearman's ρ", its absolute value
    chosen_on: int  # characters
    measured_on: int


def best_unit(recording: Recording, signal: str, feature: Feature, text: str) -> Found:
    """Choose the unit on the recording's first half, and measure it on the second.

    Raises:
        ConfigError: the feature never changes in one of the halves.
    """
    labels = feature.values(text)
    half = len(labels) // 2
    metric = "AUC" if feature.binary else "Spearman's ρ"
    score = auc if feature.binary else spearman
    signals = recording.signals[signal]  # [L, T, H]
    layers, _, units = signals.shape
    values = np.moveaxis(signals, 1, 0).reshape(len(labels), layers * units)
    for stretch in (labels[:half], labels[half:]):
        if len(np.unique(stretch[~np.isnan(stretch)])) < 2:
            raise ConfigError(f"{feature.name} never changes over {len(stretch)} characters", "give a longer text")
    best = int(np.argmax(score(values[:half], labels[:half])))
    measured = float(score(values[half:, best : best + 1], labels[half:])[0])
    return Found(Unit(*divmod(best, units)), measured, metric, half, len(labels) - half)


def telling_passage(text: str, feature: Feature, length: int, after: int = 0) -> int:
    """Return where the line begins from which a binary feature changes often and is on about half the time.

    Of the lines from `after` on, and for a passage of `length` characters; for other features the first of them.
    """
    labels = np.nan_to_num(feature.values(text)) if feature.binary else np.zeros(len(text))
    on = np.concatenate([[0.0], np.cumsum(labels)])
    changes = np.concatenate([[0.0], np.cumsum(np.abs(np.diff(labels, prepend=labels[:1])))])
    last = max(after, len(text) - length)
    starts = np.array([place + 1 for place in range(after, last) if text[place] == "\n"] or [after])
    ends = np.minimum(starts + length, len(text))
    share = (on[ends] - on[starts]) / (ends - starts)
    return int(starts[np.argmax(share * (1 - share) * np.sqrt(changes[ends] - changes[starts]))])


def auc(values: Floats, labels: Floats) -> Floats:
    """Return the area under the ROC curve of each column, sign-free (the larger of A and 1 − A).

    Args:
        values: one column per unit, [T, N].
        labels: 0, 1 or NaN (left out), [T].
    """
    defined = ~np.isnan(labels)
    positive = labels[defined] == 1
    ranks = _ranks(values[defined])
    n, m = positive.sum(), (~positive).sum()
    a = (ranks[positive].sum(0) - n * (n + 1) / 2) / (n * m)  # Mann and Whitney's U, over n·m
    return np.maximum(a, 1 - a)


def spearman(values: Floats, labels: Floats) -> Floats:
    """Return the absolute rank correlation of each column of values [T, N] with labels [T] (NaN: left out)."""
    defined = ~np.isnan(labels)
    x, y = _ranks(values[defined]), _ranks(labels[defined][:, None])
    x, y = x - x.mean(0), y - y.mean(0)
    return np.abs((x * y).sum(0)) / np.maximum(1e-12, np.sqrt((x**2).sum(0) * (y**2).sum(0)))


def _ranks(values: Floats) -> Floats:
    """Ranks from 1 of each column, equal values sharing the mean of theirs."""
    return np.stack([_column_ranks(column) for column in values.T], axis=1)


def _column_ranks(column: Floats) -> Floats:
    _, inverse, counts = np.unique(column, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    return (last - (counts - 1) / 2)[inverse]
