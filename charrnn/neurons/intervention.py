"""How well a text is predicted with units held at a value inside the recurrence.

What a unit tells the rest of the network is its hidden state: the next step, the layer above and the read-out see no
other part of it. It is therefore the hidden state that is held, after every step; an LSTM unit's cell state goes on
below it, unseen.
"""

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn import functional as F

from charrnn.errors import StatesOverflowError
from charrnn.model.clamping import Clamp
from charrnn.model.network import CharRNN, stepped
from charrnn.model.readers import Readers, first_reader_afresh
from charrnn.model.stepped_network import Hold

HOLDING = "holding"  # the kind of work whose threads are chosen
STEPS = 16  # characters read at once
READERS = 16


def holding(settings: Sequence[Clamp | None], device: torch.device) -> Hold:
    """Return what holds one unit, or none (None), in each of K settings; each has as many rows, one after the other."""
    written: dict[int, list[Tensor]] = {}
    for layer in {clamp.layer for clamp in settings if clamp}:
        held = [(k, clamp.index, clamp.value) for k, clamp in enumerate(settings) if clamp and clamp.layer == layer]
        written[layer] = [torch.tensor(each, device=device) for each in zip(*held, strict=True)]

    def hold(layer: int, h: Tensor) -> None:
        if layer in written:
            places, units, values = written[layer]
            h.unflatten(0, (len(settings), -1))[places, :, units] = values[:, None]

    return hold


@torch.inference_mode()
def held_nats(
    model: CharRNN,
    ids: npt.NDArray[np.integer],
    clamps: Sequence[Clamp | None],
    on_read: Callable[[int], object] = lambda characters: None,
) -> npt.NDArray[np.float32]:
    """Return −ln p of each character of a text, ids [N], but the first, under each of K settings, [K, N − 1]."""
    readers = Readers.over(len(ids) - 1, READERS)
    network, text = stepped(model), torch.from_numpy(ids.astype(np.int64))
    hold = holding(clamps, model.device)
    nats, state = np.empty((len(clamps), len(ids) - 1), np.float32), None
    for counts, places in readers.windows(STEPS):
        window = text[places.clamp(0, len(ids) - 1)].repeat(len(clamps), 1).to(model.device)
        with model.threads.piece(HOLDING, len(window)):
            logits, state = network(window, state, hold)
        if not counts:
            state = first_reader_afresh(state, len(clamps))
            continue
        targets = text[(places + 1).clamp(max=len(ids) - 1)].repeat(len(clamps), 1).to(model.device)
        costs = F.cross_entropy(logits.flatten(0, 1), targets.flatten(), reduction="none")
        costs = costs.view(len(clamps), -1).cpu()
        inside = (places < len(ids) - 1).flatten()
        nats[:, places.flatten()[inside].numpy()] = costs[:, inside].numpy()
        on_read(int(inside.sum()))
    if not np.isfinite(nats).all():
        raise StatesOverflowError
    return nats
