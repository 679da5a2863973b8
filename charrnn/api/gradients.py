"""How a loss's gradient vanishes, explodes or lasts on its way back through time."""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from charrnn.api.drawing import Plot
from charrnn.api.passage import Passage
from charrnn.display import gradients as shown
from charrnn.feedback import SILENT, Feedback
from charrnn.model.network import CharRNN
from charrnn.neurons.gradients import Curve, curves


@dataclass(frozen=True)
class Gradients(Plot):
    """The gradients' norms over the distance, by part of the state and layer: log10 of their median and of 80 %."""

    passage: Passage
    distance: int
    losses: int
    curves: dict[str, list[Curve]]

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON has it."""
        about = {"model": self.passage.model, "source": list(self.passage.source), "characters": len(self.passage)}
        parts = {name: [curve_dict(curve) for curve in layers] for name, layers in self.curves.items()}
        return {**about, "losses": self.losses, "distance": self.distance, "curves": parts}

    def __str__(self) -> str:
        return shown.text(self.to_dict())

    def plot(self, path: Path, form: str) -> None:
        """Draw the curves, each with its band."""
        shown.draw(self.to_dict(), path, form)


def gradients(
    network: CharRNN, passage: Passage, *, distance: int = 100, losses: int = 64, feedback: Feedback = SILENT
) -> Gradients:
    """Measure the norm of ∂loss_t/∂(state after character t−k) over k, for characters t spread evenly over a text.

    Args:
        network: whose state it is.
        passage: the text.
        distance: the largest k.
        losses: of how many characters the loss is taken.
        feedback: where notes and counts go.

    Raises:
        ConfigError: the text is too short.
        StatesOverflowError: the network's states are not finite.
    """
    with feedback.bar(distance, "going back", unit="step") as bar:
        return Gradients(passage, distance, losses, curves(network, passage.ids, distance, losses, bar.update))


def curve_dict(curve: Curve) -> dict[str, Any]:
    """Return a curve as JSON has it: None stands for the logarithm of zero."""
    values = {"median": curve.median, "low": curve.low, "high": curve.high}
    logs = {f"log10_{name}": [v if math.isfinite(v) else None for v in of.tolist()] for name, of in values.items()}
    return {**logs, "half_life": curve.half_life, "below_1_percent": curve.gone(0.01)}
