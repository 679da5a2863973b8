"""How well a text is predicted with units held at a value inside the recurrence.

What a unit tells the rest of the network is its hidden state: the next step, the layer above and the read-out see no
other part of it. It is therefore the hidden state that is held, after every step; an LSTM unit's cell state goes on
below it, unseen.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn import functional as F

from charrnn.errors import StatesOverflowError
from charrnn.model.clamping import Clamp
from charrnn.model.network import CharRNN, stepped
from charrnn.model.readers import Readers, first_reader_afresh

HOLDING = "holding"  # the kind of work whose threads are chosen
STEPS = 16  # characters read at once
READERS = 16


@dataclass(frozen=True, eq=False)
class Trajectory:
    """A unit's hidden state that follows given values, one for each character of the text."""

    layer: int
    index: int
    values: npt.NDArray[np.float32]  # [N]


@dataclass(frozen=True, eq=False)
class Along:
    """A direction of a layer, weights [H] of length 1, along which the projection of the state follows values."""

    layer: int
    weights: npt.NDArray[np.floating]  # [H]
    values: npt.NDArray[np.float32]  # [N], or [1] for one at every character


Setting = Clamp | Trajectory | Along


class Holding:
    """Holds a unit, a direction or nothing (None) in each of K settings, which have equally many rows of the state."""

    def __init__(self, settings: Sequence[Setting | None], device: torch.device) -> None:
        self._count = len(settings)
        self._written: dict[int, list[Tensor]] = {}
        self._moved: dict[int, list[Tensor]] = {}
        for layer in {each.layer for each in settings if each}:
            of_layer = [(k, each) for k, each in enumerate(settings) if each and each.layer == layer]
            units = [(k, each.index, _values(each)) for k, each in of_layer if not isinstance(each, Along)]
            moved = [(k, each.weights, each.values) for k, each in of_layer if isinstance(each, Along)]
            for kept, held in ((self._written, units), (self._moved, moved)):
                if held:
                    rows, which, values = zip(*held, strict=True)
                    length = max(map(len, values))
                    filled = np.stack([np.broadcast_to(each, length) for each in values]).astype(np.float32)
                    numbers = (rows, np.asarray(which, np.int64 if kept is self._written else np.float32), filled)
                    kept[layer] = [torch.as_tensor(each, device=device) for each in numbers]

    def window(self, places: Tensor) -> None:
        """Take in the places [B, n] of the text that are read next."""
        self._places, self._steps = places, dict.fromkeys([*self._written, *self._moved], 0)

    def __call__(self, layer: int, h: Tensor) -> None:
        """Write into the new hidden states [K · B, H] of a layer; each layer's steps come in their order."""
        if layer not in self._steps:
            return
        at, by_setting = self._places[:, self._steps[layer]], h.unflatten(0, (self._count, -1))  # [K, B, H]
        self._steps[layer] += 1
        if layer in self._written:
            rows, units, values = self._written[layer]
            by_setting[rows, :, units] = _at(values, at).to(h.dtype)
        if layer in self._moved:
            rows, weights, values = self._moved[layer]
            moved = by_setting[rows]  # [D, B, H]
            further = _at(values, at) - (moved.float() @ weights[:, :, None])[:, :, 0]
            by_setting[rows] = moved + (further[:, :, None] * weights[:, None]).to(h.dtype)


def _values(setting: Clamp | Trajectory) -> npt.NDArray[np.float32]:
    return setting.values if isinstance(setting, Trajectory) else np.array([setting.value], np.float32)


def _at(values: Tensor, places: Tensor) -> Tensor:
    """The values [settings, B] of settings [settings, N] at some places of the text [B]."""
    return values[:, places.clamp(0, values.shape[1] - 1).to(values.device)]


@torch.inference_mode()
def held_nats(
    model: CharRNN,
    ids: npt.NDArray[np.integer],
    settings: Sequence[Setting | None],
    on_read: Callable[[int], object] = lambda characters: None,
    precision: torch.dtype = torch.float32,
) -> npt.NDArray[np.float32]:
    """Return −ln p of each character of a text, ids [N], but the first, under each of K settings, [K, N − 1]."""
    readers = Readers.over(len(ids) - 1, READERS)
    network, text = stepped(model, precision), torch.from_numpy(ids.astype(np.int64))
    hold = Holding(settings, model.device)
    nats, state = np.empty((len(settings), len(ids) - 1), np.float32), None
    for counts, places in readers.windows(STEPS):
        hold.window(places)
        window = text[places.clamp(0, len(ids) - 1)].repeat(len(settings), 1).to(model.device)
        with model.threads.piece(HOLDING, len(window)):
            logits, state = network(window, state, hold)
        if not counts:
            state = first_reader_afresh(state, len(settings))
            continue
        targets = text[(places + 1).clamp(max=len(ids) - 1)].repeat(len(settings), 1).to(model.device)
        costs = F.cross_entropy(logits.flatten(0, 1).float(), targets.flatten(), reduction="none")
        costs = costs.view(len(settings), -1).cpu()
        inside = (places < len(ids) - 1).flatten()
        nats[:, places.flatten()[inside].numpy()] = costs[:, inside].numpy()
        on_read(int(inside.sum()))
    if not np.isfinite(nats).all():
        raise StatesOverflowError
    return nats
