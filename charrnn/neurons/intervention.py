"""A network with units held at a value inside the recurrence, for scoring without them and for steering a sample.

What a unit tells the rest of the network is its hidden state: the next step, the layer above and the read-out see no
other part of it. It is therefore the hidden state that is held, after every step; an LSTM unit's cell state goes on
below it, unseen.
"""

from collections.abc import Callable, Sequence
from typing import cast

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn import functional as F

from charrnn.model.cells import CellState, step
from charrnn.model.clamping import Clamp
from charrnn.model.layers import Layer
from charrnn.model.network import CharRNN, State
from charrnn.model.readers import Readers, first_reader_afresh

STEPS = 16  # characters read at once
READERS = 16


class HeldNetwork:
    """A CharRNN that reads each text once for each of K settings: with a unit held, or (None) with all of them free.

    It is called as a CharRNN is, (ids [K·B, T], state) -> (logits, state); of the rows the first B have the first
    setting, the next B the second.
    """

    def __init__(self, model: CharRNN, clamps: Sequence[Clamp | None]) -> None:
        self.model, self.clamps = model, clamps
        self.device, self.readout = model.device, model.readout

    def __call__(self, ids: Tensor, state: State | None = None) -> tuple[Tensor, State]:
        """Read characters and predict, after each, the next."""
        state = state or self.model.initial_state(len(ids))
        x, weight_ih = self.model.input(ids)
        after = []
        for layer, before in enumerate(state):
            x, last = self._run(layer, x, before, weight_ih)
            weight_ih = None
            after.append(last)
        return self.readout(x), tuple(after)

    def _run(self, layer: int, x: Tensor, state: CellState, weight_ih: Tensor | None) -> tuple[Tensor, CellState]:
        weights = cast("Layer", self.model.layers[layer]).weights
        weights = weights if weight_ih is None else weights._replace(weight_ih=weight_ih)
        rows, units, values = self._held(layer, len(x))
        a, hidden = x @ weights.weight_ih.T + weights.bias_ih, []
        for now in a.unbind(1):
            state, _ = step(self.model.config, weights, now, state)
            state[0][rows, units] = values
            hidden.append(state[0])
        return torch.stack(hidden, dim=1), state

    def _held(self, layer: int, rows: int) -> tuple[Tensor, Tensor, Tensor]:
        """Which rows and units of a layer are held, and at which values."""
        each = rows // len(self.clamps)
        here = [(k, clamp) for k, clamp in enumerate(self.clamps) if clamp and clamp.layer == layer]
        places = [range(k * each, (k + 1) * each) for k, _ in here]
        units = torch.tensor([clamp.index for _, clamp in here], dtype=torch.int64).repeat_interleave(each)
        values = torch.tensor([clamp.value for _, clamp in here]).repeat_interleave(each)
        held = torch.tensor([row for place in places for row in place], dtype=torch.int64)
        return held.to(self.device), units.to(self.device), values.to(self.device)


@torch.inference_mode()
def held_nats(
    model: CharRNN,
    ids: npt.NDArray[np.integer],
    clamps: Sequence[Clamp | None],
    on_read: Callable[[int], object] = lambda characters: None,
) -> npt.NDArray[np.float32]:
    """Return −ln p of each character of a text, ids [N], but the first, under each of K settings, [K, N − 1]."""
    readers = Readers.over(len(ids) - 1, READERS)
    network, text = HeldNetwork(model, clamps), torch.from_numpy(ids.astype(np.int64))
    nats, state = np.empty((len(clamps), len(ids) - 1), np.float32), None
    for counts, places in readers.windows(STEPS):
        window = text[places.clamp(0, len(ids) - 1)].repeat(len(clamps), 1).to(model.device)
        logits, state = network(window, state)
        if not counts:
            state = first_reader_afresh(state, len(clamps))
            continue
        targets = text[(places + 1).clamp(max=len(ids) - 1)].repeat(len(clamps), 1).to(model.device)
        costs = F.cross_entropy(logits.flatten(0, 1), targets.flatten(), reduction="none")
        costs = costs.view(len(clamps), -1).cpu()
        inside = (places < len(ids) - 1).flatten()
        nats[:, places.flatten()[inside].numpy()] = costs[:, inside].numpy()
        on_read(int(inside.sum()))
    return nats
