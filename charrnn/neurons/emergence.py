"""When a unit emerges: what follows a feature at each stage of a run, and since when the last stage's unit does."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from charrnn.model.units import Unit
from charrnn.neurons.best import Best, best_unit, score_of, surface_score
from charrnn.neurons.columns import Columns
from charrnn.neurons.features import Feature
from charrnn.neurons.finding import Metric
from charrnn.neurons.measures import strength_of
from charrnn.neurons.verdicts import MARGIN


@dataclass(frozen=True)
class Stage:
    """What follows a feature after so many steps, and how well the last stage's unit does."""

    step: int
    best: Best
    score: float


@dataclass(frozen=True)
class Emergence:
    """A feature's best unit at the end of a run, and how it came to be."""

    unit: Unit
    signal: str
    metric: Metric
    surface_score: float  # what the last few characters alone tell
    stages: tuple[Stage, ...]

    @property
    def first_step(self) -> int | None:
        """The first step since which the unit beats the baseline and has half of its final strength, at every stage.

        The baseline is what the last few characters alone tell. None: the unit does not beat it in the end.
        """
        final, baseline, since = self._strength(self.stages[-1].score), self._strength(self.surface_score), None
        for stage in reversed(self.stages):
            own = self._strength(stage.score)
            if own < final / 2 or own <= max(0.0, baseline) + MARGIN:
                break
            since = stage.step
        return since

    def _strength(self, score: float) -> float:
        return strength_of(score, self.metric == "AUC")


def emergence(
    steps: Sequence[int],
    recorded: Callable[[int], AbstractContextManager[Columns]],
    ids: npt.NDArray[np.integer],
    text: str,
    feature: Feature,
    before: str = "",
) -> Emergence:
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
    surface = surface_score(ids, text, feature, before)
    return Emergence(last.unit, last.signal, last.metric, surface, tuple(reversed(told)))
