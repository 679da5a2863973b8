"""A string recorded, and coloured by how unexpected each character was, or by a unit."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch

from charrnn.api.drawing import Drawing
from charrnn.display.highlight import SURPRISING, Highlight
from charrnn.errors import VocabularyError, counted
from charrnn.evaluation.scoring import score_text
from charrnn.model.network import CharRNN
from charrnn.model.units import Unit
from charrnn.neurons import recording
from charrnn.neurons.recording import Recording
from charrnn.neurons.signal_names import default_signal, is_bounded, shown_signal
from charrnn.text.vocabulary import Vocabulary


@dataclass(frozen=True)
class Coloured(Drawing):
    """A text in colours."""

    text: str
    coloured: Highlight

    @property
    def highlight(self) -> Highlight:
        """The text with its colours' values, and the likeliest next characters."""
        return self.coloured

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON has it: each character's value, and the likeliest next with their probabilities."""
        values = [cell.value for cell in self.coloured.cells]
        guesses = [list(map(list, cell.guesses)) for cell in self.coloured.cells]
        return {"scale": self.coloured.scale, "text": self.text, "values": values, "guesses": guesses}


def record(
    network: CharRNN, vocabulary: Vocabulary, text: str, signals: Sequence[str] | None, guesses: int
) -> Recording:
    """Record every unit at every character of a text, [L, T, H] for each signal."""
    if not text:
        raise VocabularyError("the text is empty", "give at least one character")
    signals = [default_signal(network.config)] if signals is None else signals
    return recording.record(network, vocabulary.encode(text), signals, candidates=guesses)


def highlight(network: CharRNN, vocabulary: Vocabulary, name: str, text: str, color: str, guesses: int) -> Coloured:
    """Colour a text by surprisal, or by a unit."""
    recorded = record(network, vocabulary, text, None, guesses)
    rows, pieces = list(recording.guesses(recorded, vocabulary)), vocabulary.pieces(recorded.ids)
    source = counted(len(pieces), vocabulary.noun)
    if color == "surprisal":
        values = score_text(network, vocabulary, text).nats.tolist() if len(pieces) > 1 else [0.0]
        return Coloured(text, Highlight.of(name, "surprisal in nats", source, pieces, values, rows, SURPRISING))
    unit, signal = Unit.parse(color, network.config), default_signal(network.config)
    values = recorded.values(unit, signal)
    scale = f"{shown_signal(network.config, signal)} of unit {unit}"
    shown = values if is_bounded(network.config, signal) else torch.as_tensor(values).tanh()
    return Coloured(text, Highlight.of(name, scale, source, pieces, shown.tolist(), rows))
