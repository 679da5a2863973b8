"""Passages of a text in which some units do what they do in one that is given."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from charrnn.api.passage import Passage
from charrnn.api.result import Result
from charrnn.display.signs import one_line
from charrnn.errors import ConfigError, counted
from charrnn.feedback import SILENT, Feedback
from charrnn.model.devices import choose_precision
from charrnn.model.network import CharRNN
from charrnn.model.units import Unit
from charrnn.neurons.passages import Match, alike
from charrnn.neurons.recording import record_pieces
from charrnn.neurons.signal_names import default_signal
from charrnn.text.symbols import plain


@dataclass(frozen=True)
class Alike(Result):
    """The passages most like one that is given, nearest first."""

    passage: Passage
    units: tuple[str, ...]
    start: int
    end: int
    matches: tuple[Match, ...]
    precision: str  # of the recording: float32 or bfloat16

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON has it; distances are in standard deviations."""
        origin = {"model": self.passage.model, "source": list(self.passage.source), "units": list(self.units)}
        origin["precision"] = self.precision
        matches = [
            {"start": each.start, "end": each.end, "distance": each.distance, "text": self._text(each.start, each.end)}
            for each in self.matches
        ]
        like = {"start": self.start, "end": self.end, "text": self._text(self.start, self.end)}
        return origin | {"like": like, "matches": matches}

    def __str__(self) -> str:
        told = self.to_dict()
        rows = [(f"{'like':>8}", told["like"]), *((f"{each['distance']:8.2f}", each) for each in told["matches"])]
        heads = f"distance  {'position':>10}  text (distance in standard deviations, position in characters)"
        return "\n".join([heads, *(f"{head}  {at['start']:>10,}  {one_line(at['text'])}" for head, at in rows)])

    def _text(self, start: int, end: int) -> str:
        return plain(self.passage.text[start:end])


def grep(
    network: CharRNN,
    passage: Passage,
    units: Sequence[str],
    start: int,
    end: int,
    *,
    count: int = 10,
    signal: str | None = None,
    precision: str = "float32",
    feedback: Feedback = SILENT,
) -> Alike:
    """Find the stretches of a text in which some units do what they do from `start` to `end` of it.

    Ranked by the distance of the units' values, character by character, in standard deviations.
    They are recorded in float32 or bfloat16; passages most alike differ by less than bfloat16 tells.

    Raises:
        ConfigError: there is no such unit or signal, or the stretch is not in the text.
    """
    wanted = [Unit.parse(unit, network.config) for unit in units]
    if not 0 <= start < end <= len(passage):
        whole = counted(len(passage), "character")
        raise ConfigError(f"'{start}:{end}' is no passage of {whole}", "write START:END, such as 1000:1040")
    signal = signal or default_signal(network.config)
    number = choose_precision(precision, network.device)
    values = _values(network, passage.ids, wanted, signal, number, feedback)
    matches = alike(values, start, end, count)
    return Alike(passage, tuple(units), start, end, tuple(matches), precision)


def _values(
    network: CharRNN,
    ids: npt.NDArray[np.integer],
    units: Sequence[Unit],
    signal: str,
    precision: torch.dtype,
    feedback: Feedback,
) -> npt.NDArray[np.float32]:
    """Record some units [U, T] only."""
    values = np.empty((len(units), len(ids)), np.float32)
    with feedback.bar(len(ids), "recording") as bar:
        for piece in record_pieces(network, ids, [signal], precision):
            for row, unit in enumerate(units):
                recorded = piece.signals[signal][unit.layer, :, unit.index]
                values[row, piece.start : piece.start + piece.characters] = recorded.float().cpu().numpy()
            bar.update(piece.characters)
    return values
