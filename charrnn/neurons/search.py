"""Which unit follows a feature: chosen on one stretch of text, every figure measured on the next, beside controls."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from charrnn.errors import ConfigError, counted
from charrnn.model.units import Unit
from charrnn.neurons.columns import Columns
from charrnn.neurons.controls import Surface, probe
from charrnn.neurons.features import Feature
from charrnn.neurons.measures import Labels, average_precision, interval, midranks, rank_products, score, strength

Floats = npt.NDArray[Any]
Metric = Literal["AUC", "Spearman's ρ"]
Verdict = Literal["single unit", "distributed", "surface", "not found"]

SHIFTS = 200  # of the labels, against which a score is tested
AT_ONCE = 60_000_000  # numbers of shifted labels held in memory
RAREST = 10  # characters at which a binary feature must be on, and off, in either stretch
SIGNIFICANT = 0.05  # the family-wise p-value of a unit that is found
MARGIN = 0.05  # by which strengths must differ to count as different
CLEAR = 0.3  # the strength from which on a feature counts as known: an AUC of 0.65
SHARE = 0.8  # of the whole layer's strength that a single unit must have


@dataclass(frozen=True)
class Finding:
    """What is known of a feature in a model; scores are AUCs of binary features, else Spearman's ρ."""

    feature: str
    kind: Literal["binary", "continuous"]
    predictive: bool
    unit: Unit
    signal: str
    sign: int  # −1 where the unit is low when the feature is on
    metric: Metric
    score: float  # with the sign that the unit was chosen with
    low: float  # its 95 % interval
    high: float
    p_value: float  # chance that the best of all units does as well on labels shifted in a circle
    average_precision: float | None
    share: float | None  # of the characters at which a binary feature is on: the average precision of chance
    surface_score: float
    layer_score: float
    layer_p_value: float  # chance that the layer's probe does as well on labels shifted in a circle
    verdict: Verdict

    @property
    def gain(self) -> float:
        """By how much the unit's strength, 2·AUC − 1 or ρ, is above that of the last few characters alone."""
        return (self.score - self.surface_score) * (2 if self.kind == "binary" else 1)


@dataclass(frozen=True)
class _Task:
    feature: Feature
    discover: Labels
    report: Labels

    @property
    def places(self) -> bytes:
        return self.discover.places.tobytes() + self.report.places.tobytes()


def search(
    columns: Columns,
    ids: npt.NDArray[np.integer],
    text: str,
    features: Sequence[Feature],
    before: str = "",
    seed: int = 0,
    on_feature: Callable[[int], object] = lambda done: None,
) -> list[Finding | str]:
    """Look for each feature among all units recorded over a text of ids [T].

    `before` is what stands before the text, where it is a part of a longer one: whether the text begins inside a
    string or a comment is told by what precedes it.

    Returns:
        For each feature what was found, or its name where it hardly changes in the first or the second half.
    """
    half = len(text) // 2
    surface, random = Surface(ids), np.random.default_rng(seed)
    results: dict[str, Finding | str] = {}
    tasks = [task for feature in features if (task := _task(feature, text, before))]
    for _, group in groupby(sorted(tasks, key=lambda task: task.places), key=lambda task: task.places):
        for some in _batches(list(group)):
            for task, row, sign, p_value in _choose(columns.values, some, half, random):
                results[task.feature.name] = _measure(columns, task, row, sign, p_value, surface, half, random)
            on_feature(len(some))
    return [results.get(feature.name, feature.name) for feature in features]


@dataclass(frozen=True)
class Best:
    """The unit that follows a feature best over one stretch, and its score over the next."""

    unit: Unit
    signal: str
    score: float
    metric: Metric


def best_unit(columns: Columns, text: str, feature: Feature, before: str = "") -> Best:
    """Choose the unit on the first half of the text and measure it on the second, without controls.

    Raises:
        ConfigError: the feature hardly changes in one of the halves.
    """
    task, half = _changing(feature, text, before), len(text) // 2
    row, sign = _best(columns.values[:, :half], task.discover)
    signal, unit = columns.unit(row)
    return Best(unit, signal, _reported(columns, task, row, sign, half), _metric(task.report))


def score_of(columns: Columns, unit: Unit, signal: str, text: str, feature: Feature, before: str = "") -> float:
    """Return how well one unit follows a feature over the second half of the text, its sign being from the first.

    Raises:
        ConfigError: the feature hardly changes in one of the halves.
    """
    task, half, row = _changing(feature, text, before), len(text) // 2, columns.row(signal, unit)
    _, sign = _best(columns.values[row : row + 1, :half], task.discover)
    return _reported(columns, task, row, sign, half)


def surface_score(ids: npt.NDArray[np.integer], text: str, feature: Feature, before: str = "") -> float:
    """Return how well the last few characters alone tell a feature, as `score_of` measures a unit."""
    task = _changing(feature, text, before)
    return score(Surface(ids).strength(task.discover, task.report, len(text) // 2), task.report.binary)


def _changing(feature: Feature, text: str, before: str) -> _Task:
    task = _task(feature, text, before)
    if task is None:
        raise unchanging(feature, text, before)
    return task


def unchanging(feature: Feature, text: str, before: str = "") -> ConfigError:
    """Return the error of a feature that hardly changes over a text."""
    whole = counted(len(text), "character")
    on = int((feature.values(before + text)[len(before) :] == 1).sum())
    if not feature.binary or on in (0, len(text)):
        where = f"is on {'nowhere' if on == 0 else 'everywhere'} in" if feature.binary else "hardly changes over"
        cure = "give a text in which it changes, or another feature or pattern"
        return ConfigError(f"{feature.name} {where} {whole}", cure)
    needed = f"it takes {RAREST} or more with it, and without, in each half"
    return ConfigError(f"{feature.name} is on at {on:,} of {whole}: {needed}", "give a longer text, or another feature")


def _reported(columns: Columns, task: _Task, row: int, sign: int, half: int) -> float:
    own = strength(sign * columns.values[row, half:][task.report.places], task.report)
    return score(own, task.report.binary)


def _best(values: Floats, labels: Labels) -> tuple[int, int]:
    """The row that follows the labels best, and its sign."""
    products, squares = rank_products(values, labels.places, labels.targets[None])
    strengths = labels.strengths(products[:, 0], squares)
    row = int(np.argmax(np.abs(strengths)))
    return row, -1 if strengths[row] < 0 else 1


def _metric(labels: Labels) -> Metric:
    return "AUC" if labels.binary else "Spearman's ρ"


def _task(feature: Feature, text: str, before: str) -> _Task | None:
    values, half = feature.values(before + text)[len(before) :], len(text) // 2
    defined = values[~np.isnan(values)]
    binary = feature.binary or bool(np.isin(defined, (0, 1)).all())
    discover, report = (Labels.of(part, binary) for part in (values[:half], values[half:]))
    return _Task(feature, discover, report) if _changes(discover) and _changes(report) else None


def _changes(labels: Labels) -> bool:
    if not labels.binary:
        return len(labels.values) >= RAREST and bool(np.ptp(labels.values) > 0)
    on = labels.values.sum()
    return min(on, len(labels.values) - on) >= RAREST


def _batches(tasks: list[_Task]) -> Iterator[list[_Task]]:
    """Cut the tasks so that the shifted labels of each list of them fit in memory."""
    size = max(1, AT_ONCE // ((SHIFTS + 1) * len(tasks[0].report.places)))
    for begin in range(0, len(tasks), size):
        yield tasks[begin : begin + size]


def _choose(
    values: Floats, tasks: list[_Task], half: int, random: np.random.Generator
) -> Iterator[tuple[_Task, int, int, float]]:
    """Yield, for tasks defined at the same places, the unit that follows each best, its sign and its p-value."""
    targets = np.stack([task.discover.targets for task in tasks])
    products, squares = rank_products(values[:, :half], tasks[0].discover.places, targets)
    shifted = [_shifted(task.report.targets, random) for task in tasks]
    null, null_squares = rank_products(values[:, half:], tasks[0].report.places, np.concatenate(shifted))
    for index, task in enumerate(tasks):
        chosen_on = task.discover.strengths(products[:, index], squares)
        row = int(np.argmax(np.abs(chosen_on)))
        sign = -1 if chosen_on[row] < 0 else 1
        own = null[:, index * (SHIFTS + 1) : (index + 1) * (SHIFTS + 1)]
        strengths = task.report.strengths(own, null_squares[:, None])
        as_good = np.abs(strengths[:, 1:]).max(0) >= sign * strengths[row, 0]
        yield task, row, sign, float((1 + as_good.sum()) / (1 + SHIFTS))


def _shifted(targets: Floats, random: np.random.Generator) -> Floats:
    """Return targets [D] as they are and shifted in a circle SHIFTS times, by a twentieth of their length at least."""
    least = len(targets) // 20
    by = random.integers(least, len(targets) - least + 1, SHIFTS)
    twice = np.concatenate([targets, targets])
    return np.stack([twice[start : start + len(targets)] for start in (0, *by)])


def _measure(
    columns: Columns, task: _Task, row: int, sign: int, p_value: float, surface: Surface, half: int,
    random: np.random.Generator,
) -> Finding:  # fmt: skip
    report, layer = task.report, columns.values[columns.layer_of(row)]
    values = sign * columns.values[row, half:][report.places].astype(np.float32)
    binary = report.binary
    own = strength(values, report)
    by_surface = surface.strength(task.discover, report, half)
    predicted = probe(layer[:, :half], task.discover, layer[:, half:], report)
    by_layer, layer_p_value = strength(predicted, report), _p_value(predicted, report, random.spawn(1)[0])
    low, high = interval(values, report, random)
    signal, unit = columns.unit(row)
    return Finding(
        feature=task.feature.name,
        kind="binary" if binary else "continuous",
        predictive=task.feature.predictive,
        unit=unit,
        signal=signal,
        sign=sign,
        metric=_metric(report),
        score=score(own, binary),
        low=score(low, binary),
        high=score(high, binary),
        p_value=p_value,
        average_precision=average_precision(values, report) if binary else None,
        share=float(report.values.mean()) if binary else None,
        surface_score=score(by_surface, binary),
        layer_score=score(by_layer, binary),
        layer_p_value=layer_p_value,
        verdict=verdict(own, p_value, by_surface, by_layer if layer_p_value < SIGNIFICANT else 0.0),
    )


def _p_value(values: Floats, labels: Labels, random: np.random.Generator) -> float:
    """The chance that a predictor, its values [D] at the labels' places, does as well on shifted labels."""
    ranks = midranks(values)
    strengths = labels.strengths(_shifted(labels.targets, random) @ ranks, (ranks.astype(np.float64) ** 2).sum())
    return float((1 + (strengths[1:] >= strengths[0]).sum()) / (1 + SHIFTS))


def verdict(unit: float, p_value: float, surface: float, layer: float) -> Verdict:
    """Say what the strengths of the best unit, of the last characters alone and of the whole layer amount to.

    The layer's is to be 0 where it is not significant.

    not found: no unit is significant and the layer does not know the feature clearly, or neither knows it clearly
    although the last characters do not tell it either. surface: neither knows it better than the last characters tell.
    single unit: a significant unit does, and has most of what the whole layer has. Else distributed.

    >>> verdict(0.9, 0.005, 0.4, 0.95), verdict(0.5, 0.005, 0.4, 0.95)
    ('single unit', 'distributed')
    >>> verdict(0.6, 0.005, 0.8, 0.7), verdict(0.2, 0.3, 0.1, 0.2)
    ('surface', 'not found')
    """
    found = p_value < SIGNIFICANT
    known = max(unit if found else 0.0, layer)
    if not found and layer < CLEAR:
        return "not found"
    if known <= surface + MARGIN:
        return "surface"
    if known < CLEAR:
        return "not found"
    if found and unit > surface + MARGIN and unit >= SHARE * layer:
        return "single unit"
    return "distributed"
