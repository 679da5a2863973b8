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


Setting = Clamp | Trajectory


class Holding:
    """Holds one unit, or none (None), in each of K settings, each of which has as many rows of the state."""

    def __init__(self, settings: Sequence[Setting | None], device: torch.device) -> None:
        self._count = len(settings)
        self._written: dict[int, list[Tensor]] = {}
        for layer in {each.layer for each in settings if each}:
            held = [(k, each) for k, each in enumerate(settings) if each and each.layer == layer]
            length = max(len(each.values) if isinstance(each, Trajectory) else 1 for _, each in held)
            values = [each.values if isinstance(each, Trajectory) else np.full(length, each.value) for _, each in held]
            numbers = [[k for k, _ in held], [each.index for _, each in held], np.stack(values).astype(np.float32)]
            self._written[layer] = [torch.as_tensor(each, device=device) for each in numbers]

    def window(self, places: Tensor) -> None:
        """Take in the places [B, n] of the text that are read next."""
        self._places, self._steps = places, dict.fromkeys(self._written, 0)

    def __call__(self, layer: int, h: Tensor) -> None:
        """Write into the new hidden states [K · B, H] of a layer; each layer's steps come in their order."""
        if layer not in self._written:
            return
        rows, units, values = self._written[layer]
        here = self._places[:, self._steps[layer]].clamp(0, values.shape[1] - 1)
        self._steps[layer] += 1
        h.unflatten(0, (self._count, -1))[rows, :, units] = values[:, here.to(values.device)]


@torch.inference_mode()
def held_nats(
    model: CharRNN,
    ids: npt.NDArray[np.integer],
    settings: Sequence[Setting | None],
    on_read: Callable[[int], object] = lambda characters: None,
) -> npt.NDArray[np.float32]:
    """Return −ln p of each character of a text, ids [N], but the first, under each of K settings, [K, N − 1]."""
    readers = Readers.over(len(ids) - 1, READERS)
    network, text = stepped(model), torch.from_numpy(ids.astype(np.int64))
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
        costs = F.cross_entropy(logits.flatten(0, 1), targets.flatten(), reduction="none")
        costs = costs.view(len(settings), -1).cpu()
        inside = (places < len(ids) - 1).flatten()
        nats[:, places.flatten()[inside].numpy()] = costs[:, inside].numpy()
        on_read(int(inside.sum()))
    if not np.isfinite(nats).all():
        raise StatesOverflowError
    return nats
