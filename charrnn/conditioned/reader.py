"""Reader: a trained network without torch: it reads sources, and takes the decoder's steps on numpy arrays."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from charrnn.conditioned.attention import Memory
from charrnn.conditioned.config import ConditionedConfig
from charrnn.conditioned.decoder import Decoder, layer_weights
from charrnn.model.cells import SILENT, state_names, step

Ids = npt.NDArray[np.integer]
Floats = npt.NDArray[np.float32]


class Input(NamedTuple):
    """What a model is told: ids of a text [L], and an image's features [h, w, F]; for each, what the model reads."""

    source: Ids
    image: npt.NDArray[Any] | None = None


class Reader:
    """The network on numpy arrays, by the equations of `cells.py`, `attention.py` and `decoder.py`."""

    def __init__(self, config: ConditionedConfig, weights: Mapping[str, npt.NDArray[Any]]) -> None:
        self.config, self._weights = config, weights
        self.decoder = Decoder(config, weights)

    @SILENT
    def read(self, inputs: Sequence[Input]) -> Memory:
        """Return the memory of B inputs."""
        images = [given.image for given in inputs if given.image is not None]
        return self.memory(*padded([given.source for given in inputs]), as_floats(images) if images else None)

    def memory(self, ids: Ids, mask: Floats, images: Floats | None) -> Memory:
        """Return the memory of padded sources [B, L], or of images by their features [B, h, w, F] and questions."""
        text = Memory(self.encoded(ids, mask), mask) if self.config.source_size else None
        if images is not None:
            return self.decoder.images(images, text)
        return self.decoder.memory(*text[:2]) if text is not None else Memory(None, None)

    def encoded(self, ids: Ids, mask: Floats, layers: int | None = None) -> Floats:
        """Return the values [B, L, D] of padded sources [B, L]; `layers` counts those that are run, None: all."""
        x: Floats = self._weights["encoder.embedding.weight"][ids]
        backwards = reversed_places(mask)
        rows = np.arange(len(ids))[:, None]
        for layer in range(self.config.num_layers if layers is None else layers):
            parts = []
            for direction in self.config.directions:
                name = f"encoder.layers.{layer}.{direction}"
                if direction == "forward":
                    parts.append(self._run(name, x))
                else:
                    parts.append(self._run(name, x[rows, backwards])[rows, backwards])
            x = np.concatenate(parts, -1)
        return x

    def _run(self, name: str, x: Floats) -> Floats:
        """Run one layer over x [B, L, I] from the zero state; return its hidden states [B, L, units]."""
        config, weights = self.config.encoder, layer_weights(self._weights, name)
        zeros = np.zeros((len(x), config.hidden_size), np.float32)
        state: tuple[Any, ...] = (zeros,) * len(state_names(config))
        a = x @ weights.weight_ih.T + weights.bias_ih
        hidden = np.empty((*x.shape[:2], config.hidden_size), np.float32)
        for t in range(x.shape[1]):
            state, _ = step(config, weights, a[:, t], state)
            hidden[:, t] = state[0]
        return hidden


def as_floats(rows: Sequence[npt.NDArray[Any]]) -> Floats:
    """Return features as they are computed with: bytes, as of pixels, from 0 to 1.

    >>> as_floats([np.array([0, 255], np.uint8)]).tolist()
    [[0.0, 1.0]]
    """
    stacked = np.stack(rows)
    return stacked.astype(np.float32) / np.float32(255) if stacked.dtype == np.uint8 else stacked.astype(np.float32)


def padded(rows: Sequence[Ids], fill: int = 0) -> tuple[npt.NDArray[np.int64], Floats]:
    """Return rows of ids as one array [B, L], filled up at their ends, and its mask [B, L]: 1 where there is an id.

    >>> padded([np.array([4]), np.array([7, 8])])[0].tolist()
    [[4, 0], [7, 8]]
    """
    ids = np.full((len(rows), max(map(len, rows))), fill, np.int64)
    mask = np.zeros(ids.shape, np.float32)
    for index, row in enumerate(rows):
        ids[index, : len(row)] = row
        mask[index, : len(row)] = 1
    return ids, mask


def reversed_places(mask: Floats) -> npt.NDArray[np.int64]:
    """Return for each place of padded rows [B, L] the one that stands there when each row is turned around.

    >>> reversed_places(np.array([[1, 1, 1], [1, 1, 0]])).tolist()
    [[2, 1, 0], [1, 0, 2]]
    """
    places = np.arange(mask.shape[1])[None]
    lengths = mask.sum(-1).astype(np.int64)[:, None]
    return np.where(places < lengths, lengths - 1 - places, places)
