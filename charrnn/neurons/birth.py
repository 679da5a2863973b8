"""When a unit was born: what follows a feature at each stage of a run, and since when the last stage's unit does."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from charrnn.model.units import Unit
from charrnn.neurons.columns import Columns
from charrnn.neurons.features import Feature
from charrnn.neurons.search import Best, Metric, best_unit, score_of, surface_score


@dataclass(frozen=True)
class Stage:
    """What follows a feature after so many steps, and how well the last stage's unit does."""

    step: int
    best: Best
    score: float


@dataclass(frozen=True)
class Birth:
    """A feature's best unit at the end of a run, and how it came to be."""

    unit: Unit
    signal: str
    metric: Metric
    surface_score: float  # what the last few characters alone tell
    stages: tuple[Stage, ...]

    @property
    def born(self) -> int:
        """The first step since which the unit has at least half of the strength that it ends with, at every stage."""
        chance = 0.5 if self.metric == "AUC" else 0.0
        half = (self.stages[-1].score - chance) / 2
        since = self.stages[-1].step
        for stage in reversed(self.stages):
            if stage.score - chance < half:
                break
            since = stage.step
        return since


def birth(
    steps: Sequence[int],
    recorded: Callable[[int], AbstractContextManager[Columns]],
    ids: npt.NDArray[np.integer],
    text: str,
    feature: Feature,
    before: str = "",
) -> Birth:
    """Follow a feature through the stages of a run; `recorded` gives the units' values over the text, ids [T], at each.

    At every stage units are chosen on the first half of the text, and all scores are from the second.

    Raises:
        ConfigError: the feature hardly changes in one of the halves.
    """
    told: list[Stage] = []
    for step in sorted(steps, reverse=True):  # the last one first: it has the unit that the others are asked for
        with recorded(step) as columns:
            best = best_unit(columns, text, feature, before)
            own = told[0].best if told else best
            told.append(Stage(step, best, score_of(columns, own.unit, own.signal, text, feature, before)))
    last = told[0].best
    return Birth(
        last.unit, last.signal, last.metric, surface_score(ids, text, feature, before), tuple(reversed(told))
    )  # fmt: skip
