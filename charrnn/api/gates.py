"""How saturated a model's gates are over a text, and how long its units' memories last."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from charrnn.api.drawing import Plot
from charrnn.api.passage import Passage
from charrnn.display import gates as shown
from charrnn.feedback import SILENT, Feedback
from charrnn.model.devices import choose_precision, name_of
from charrnn.model.network import CharRNN
from charrnn.neurons.gates import Saturation, gates_from_0_to_1, saturation

_ENDLESS = 1e9  # characters: a memory that lasts as long never fades


@dataclass(frozen=True)
class Gates(Plot):
    """The share of a text's characters at which each unit's gates are shut and open, and each unit's half-life."""

    passage: Passage
    saturation: Saturation
    precision: str  # of the recording: float32 or bfloat16

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON has it; a memory that never fades has the half-life None."""
        found = self.saturation
        lives = [[life if life < _ENDLESS else None for life in layer] for layer in found.half_life.tolist()]
        gates = {each: {"left": found.left[each].tolist(), "right": found.right[each].tolist()} for each in found.left}
        origin = {"model": self.passage.model, "source": list(self.passage.source), "characters": len(self.passage)}
        origin["precision"] = self.precision
        return origin | {"gates": gates, "half_life": lives}

    def __str__(self) -> str:
        return shown.text(self.to_dict())

    def plot(self, path: Path, form: str) -> None:
        """Draw a scatter plot for each gate."""
        shown.draw(self.to_dict(), f"{self.passage.model} over {self.passage.title}", path, form)


def gates(network: CharRNN, passage: Passage, *, precision: str | None = None, feedback: Feedback = SILENT) -> Gates:
    """Count how often each unit's gates are nearly shut (below 0.1) and nearly open (above 0.9) over a text.

    They are recorded in a `precision`, float32 or bfloat16; None: as `choose_precision` has it.

    Raises:
        ConfigError: the cell has no gates.
    """
    gates_from_0_to_1(network.config)
    number = choose_precision(precision, network.device)
    with feedback.bar(len(passage), "recording") as bar:
        return Gates(passage, saturation(network, passage.ids, number, bar.update), name_of(number))
