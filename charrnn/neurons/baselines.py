"""What the text alone tells: the last characters, and counters that forget at fixed rates; no network is asked."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from charrnn.neurons.measures import Labels, strength
from charrnn.neurons.probes import fit, held_out, predictions
from charrnn.neurons.stretches import LEAST

Floats = npt.NDArray[Any]
Integers = npt.NDArray[np.integer]
LAST, LONGER = 5, 20  # characters that the two predictors by the last characters see
COMMON, FEWER = 150, 60  # characters that they tell from one another; all others look alike to them
FAITH = 2.0  # characters' worth of trust in what one character less says, or that a character says nothing
PENALTIES = (2.0, 20.0, 200.0)  # of a ridge regression on the last LONGER characters, in characters
HALF_LIVES = (1.5, 4.0, 10.0, 25.0, 63.0, 160.0, 400.0)  # of the counters, in characters
READ_BEFORE = 4000  # characters before the first one asked for: what was before has faded to a thousandth
COUNTED = 40  # characters that are counted each for itself
FITTED = 60_000  # places at most that the counters are fitted on
CHUNK = 64  # characters whose part in a counter is one product of matrices
BASELINES = ("last 5 characters", "last 20 characters", "leaky counters")


def _numbered(ids: Integers, common: int) -> tuple[Integers, int]:
    """Number the commonest characters from 0 on and all others alike, [T]; and the number of those others."""
    counts = np.bincount(ids)
    kept = np.argsort(-counts, kind="stable")[: min(common, np.count_nonzero(counts))]
    numbers = np.full(len(counts), len(kept))
    numbers[kept] = np.arange(len(kept))
    return numbers[ids], len(kept)


def _rounded(prediction: Floats, labels: Labels) -> Floats:
    """A count's prediction must not lose by small differences where the count is the same, as units do not."""
    return prediction if labels.binary else prediction.round(2)


class Surface:
    """Predicts a feature from the last few characters alone, in two ways, of which the better one counts.

    A table of the feature's means after each such ending of the text, where what was seen rarely leans on the ending
    that is one character shorter, as smoothed n-gram models do: it knows "://". And a ridge regression on which
    character stands at each of the last places: it knows "a quotation mark among the last five".
    """

    def __init__(self, ids: Integers, last: int = LAST, common: int = COMMON) -> None:
        numbers, rest = _numbered(ids, common)
        padded = np.concatenate([np.full(last, rest), numbers])
        self._size = rest + 1
        self._places = [padded[last - back : len(padded) - back] for back in range(last)]  # each [T]
        self._endings = list(_endings(self._places, self._size)) if last <= LAST else []

    def strength(self, fitted: Labels, measured: Labels) -> float:
        """Fit on the labels of one half; return the strength on those of another."""
        return strength(self.predictions([fitted], [measured])[0], measured)

    def predictions(self, fitted: Sequence[Labels], measured: Sequence[Labels]) -> list[Floats]:
        """Return the better of both predictions [D] for each feature, all being defined at the same places."""
        asked = measured[0].places
        weights = _solved(self._moments(fitted), FAITH)
        found = []
        for one, labels, w in zip(fitted, measured, weights, strict=True):
            ways = [_rounded(way, labels) for way in (self._by_endings(one, asked), self._read(w, asked))]
            found.append(max(ways, key=lambda way, labels=labels: strength(way, labels)))  # type: ignore[misc]
        return found

    def linear(self, fitted: Sequence[Labels], measured: Sequence[Labels], stretches: Integers) -> list[Floats]:
        """Return the ridge regression's predictions alone, its penalty chosen as a probe's is."""
        inner = held_out(stretches[fitted[0].places])
        train, trial = ([each.where(some) for each in fitted] for some in (~inner, inner))
        moments, whole = self._moments(train), self._moments(fitted)
        tried = np.array([self._tried(_solved(moments, penalty), trial) for penalty in PENALTIES])  # [P, F]
        best = tried.argmax(0).tolist()
        weights = {number: _solved(whole, PENALTIES[number]) for number in set(best)}
        found = [self._read(weights[number][f], measured[0].places) for f, number in enumerate(best)]
        return [_rounded(each, labels) for each, labels in zip(found, measured, strict=True)]

    def _tried(self, weights: Floats, trial: Sequence[Labels]) -> list[float]:
        return [
            strength(self._read(w, labels.places), labels) if np.ptp(labels.values) else 0.0
            for w, labels in zip(weights, trial, strict=True)
        ]

    def _by_endings(self, fitted: Labels, asked: Integers) -> Floats:
        targets = fitted.targets
        prediction = np.full(len(asked), targets.mean())
        for endings in self._endings:
            seen, size = endings[fitted.places], int(endings.max()) + 1
            counts, sums = np.bincount(seen, minlength=size), np.bincount(seen, targets, size)
            prediction = (sums[endings[asked]] + FAITH * prediction) / (counts[endings[asked]] + FAITH)
        return prediction

    def _moments(self, fitted: Sequence[Labels]) -> tuple[Floats, Floats]:
        """How often two characters stand at two of the last places, and the sums of F features' labels there."""
        size, seen = self._size, [place[fitted[0].places] for place in self._places]
        last = len(seen)
        gram = np.empty((last, size, last, size))
        for first in range(last):
            for second in range(first + 1):
                pairs = np.bincount(seen[first] * size + seen[second], minlength=size**2).reshape(size, size)
                gram[first, :, second], gram[second, :, first] = pairs, pairs.T
        targets = [labels.targets - labels.targets.mean() for labels in fitted]
        right = np.stack([np.stack([np.bincount(a, each, size) for a in seen]) for each in targets])
        return gram, right  # [last, V, last, V], [F, last, V]

    def _read(self, weights: Floats, asked: Integers) -> Floats:
        return sum((row[place[asked]] for row, place in zip(weights, self._places, strict=True)), np.zeros(len(asked)))


def _solved(moments: tuple[Floats, Floats], penalty: float) -> Floats:
    """The ridge regression's weight of each character at each of the last places, for F features, [F, last, V]."""
    gram, right = moments
    size = gram.shape[0] * gram.shape[1]
    square = gram.reshape(size, size) + penalty * np.eye(size)
    return np.linalg.solve(square, right.reshape(len(right), size).T).T.reshape(right.shape)


def _endings(places: Sequence[Integers], size: int) -> Iterator[Integers]:
    """Number the endings of length 1 to LAST at each place, equal ones alike, each list [T]."""
    key = np.zeros(len(places[0]), np.int64)
    for place in places:
        _, key = np.unique(key * size + place, return_inverse=True)
        yield key


class LeakyCounters:
    """For each of the commonest characters and each half-life, a count of its occurrences that decays: inputs [n, K].

    count_t = 2^(−1/half-life) · count_(t−1) + [character t is the one]: what a unit that "counts with decay" can know.
    """

    def __init__(self, ids: Integers) -> None:
        self._numbers, rest = _numbered(ids, COUNTED)
        self._size = rest + 1
        self._decays = 2.0 ** (-1 / np.array(HALF_LIVES))

    def at(self, places: Integers) -> Floats:
        """Return the counts [n, K] at some places, in ascending order."""
        found = np.empty((len(places), len(HALF_LIVES) * self._size), np.float32)
        begin = 0
        for start, counts in self._pieces(max(0, int(places[0]) - READ_BEFORE), int(places[-1]) + 1):
            end = int(np.searchsorted(places, start + len(counts)))
            found[begin:end] = counts[places[begin:end] - start]
            begin = end
        return found

    def _pieces(self, begin: int, end: int) -> Iterator[tuple[int, Floats]]:
        """Yield the place of each CHUNK and the counts [CHUNK, K] in it."""
        steps = np.arange(CHUNK)
        reach = steps[:, None] - steps  # how long ago each character of the chunk was, at each
        within = np.where(reach >= 0, self._decays[:, None, None] ** np.maximum(reach, 0), 0).astype(np.float32)
        fading = (self._decays[:, None] ** (steps + 1)).astype(np.float32)  # [half-lives, CHUNK]
        state = np.zeros((len(HALF_LIVES), self._size), np.float32)
        seen = np.eye(self._size, dtype=np.float32)
        for start in range(begin, end, CHUNK):
            here = seen[self._numbers[start : min(end, start + CHUNK)]]
            n = len(here)
            counts = within[:, :n, :n] @ here + fading[:, :n, None] * state[:, None]
            state = counts[:, -1]
            yield start, counts.transpose(1, 0, 2).reshape(n, -1)


class Baselines:
    """All predictors that ask no network, over one text of ids [T]; `stretches` [T] tells each place's stretch.

    `before` are the ids [N] of another text, such as the one that a model was trained on, which is fitted as well.
    """

    def __init__(self, ids: Integers, stretches: Integers, before: Integers | None = None) -> None:
        before = ids[:0] if before is None else before
        self._begin, ids = len(before), np.concatenate([before, ids])
        pieces = np.arange(self._begin) // LEAST
        self._stretches = np.concatenate([pieces, stretches + len(np.unique(pieces))])
        self._last, self._longer = Surface(ids), Surface(ids, LONGER, FEWER)
        self._counters = LeakyCounters(ids)

    def predictions(
        self, fitted: Sequence[Labels], measured: Sequence[Labels], training: Sequence[Labels] = ()
    ) -> list[dict[str, Floats]]:
        """Return each baseline's predictions [D] of each feature, all being defined at the same places.

        `training` are the labels of the text before, at places in it.
        """
        measured = [Labels(each.values, each.places + self._begin, each.binary) for each in measured]
        fitted = [Labels(each.values, each.places + self._begin, each.binary) for each in fitted]
        if training:
            fitted = [first.joined(second) for first, second in zip(training, fitted, strict=True)]
        last = self._last.predictions(fitted, measured)
        longer = self._longer.linear(fitted, measured, self._stretches)
        probes, _ = fit(self._counters, fitted, self._stretches, FITTED)
        counts = predictions(probes, self._counters, measured[0].places)
        counted = [_rounded(each, labels) for each, labels in zip(counts, measured, strict=True)]
        return [dict(zip(BASELINES, each, strict=True)) for each in zip(last, longer, counted, strict=True)]
