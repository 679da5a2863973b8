"""Tasks: features with their labels on both halves of what is read, and those that change too little left out."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import numpy as np
import numpy.typing as npt

from charrnn.errors import ConfigError, counted
from charrnn.neurons.features import Feature
from charrnn.neurons.measures import Labels
from charrnn.neurons.stretches import AHEAD, DISCOVER, GUARD, REPORT, Stretches

Floats = npt.NDArray[Any]
RAREST = 10  # characters at which a binary feature must be on, and off, in either half


@dataclass(frozen=True)
class TrainingText:
    """What a model was trained on, or the end of it: predictors that ask no network are fitted on it as well."""

    ids: npt.NDArray[np.integer]  # [N]
    text: str  # the characters that the ids stand for


@dataclass(frozen=True)
class Task:
    """A feature and its labels on each half, at places among the characters that are read."""

    feature: Feature
    halves: tuple[Labels, Labels]  # discovery, report
    training: Labels | None = None  # over a training text, at places in it

    @property
    def places(self) -> bytes:
        """What tasks that are defined at the same places have in common."""
        learned = self.training.places.tobytes() if self.training else b""
        return self.halves[0].places.tobytes() + self.halves[1].places.tobytes() + learned

    @property
    def binary(self) -> bool:
        """Whether the feature is on or off."""
        return self.halves[0].binary


def task_of(
    feature: Feature, text: str, before: str, over: Stretches, training: TrainingText | None = None
) -> Task | None:
    """Return a feature's labels over a passage, `before` being what precedes it; None where it hardly changes."""
    values = over.of(feature.values(before + text)[len(before) :])
    defined = values[~np.isnan(values)]
    binary = feature.binary or bool(np.isin(defined, (0, 1)).all())
    halves = over.halves
    first, second = (Labels.of(np.where(halves == half, values, np.nan), binary) for half in (DISCOVER, REPORT))
    learned = _training_labels(feature, training, binary) if training else None
    return Task(feature, (first, second), learned) if _changes(first) and _changes(second) else None


def thinned(task: Task, over: Stretches, some: Stretches) -> Task | None:
    """Return a task over some of the stretches that it is over; None where its feature hardly changes there."""
    kept = np.isin(over.numbers, np.searchsorted(over.starts, some.starts))
    new_places, halves = np.cumsum(kept) - 1, []
    for labels in task.halves:
        there = labels.where(kept[labels.places])
        halves.append(Labels(there.values, new_places[there.places], task.binary))
    return Task(task.feature, (halves[0], halves[1])) if all(map(_changes, halves)) else None


def _training_labels(feature: Feature, training: TrainingText, binary: bool) -> Labels:
    """A feature over the training text, but where it begins, as what precedes it is not known, and ends."""
    values = feature.values(training.text).astype(np.float64)
    values[: min(GUARD, len(values) // 10)] = values[len(values) - min(AHEAD, len(values) // 50) :] = np.nan
    return Labels.of(values.clip(0, 1) if binary else values, binary)


def _changes(labels: Labels) -> bool:
    if not labels.binary:
        return len(labels.values) >= RAREST and bool(np.ptp(labels.values) > 0)
    on = labels.values.sum()
    return bool(min(on, len(labels.values) - on) >= RAREST)


def changing(feature: Feature, text: str, before: str, over: Stretches) -> Task:
    """Return a feature's task.

    Raises:
        ConfigError: the feature hardly changes in one of the halves.
    """
    task = task_of(feature, text, before, over)
    if task is None:
        raise unchanging(feature, text, before, over)
    return task


def unchanging(feature: Feature, text: str, before: str, over: Stretches) -> ConfigError:
    """Return the error of a feature that hardly changes over what is read of a text."""
    values = over.of(feature.values(before + text)[len(before) :])
    whole, on = counted(len(values), "character"), int((values == 1).sum())
    if not feature.binary or on in (0, len(values)):
        where = f"is on {'nowhere' if on == 0 else 'everywhere'} in" if feature.binary else "hardly changes over"
        cure = "give a text in which it changes, or another feature or pattern"
        return ConfigError(f"{feature.name} {where} {whole}", cure)
    needed = f"it takes {RAREST} or more with it, and without, in each half"
    return ConfigError(f"{feature.name} is on at {on:,} of {whole}: {needed}", "give a longer text, or another feature")


def groups(tasks: Sequence[Task]) -> Iterator[list[Task]]:
    """Yield tasks that are defined at the same places together."""
    for _, group in groupby(sorted(tasks, key=lambda task: task.places), key=lambda task: task.places):
        yield list(group)
