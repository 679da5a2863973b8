"""Which unit follows a feature: chosen on one half of a text, every figure measured on the other, beside controls."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import numpy.typing as npt

from charrnn.neurons.baselines import Baselines
from charrnn.neurons.choosing import choices
from charrnn.neurons.columns import Columns
from charrnn.neurons.controls import Untrained
from charrnn.neurons.examining import Examined, Study
from charrnn.neurons.features import Feature
from charrnn.neurons.finding import Finding
from charrnn.neurons.stretches import DISCOVER, REPORT, Stretches
from charrnn.neurons.tasks import Task, TrainingText, groups, task_of


def search(
    columns: Columns,
    ids: npt.NDArray[np.integer],
    text: str,
    features: Sequence[Feature],
    before: str = "",
    seed: int = 0,
    on_feature: Callable[[int], object] = lambda done: None,
    stretches: Stretches | None = None,
    untrained: Callable[[Sequence[Task]], Mapping[str, Untrained]] = lambda tasks: {},
    training: TrainingText | None = None,
    directions: bool = False,
) -> list[Finding | str]:
    """Look for each feature among all units recorded over a text of ids [T].

    `before` is what stands before the text, where it is a part of a longer one: whether the text begins inside a
    string or a comment is told by what precedes it. `stretches` are those of the text that were recorded; None: all of
    it. `untrained` tells how well an untrained network does at some tasks; without it, there is no such control.
    On the training text, where it is at hand, what the text alone tells is fitted as well.
    With `directions`, a finding has the direction of h that the best layer's probe reads.

    Returns:
        For each feature what was found, or its name where it hardly changes in one of the halves.
    """
    over = stretches or Stretches.over(len(text))
    tasks = [task for feature in features if (task := task_of(feature, text, before, over, training))]
    controls = untrained(tasks) if tasks else {}
    baselines = Baselines(ids, over.numbers, training.ids if training else None)
    study = Study(columns, baselines, over.numbers, controls, np.random.default_rng(seed), directions)
    examined: dict[str, Examined] = {}
    chosen_of = dict(zip((task.feature.name for task in tasks), choices(columns, tasks), strict=True)) if tasks else {}
    for group in groups(tasks):
        some = [(task, chosen_of[task.feature.name]) for task in group]
        for half in (DISCOVER, REPORT):
            chosen = [(task, choice) for task, choice in some if choice.chosen_on == half]
            for each in study.examine(chosen, half) if chosen else ():
                examined[each.task.feature.name] = each
                on_feature(1)
    found = dict(zip(examined, study.findings(list(examined.values())), strict=True))
    return [found.get(feature.name, feature.name) for feature in features]
