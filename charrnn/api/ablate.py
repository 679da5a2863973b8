"""What it costs a model to do without a unit."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from charrnn.api.passage import Passage
from charrnn.api.result import Result
from charrnn.display import costs
from charrnn.errors import ConfigError, check_choice, counted
from charrnn.feedback import SILENT, Feedback
from charrnn.model.devices import choose_precision
from charrnn.model.directions import named
from charrnn.model.network import CharRNN
from charrnn.neurons import ablation
from charrnn.neurons.along import How
from charrnn.neurons.features import feature_named


@dataclass(frozen=True)
class Cost(Result):
    """What ablating a unit costs over a passage, in nats per character, beside what random units cost."""

    passage: Passage
    feature: str | None
    ablation: ablation.Ablation
    precision: str  # of the products: float32 or bfloat16

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON has it."""
        return {
            **self.passage.origin(),
            "feature": self.feature,
            "precision": self.precision,
            **self.ablation.to_dict(),
        }

    def __str__(self) -> str:
        telling = [place for place, effect in self.ablation.effects.items() if effect.tells]
        return costs.text(self.to_dict(), telling)


def ablate(
    network: CharRNN,
    passage: Passage,
    unit: str,
    *,
    feature: str | None = None,
    how: How = "mean",
    seed: int = 0,
    precision: str = "float32",
    feedback: Feedback = SILENT,
) -> Cost:
    """Score a text with a unit or direction ablated inside the recurrence, and with 20 random ones that weigh as much.

    Args:
        network: whose unit or direction it is.
        passage: at least two characters.
        unit: such as "0:42", or FILE:FEATURE, a direction that `find` saved.
        feature: a name, or NAME=PATTERN; the cost inside and outside of it, and at its closing character, is told too.
        how: hold it at its mean or at zero, or give it the values that it has elsewhere in the text (resample).
        seed: of the random units.
        precision: float32 or bfloat16, in which the text is scored.
        feedback: where notes and counts go.

    Raises:
        ConfigError: there is no such unit or feature, or the feature is a count.
    """
    wanted = named(unit, network.config, network.weights)
    check_choice("how", how, ablation.WAYS)
    labels = None if feature is None else _labels(passage, feature)
    number, random = choose_precision(precision, network.device), np.random.default_rng(seed)
    with feedback.bar(len(passage) - 1, "scoring with 21 units held") as bar:
        result = ablation.ablate(network, passage.ids, wanted, labels, random, bar.update, how=how, precision=number)
    if feature and "inside" not in result.effects:
        where = f"in these {counted(len(passage), 'character')}"
        feedback.note(f"{feature} is never on {where}; read more with --characters")
    return Cost(passage, feature, result, precision)


def _labels(passage: Passage, name: str) -> npt.NDArray[np.float64]:
    values = feature_named(name).values(passage.before + passage.text)[len(passage.before) :]
    if not np.isin(values[~np.isnan(values)], (0, 1)).all():
        raise ConfigError(f"{name} is a count, with no inside", "choose a feature that is on or off, or none")
    return values
