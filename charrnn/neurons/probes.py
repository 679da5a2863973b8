"""Probes: ridge regressions of features on many values at once, and how few of the values predict as well."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from charrnn.neurons.measures import Labels, strength

Floats = npt.NDArray[Any]
Places = npt.NDArray[np.integer]
FITTED = 20_000  # places at most that a probe is fitted on
PIECE = 8192  # places at once
RIDGES = (1e-3, 1e-2, 1e-1, 1.0, 10.0)  # penalties of the weights of inputs of variance 1, one of which is chosen
INNER = 4  # every so manieth stretch tells which penalty is best; the others are fitted on
SIZES = (*range(1, 17), 20, 24, 32, 48, 64)  # numbers of units on the curve


class Inputs(Protocol):
    """What a probe sees: K values at every place of a text."""

    def at(self, places: Places) -> Floats:
        """Return the values [n, K] at some places, in ascending order."""


@dataclass(frozen=True)
class Rows:
    """Some of all units recorded over a text, values [N, T], as inputs."""

    values: Floats
    rows: slice

    def at(self, places: Places) -> Floats:
        """Return the units' values [n, K] at some places."""
        return self.values.T[places, self.rows].astype(np.float32)


@dataclass(frozen=True)
class OneMore:
    """Inputs, and one of all units recorded over a text, values [N, T], as the last of them."""

    inputs: Inputs
    values: Floats
    row: int

    def at(self, places: Places) -> Floats:
        """Return the values [n, K + 1] at some places."""
        return np.column_stack([self.inputs.at(places), self.values[self.row, places].astype(np.float32)])


@dataclass(frozen=True)
class Probe:
    """A linear predictor: value · weights, up to a constant."""

    weights: Floats  # [K]
    ridge: float
    inner: float  # its strength on the part of the text that chose the penalty

    def predict(self, inputs: Inputs, places: Places) -> Floats:
        """Return its predictions [D] at some places."""
        return predictions([self], inputs, places)[0]


def predictions(probes: Sequence[Probe], inputs: Inputs, places: Places) -> Floats:
    """Return the predictions [P, D] of several probes of the same inputs."""
    weights = np.stack([probe.weights for probe in probes]).astype(np.float32)
    return np.concatenate([weights @ x.T for x in _pieces(inputs, places)], axis=1)


def _pieces(inputs: Inputs, places: Places) -> Iterator[Floats]:
    for begin in range(0, len(places), PIECE):
        yield inputs.at(places[begin : begin + PIECE])


@dataclass(frozen=True)
class Moments:
    """What a ridge regression of F features on K inputs needs to know of the places that it is fitted on."""

    gram: Floats  # covariances of inputs that have been divided by `scale`, [K, K]
    right: Floats  # their covariances with the labels, [K, F]
    scale: Floats  # [K]

    def weights(self, ridge: float) -> Floats:
        """Return the weights of the inputs as they are, [F, K]."""
        solved = np.linalg.solve(self.gram + ridge * np.eye(len(self.gram)), self.right)
        return (solved / self.scale[:, None]).T

    def with_one_more(self, inputs: OneMore, feature: int, fitted: Labels) -> "Moments":
        """Return the moments of one feature on these inputs and one more, where the feature was fitted."""
        places = fitted.places[:: (step := _step(fitted))]
        targets = fitted.targets[::step] - fitted.targets[::step].mean()
        x = inputs.at(places)
        one = x[:, -1] - x[:, -1].mean()
        scale = np.append(self.scale, max(1e-6, float(np.sqrt((one**2).mean()))))
        covariances = (one @ x - one.sum() * x.mean(0)) / len(one) / (scale * scale[-1])
        gram = np.empty((len(scale), len(scale)))
        gram[:-1, :-1], gram[-1], gram[:, -1] = self.gram, covariances, covariances
        right = np.append(self.right[:, feature], one @ targets / len(one) / scale[-1])
        return Moments(gram, right[:, None], scale)


@dataclass(frozen=True)
class _Sums:
    """Sums over some places, of which moments are made; those of several sets of places can be added."""

    count: int
    x: Floats
    y: Floats
    xx: Floats
    xy: Floats

    @classmethod
    def of(cls, x: Floats, y: Floats) -> "_Sums":
        """Sum inputs [n, K] and labels [F, n], both about centred."""
        return cls(len(x), x.sum(0), y.sum(1), (x.T @ x).astype(np.float64), (x.T @ y.T).astype(np.float64))

    def __add__(self, other: "_Sums") -> "_Sums":
        return _Sums(
            self.count + other.count, self.x + other.x, self.y + other.y, self.xx + other.xx, self.xy + other.xy
        )

    def moments(self, scale: Floats) -> Moments:
        n = self.count
        return Moments(
            self.xx / n - np.outer(self.x, self.x) / n**2, self.xy / n - np.outer(self.x, self.y) / n**2, scale
        )


def fit(
    inputs: Inputs, fitted: Sequence[Labels], stretches: Places, at_most: int = FITTED
) -> tuple[list[Probe], Moments]:
    """Fit a probe for each feature, all defined at the same places; `stretches` [T] tells the stretch of a place.

    The penalty is the one that predicts best some stretches on which the probe was not fitted then.
    """
    step = _step(fitted[0], at_most)
    places = fitted[0].places[::step]
    targets = np.stack([labels.targets[::step] for labels in fitted]).astype(np.float32)
    targets -= targets.mean(1, keepdims=True)
    x, inner = inputs.at(places), held_out(stretches[places])
    x -= x.mean(0)
    scale = np.maximum(1e-6, np.sqrt((x**2).mean(0)))
    x /= scale
    outer, held = _Sums.of(x[~inner], targets[:, ~inner]), _Sums.of(asked := x[inner], targets[:, inner])
    trial = outer.moments(scale)
    tried = np.empty((len(fitted), len(RIDGES)))
    for number, ridge in enumerate(RIDGES):
        guessed = (trial.weights(ridge) * scale).astype(np.float32) @ asked.T
        tried[:, number] = [_inner_strength(v, each, step, inner) for v, each in zip(guessed, fitted, strict=True)]
    best, moments = tried.argmax(1).tolist(), (outer + held).moments(scale)
    weights = {number: moments.weights(RIDGES[number]) for number in set(best)}
    return [Probe(weights[r][f], RIDGES[r], float(tried[f, r])) for f, r in enumerate(best)], moments


def _step(labels: Labels, at_most: int = FITTED) -> int:
    """Every so manieth place is fitted, or measured, so that there are so many at most."""
    return -(-len(labels.places) // at_most)


def held_out(stretches: Places) -> npt.NDArray[np.bool_]:
    """Return which places [n] choose a penalty: every INNER-th stretch, or the last ones where there are fewer."""
    distinct, numbers = np.unique(stretches, return_inverse=True)
    if len(distinct) >= INNER:
        return numbers % INNER == INNER - 1
    return np.arange(len(stretches)) >= len(stretches) * (INNER - 1) // INNER


def _inner_strength(values: Floats, labels: Labels, step: int, inner: npt.NDArray[np.bool_]) -> float:
    some = labels.values[::step][inner]
    if np.ptp(some) == 0:
        return 0.0
    return strength(values, Labels(some, np.arange(len(some)), labels.binary))


@dataclass(frozen=True)
class Step:
    """How well so many units predict a feature together."""

    units: int
    strength: float


def few(
    moments: Moments,
    feature: int,
    ridge: float,
    inputs: Inputs,
    measured: Labels,
    first: int | None = None,
    without: Sequence[int] = (),
) -> tuple[list[int], list[Step]]:
    """Return which inputs orthogonal matching pursuit takes one after the other, and how well so many first ones do.

    It begins with `first`, where that is given, and takes none of `without`. Each next input is the one that correlates
    most with what those before it leave of the labels; after each, all weights are fitted again. All that rests on the
    moments of one half; strengths are measured on the other.
    """
    gram, right = moments.gram + ridge * np.eye(len(moments.gram)), moments.right[:, feature]
    taken: list[int] = []
    solved: list[Floats] = []
    left = right.copy()
    for _ in range(min(SIZES[-1], len(gram) - len(without))):
        rest = np.abs(left)
        rest[[*taken, *without]] = -1  # none is taken twice, even where nothing is left
        taken.append(int(np.argmax(rest)) if taken or first is None else first)
        solved.append(np.linalg.solve(gram[np.ix_(taken, taken)], right[taken]))
        left = right - gram[:, taken] @ solved[-1]
    step = _step(measured)
    some = Labels(measured.values[::step], measured.places[::step], measured.binary)
    x = np.concatenate([piece[:, taken] for piece in _pieces(inputs, some.places)]) / moments.scale[taken]
    sizes = [size for size in SIZES if size <= len(taken)]
    return taken, [Step(size, strength(x[:, :size] @ solved[size - 1], some)) for size in sizes]
