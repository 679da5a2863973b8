"""What a unit's score is held against: the last few characters alone, and the whole layer that it stands in."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from charrnn.neurons.measures import Labels, strength

Floats = npt.NDArray[Any]
LAST = 5  # characters that the surface predictor sees
COMMON = 150  # characters that it tells from one another; all others look alike to it
FAITH = 2.0  # characters' worth of trust in what one character less says, or that a character says nothing
FITTED = 20_000  # characters at most that a probe is fitted on
RIDGE = 1e-3  # penalty of a probe's weights, its inputs having variance 1


class Surface:
    """Predicts a feature from the last LAST characters alone, in two ways, of which the better one counts.

    A table of the feature's means after each such ending of the text, where what was seen rarely leans on the ending
    that is one character shorter, as smoothed n-gram models do: it knows "://". And a ridge regression on which
    character stands at each of the last places: it knows "a quotation mark among the last five".
    """

    def __init__(self, ids: npt.NDArray[np.integer]) -> None:
        counts = np.bincount(ids)
        common = np.argsort(-counts, kind="stable")[: min(COMMON, np.count_nonzero(counts))]
        rest = len(common)  # the number of all other characters, and of those before the text
        numbers = np.full(len(counts), rest)
        numbers[common] = np.arange(rest)
        padded = np.concatenate([np.full(LAST, rest), numbers[ids]])
        self._size = rest + 1
        self._places = [padded[LAST - back : len(padded) - back] for back in range(LAST)]  # each [T]
        self._endings = list(_endings(self._places, self._size))

    def strength(self, discover: Labels, report: Labels, offset: int) -> float:
        """Fit on the labels of one stretch; return the strength on those of another, `offset` characters later."""
        ways = (self._by_endings, self._by_places)
        predictions = [way(discover, report.places + offset) for way in ways]
        if not report.binary:  # it must not lose by small differences where a count is the same, as units do not
            predictions = [prediction.round(2) for prediction in predictions]
        return max(strength(prediction, report) for prediction in predictions)

    def _by_endings(self, discover: Labels, asked: npt.NDArray[np.integer]) -> Floats:
        targets = discover.targets
        prediction = np.full(len(asked), targets.mean())
        for endings in self._endings:
            seen, size = endings[discover.places], int(endings.max()) + 1
            counts, sums = np.bincount(seen, minlength=size), np.bincount(seen, targets, size)
            prediction = (sums[endings[asked]] + FAITH * prediction) / (counts[endings[asked]] + FAITH)
        return prediction

    def _by_places(self, discover: Labels, asked: npt.NDArray[np.integer]) -> Floats:
        size, seen = self._size, [place[discover.places] for place in self._places]
        pairs = [[np.bincount(a * size + b, minlength=size**2).reshape(size, size) for b in seen] for a in seen]
        right = np.concatenate([np.bincount(a, discover.targets - discover.targets.mean(), size) for a in seen])
        gram = np.block(pairs) + FAITH * np.eye(LAST * size)
        weights = np.linalg.solve(gram, right).reshape(LAST, size)
        return sum((row[place[asked]] for row, place in zip(weights, self._places, strict=True)), np.zeros(len(asked)))


def _endings(places: Sequence[npt.NDArray[np.integer]], size: int) -> Iterator[npt.NDArray[np.integer]]:
    """Number the endings of length 1 to LAST at each place, equal ones alike, each list [T]."""
    key = np.zeros(len(places[0]), np.int64)
    for place in places:
        _, key = np.unique(key * size + place, return_inverse=True)
        yield key


def probe(seen: Floats, discover: Labels, asked: Floats, report: Labels) -> Floats:
    """Fit a ridge regression of the labels on a layer's values [H, T] over one stretch; predict those of another."""
    step = -(-len(discover.places) // FITTED)
    x = seen[:, discover.places[::step]].astype(np.float64)
    y = discover.targets[::step].astype(np.float64)
    mean, scale = x.mean(1, keepdims=True), np.maximum(1e-6, x.std(1, keepdims=True))
    x = (x - mean) / scale
    gram = x @ x.T / len(y) + RIDGE * np.eye(len(x))
    weights = np.linalg.solve(gram, x @ (y - y.mean()) / len(y)) / scale[:, 0]
    return weights.astype(np.float32) @ asked[:, report.places].astype(np.float32)
