"""One recurrent layer: its weights, what runs them fastest over a window, and all its signals at every character."""

from collections.abc import Callable, Collection
from typing import Any

import torch
from torch import Tensor, nn

from charrnn.model.cells import CellState, LayerWeights
from charrnn.model.config import ModelConfig
from charrnn.model.devices import lacks_bfloat16
from charrnn.model.scan import GruScan, PeepholeScan, RnnScan
from charrnn.model.signals import fused_signals

BFLOAT16_FROM = 768  # units from which cuDNN is faster in bfloat16 than in TF32 (`benchmarks/gpu.py` measures both)


class Layer(nn.Module):
    """One recurrent layer: its weights, and what runs them fastest over a window.

    That is torch's fused kernel on a GPU (cuDNN), and on a CPU for the LSTM (oneDNN); a scan of single steps with its
    gradient written out (`scan.py`) for the other cells there, and for the peephole LSTM, which torch has not.
    """

    def __init__(self, config: ModelConfig, input_size: int) -> None:
        super().__init__()
        self.config = config
        if config.cell == "peephole":
            self._own_weights(input_size)
        else:
            kind = {"rnn": nn.RNN, "lstm": nn.LSTM, "gru": nn.GRU}[config.cell]
            options = {"nonlinearity": config.nonlinearity} if config.cell == "rnn" else {}
            self.fused = kind(input_size, config.hidden_size, batch_first=True, **options)

    def _own_weights(self, input_size: int) -> None:
        H = self.config.hidden_size
        self.weight_ih = nn.Parameter(torch.empty(4 * H, input_size))
        self.weight_hh = nn.Parameter(torch.empty(4 * H, H))
        self.bias_ih = nn.Parameter(torch.empty(4 * H))
        self.bias_hh = nn.Parameter(torch.empty(4 * H))
        self.peephole = nn.Parameter(torch.empty(3, H))

    @property
    def weights(self) -> LayerWeights:
        """The layer's weights, as the equations of `cells.py` want them."""
        if self.config.cell == "peephole":
            return LayerWeights(self.weight_ih, self.weight_hh, self.bias_ih, self.bias_hh, self.peephole)
        fused = self.fused
        return LayerWeights(fused.weight_ih_l0, fused.weight_hh_l0, fused.bias_ih_l0, fused.bias_hh_l0)

    def forward(
        self, x: Tensor, state: CellState, weight_ih: Tensor | None = None, weight_hh: Tensor | None = None
    ) -> tuple[Tensor, CellState]:
        """Run x [B, T, I] from a state; return the hidden states [B, T, H] and the last state.

        `weight_hh` [G·H, H] may stand in for the layer's own recurrent weights, and `weight_ih` [G·H, I], on a CPU, for
        its own input weights.
        """
        weights = self.weights if weight_ih is None else self.weights._replace(weight_ih=weight_ih)
        if weight_hh is not None:
            weights = weights._replace(weight_hh=weight_hh)
        if x.device.type != "cpu" and self.config.cell != "peephole":
            return self._run_fused(x, state, weights)
        return self._run_lstm(weights, x, state) if self.config.cell == "lstm" else self._scan(weights, x, state)

    def _run_fused(self, x: Tensor, state: CellState, weights: LayerWeights) -> tuple[Tensor, CellState]:
        """By the fused kernel, in its own number format: autocast would make it float16, where gradients vanish.

        Weights in another format than the layer's, or not the layer's own, are laid side by side, as cuDNN wants them.
        """
        number, lstm = self._fused_number(x.device), self.config.cell == "lstm"
        before = tuple(s.to(number).unsqueeze(0).contiguous() for s in state)
        with torch.autocast(x.device.type, enabled=False):
            given = before if lstm else before[0]
            if number == weights.weight_hh.dtype and weights.weight_hh is self.fused.weight_hh_l0:
                h, after = self.fused(x.to(number), given)
                last = after if lstm else (after,)
            else:
                parameters = _side_by_side(weights, number)
                h, *last = self._function()(x.to(number), given, parameters, True, 1, 0.0, self.training, False, True)
        return h, tuple(s.squeeze(0) for s in last)

    def _fused_number(self, device: torch.device) -> torch.dtype:
        """The number format that is asked for where cuDNN is faster in it than in TF32, else that of the weights."""
        own = self.fused.weight_hh_l0.dtype
        wide = self.config.hidden_size >= BFLOAT16_FROM
        asked = torch.get_autocast_dtype("cuda") if torch.is_autocast_enabled("cuda") else own
        return torch.bfloat16 if device.type == "cuda" and wide and asked == torch.bfloat16 else own

    def _function(self) -> Callable[..., Any]:
        """What the fused kernel is as a function of its weights."""
        if self.config.cell == "rnn":
            return torch.rnn_relu if self.config.nonlinearity == "relu" else torch.rnn_tanh
        return torch.lstm if self.config.cell == "lstm" else torch.gru

    def _run_lstm(self, weights: LayerWeights, x: Tensor, state: CellState) -> tuple[Tensor, CellState]:
        before = tuple(s.unsqueeze(0).contiguous() for s in state)
        number = torch.get_autocast_dtype("cpu") if torch.is_autocast_enabled("cpu") else x.dtype
        if number == torch.bfloat16 and lacks_bfloat16():  # in float32, and its results rounded
            parameters = [weight.float() for weight in weights[:4]]
            with torch.autocast("cpu", enabled=False):
                before = tuple(s.float() for s in before)
                results = torch.lstm(x.float(), before, parameters, True, 1, 0.0, self.training, False, True)
            h, *after = (result.to(number) for result in results)
        else:
            h, *after = torch.lstm(x, before, list(weights[:4]), True, 1, 0.0, self.training, False, True)
        return h, tuple(s.squeeze(0) for s in after)

    def _scan(self, weights: LayerWeights, x: Tensor, state: CellState) -> tuple[Tensor, CellState]:
        a = nn.functional.linear(x, weights.weight_ih, weights.bias_ih).transpose(0, 1).contiguous()
        recurrent = (weights.weight_hh.to(a.dtype), weights.bias_hh.to(a.dtype))
        cell_state: tuple[Tensor, ...] = ()
        with torch.autocast(x.device.type, enabled=False):
            if self.config.cell == "rnn":
                hs = RnnScan.apply(a, *recurrent, *state, self.config.nonlinearity)
            elif self.config.cell == "gru":
                hs = GruScan.apply(a, *recurrent, *state)
            else:
                hs, c = PeepholeScan.apply(a, *recurrent, weights.peephole, *state)
                cell_state = (c.clone(),)
        # the last state is a copy, in memory as a resumed run's is: some products depend on where a number lies
        return hs.transpose(0, 1), (hs[-1].clone(), *cell_state)

    def record(
        self, x: Tensor, state: CellState, names: Collection[str], weight_ih: Tensor | None = None
    ) -> tuple[Tensor, CellState, dict[str, Tensor]]:
        """Run as `forward` does; return also the named signals [B, T, H]: states and gates. Not of a peephole LSTM."""
        weights = self.weights if weight_ih is None else self.weights._replace(weight_ih=weight_ih)
        h, last = self(x, state, weight_ih)
        return h, last, fused_signals(self.config, weights, x, h, state, names) | {"h": h}


def _side_by_side(weights: LayerWeights, number: torch.dtype) -> list[Tensor]:
    """Both matrices and both biases as parts of one piece of memory, in the order in which cuDNN keeps them."""
    own = weights[:4]
    flat = torch.cat([weight.to(number).flatten() for weight in own])
    parts = flat.split([weight.numel() for weight in own])
    return [part.view(weight.shape) for part, weight in zip(parts, own, strict=True)]
