"""TensorSteppedCharRNN: the network step by step on torch tensors, on any device."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from charrnn.model.cells import Array, LayerWeights
from charrnn.model.clamping import Held
from charrnn.model.config import ModelConfig
from charrnn.model.devices import packed
from charrnn.model.graphs import Graphed
from charrnn.model.stepped_network import SteppedCharRNN


class TensorSteppedCharRNN(SteppedCharRNN):
    """As `SteppedCharRNN`, of tensors; its large matrices are multiplied in `precision`, or as they are (None)."""

    def __init__(
        self,
        config: ModelConfig,
        weights: Mapping[str, Tensor],
        clamps: Sequence[Held] = (),
        end: int | None = None,
        precision: torch.dtype | None = None,
    ) -> None:
        self._precision = precision
        super().__init__(config, weights, clamps, end)
        self._readout = self._kept(self._readout)
        self._table = self._table.to(self._layers[0].weight_hh.dtype)  # as the products that are added to it

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        where: torch.device = self._table.device
        return where

    def native(self, array: npt.NDArray[Any]) -> Tensor:
        """Return a numpy array as a tensor where the weights are."""
        if self.device.type == "mps" and array.dtype == np.float64:  # which it does not have
            array = array.astype(np.float32)
        return torch.from_numpy(array).to(self.device)

    @staticmethod
    def numpy(array: Tensor) -> npt.NDArray[Any]:
        """Return a tensor as a numpy array; on a device, this waits for it."""
        return array.cpu().numpy()

    def replayed(self, function: Callable[..., Sequence[Tensor]]) -> Graphed | None:
        """Return a function of this network's tensors as a graph on CUDA, as `Graphed` says; elsewhere None."""
        return Graphed(function) if self.device.type == "cuda" else None

    def stream(self, state: Any = None) -> None:
        """Return None: one text goes on as many do."""

    def _arranged(self, layers: list[LayerWeights]) -> list[LayerWeights]:
        kept = self._kept
        return [layer._replace(weight_ih=kept(layer.weight_ih), weight_hh=kept(layer.weight_hh)) for layer in layers]

    def _kept(self, matrix: Tensor) -> Array:
        return matrix if self._precision is None else packed(matrix, self._precision)

    def _looked_up(self, ids: Tensor) -> Array:
        return self._table.index_select(0, ids.flatten()).view(*ids.shape, -1)  # several times as fast as [ids]
