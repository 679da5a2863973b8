"""Choosing: which units follow a feature best on each half of a text, which one on both, and which layer's probe."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from charrnn.model.units import Unit
from charrnn.neurons.columns import Columns
from charrnn.neurons.measures import Labels, float16_midranks, rank_moments
from charrnn.neurons.probes import Moments, Probe, Rows, fit
from charrnn.neurons.stretches import DISCOVER, REPORT
from charrnn.neurons.tasks import Task

Floats = npt.NDArray[Any]
TOP = 3  # units that are told
MEASURED = 24  # units of each half that are measured exactly
NEAR = 0.8  # of the best unit's strength on a half that the chosen unit must have there


@dataclass(frozen=True)
class Candidate:
    """A unit that is among the best on one of the halves, and its strengths on both, in the sign of the first."""

    row: int
    sign: int
    strengths: tuple[float, float]  # discovery, report


@dataclass(frozen=True)
class Choice:
    """The unit that is chosen for a feature, on which half, and what else was in question."""

    candidates: tuple[Candidate, ...]  # the chosen one first
    chosen_on: int  # DISCOVER or REPORT: the half that preferred it; all figures are from the other
    agree: bool  # whether it is near the best unit on both halves
    looks: int  # 2 where the halves prefer different units, and the better choice was taken, else 1

    @property
    def best(self) -> Candidate:
        """The chosen unit."""
        return self.candidates[0]

    @property
    def measured_on(self) -> int:
        """The half that all figures are from."""
        return REPORT if self.chosen_on == DISCOVER else DISCOVER


def choices(columns: Columns, tasks: Sequence[Task]) -> list[Choice]:
    """Return the choice for each of some tasks.

    All units are compared by the correlation of their ranks, among all characters of a half, with the labels; those
    that come first are then measured exactly.
    """
    first = [_nearly(columns, tasks, half) for half in (DISCOVER, REPORT)]
    found = []
    for task, *halves in zip(tasks, *first, strict=True):
        rows = np.unique(np.concatenate([np.argsort(-np.abs(half), kind="stable")[:MEASURED] for half in halves]))
        strengths = [exact_strengths(columns, rows, task.halves[half]) for half in (DISCOVER, REPORT)]
        chosen = choose(*strengths)
        exact = tuple(replace(each, row=int(rows[each.row])) for each in chosen.candidates)
        found.append(replace(chosen, candidates=exact))
    return found


def exact_strengths(columns: Columns, rows: npt.NDArray[np.integer], labels: Labels) -> Floats:
    """Return the strength of some units, [rows]."""
    values = columns.values.T[np.ix_(labels.places, rows)].T
    ranks = float16_midranks(values)
    products = (ranks * labels.targets).sum(1, dtype=np.float64)  # a row at a time: it must not hang on the other rows
    return labels.strengths(products, (ranks**2).sum(1, dtype=np.float64)).clip(-1, 1)


def _nearly(columns: Columns, tasks: Sequence[Task], half: int) -> Floats:
    """The correlation [F, N] of each unit's ranks among all characters of a half with each feature's labels."""
    labels = [task.halves[half] for task in tasks]
    places = np.unique(np.concatenate([each.places for each in labels]))
    targets, known = np.zeros((2, len(labels), len(places)), np.float32)
    for number, each in enumerate(labels):
        where = np.searchsorted(places, each.places)
        centred = each.targets - each.targets.mean()
        targets[number, where], known[number, where] = centred / max(1e-9, np.linalg.norm(centred)), 1
    masks, mask_of = np.unique(known, axis=0, return_inverse=True)
    products, sums, squares = rank_moments(columns.values, places, targets, masks)  # [N, F], [N, M], [N, M]
    variances = np.maximum(1e-9, squares - sums**2 / masks.sum(1))
    return (products / np.sqrt(variances[:, mask_of.ravel()])).T


def choose(discover: Floats, report: Floats) -> Choice:
    """Choose among units by their strengths [N] on each half: of the two halves' best, the one that does well on both.

    >>> found = choose(np.array([0.60, 0.59, 0.1]), np.array([0.48, 0.92, 0.1]))
    >>> found.best.row, found.chosen_on, found.agree, found.looks
    (1, 1, True, 2)
    """
    both = np.stack([discover, report])
    rows = [int(np.abs(strengths).argmax()) for strengths in both]
    own = [_candidate(both, row, half) for half, row in enumerate(rows)]
    half = REPORT if min(own[REPORT].strengths) > min(own[DISCOVER].strengths) else DISCOVER
    best = own[half]
    agree = all(strength >= NEAR * abs(both[side, rows[side]]) for side, strength in enumerate(best.strengths))
    others = {row: _candidate(both, row, side) for side in (1 - half, half) for row in _first(both[side])}
    others.pop(best.row, None)
    rest = sorted(others.values(), key=lambda each: -min(each.strengths))[: TOP - 1]
    return Choice((best, *rest), half, agree, 1 if rows[0] == rows[1] else 2)


def _first(strengths: Floats) -> list[int]:
    """The rows of the TOP largest strengths, whatever their sign."""
    return np.argsort(-np.abs(strengths), kind="stable")[:TOP].tolist()


def _candidate(both: Floats, row: int, half: int) -> Candidate:
    sign = -1 if both[half, row] < 0 else 1
    return Candidate(row, sign, (float(sign * both[0, row]), float(sign * both[1, row])))


@dataclass(frozen=True)
class Layer:
    """The layer, of one signal, whose probe predicts a feature best, as some stretches of the fitted half have it."""

    rows: slice
    signal: str
    index: int
    probe: Probe
    moments: Moments
    feature: int  # which of the moments' features it is

    @property
    def unit_names(self) -> list[Unit]:
        """The units that its inputs are."""
        return [Unit(self.index, number) for number in range(self.rows.stop - self.rows.start)]


def layers(
    columns: Columns,
    tasks: Sequence[Task],
    half: int,
    stretches: npt.NDArray[np.integer],
    only: str | None = None,
) -> list[Layer]:
    """Fit a probe on every signal (or `only` one) of every layer, over one half, and return the best one for each task.

    The tasks are defined at the same places. Which is best is told by what also chooses the penalty of the weights.
    """
    best: list[Layer | None] = [None] * len(tasks)
    for begin in range(0, len(columns.values), columns.hidden_size):
        rows = columns.layer_of(begin)
        signal, unit = columns.unit(begin)
        if only not in (None, signal):
            continue
        probes, moments = fit(Rows(columns.values, rows), [task.halves[half] for task in tasks], stretches)
        for number, (probe, before) in enumerate(zip(probes, best, strict=True)):
            if before is None or probe.inner > before.probe.inner:
                best[number] = Layer(rows, signal, unit.layer, probe, moments, number)
    return [each for each in best if each]
