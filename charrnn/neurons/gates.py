"""How often each unit's gates are nearly shut or nearly open, and how long its memory lasts.

As in Karpathy, Johnson and Fei-Fei (2015), section 4.2, a gate is left-saturated below 0.1, right-saturated above 0.9.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from charrnn.errors import ConfigError
from charrnn.model.config import ModelConfig
from charrnn.model.network import CharRNN
from charrnn.neurons.recording import record_pieces

Floats = npt.NDArray[Any]
LEFT, RIGHT = 0.1, 0.9


@dataclass(frozen=True)
class Saturation:
    """The share of a text's characters at which each unit's gates are saturated, and each unit's half-life."""

    left: dict[str, Floats]  # by gate, each [L, H]
    right: dict[str, Floats]
    half_life: Floats  # characters after which half of a memory is left, [L, H]; infinite where it never fades


def gates_from_0_to_1(config: ModelConfig) -> tuple[str, ...]:
    """Return the gates that open and shut; the one that makes all else fade comes first: f, or a GRU's z.

    Raises:
        ConfigError: the cell has none.
    """
    if config.cell == "rnn":
        raise ConfigError("a vanilla RNN has no gates", "give an LSTM, peephole LSTM or GRU")
    return ("z", "r") if config.cell == "gru" else ("f", "i", "o")


def saturation(
    model: CharRNN,
    ids: npt.NDArray[np.integer],
    precision: torch.dtype = torch.float32,
    on_read: Callable[[int], object] = lambda characters: None,
) -> Saturation:
    """Read a text, ids [T], and count.

    A unit's memory is multiplied by its forget gate f (a GRU's z) at every character: after n of them about mean(f)ⁿ
    of it is left on average, and half of it after ln ½ / ln mean(f).

    Raises:
        ConfigError: the cell has no gates.
    """
    names = gates_from_0_to_1(model.config)
    left, right, kept = dict.fromkeys(names, _NOTHING), dict.fromkeys(names, _NOTHING), _NOTHING
    for piece in record_pieces(model, ids, names, precision):
        for name, gate in piece.signals.items():
            left[name] = left[name] + (gate < LEFT).sum(1).cpu().numpy() / len(ids)
            right[name] = right[name] + (gate > RIGHT).sum(1).cpu().numpy() / len(ids)
        kept = kept + piece.signals[names[0]].double().sum(1).cpu().numpy() / len(ids)
        on_read(piece.characters)
    with np.errstate(divide="ignore"):
        return Saturation(left, right, math.log(2) / np.abs(np.log(np.minimum(kept, 1))))


_NOTHING: Floats = np.zeros(())
