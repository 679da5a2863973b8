"""How well a model predicts items: −ln p of every character and of each end, each item from the zero state."""

import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn import functional as F

from charrnn.evaluation.scoring import CHUNK, SCORING, OnRead
from charrnn.model.network import CharRNN, detached

BLOCK = 1 << 20  # symbols of items that are batched by length together
ROWS = 256  # items read side by side
Ids = npt.NDArray[np.integer[Any]]


def item_blocks(
    model: CharRNN,
    ids: Ids,
    precision: torch.dtype = torch.float32,
    on_read: OnRead = lambda characters: None,
    first: int | None = None,
    *,
    end: int,
    classes: Ids | None = None,
) -> Iterator[Tensor]:
    """Yield −ln p of all symbols but the first of END, item, END, …, END, in their order, block by block, on the CPU.

    Arguments are those of `score_blocks`; `classes` [M] are those of the items, where the model has some. Padding is
    in no figure, and memory is bounded.
    """
    ends = np.flatnonzero(ids == end)
    start, size = 0, first or BLOCK
    while start < len(ends) - 1:
        stop = max(start + 1, int(np.searchsorted(ends, ends[start] + size, "right")) - 1)
        some = None if classes is None else classes[start:stop]
        yield _block(model, ids, ends[start : stop + 1], precision, on_read, some)
        start, size = stop, min(2 * size, BLOCK)


@torch.inference_mode()
def _block(model: CharRNN, ids: Ids, ends: Ids, precision: torch.dtype, on_read: OnRead, classes: Ids | None) -> Tensor:
    """−ln p of the symbols after ends[0], up to ends[-1]."""
    lengths = np.diff(ends)
    order = np.argsort(-lengths, kind="stable")
    nats = torch.empty(int(ends[-1] - ends[0]))
    for start in range(0, len(order), ROWS):
        some = order[start : start + ROWS]
        batch = _Batch(model, ids, ends[some], lengths[some], None if classes is None else classes[some])
        for places, values in batch.read(precision):
            nats[torch.from_numpy(places - ends[0])] = values
            on_read(len(places))
    return nats


class _Batch:
    """Items that are read side by side, longest first."""

    def __init__(self, model: CharRNN, ids: Ids, begins: Ids, lengths: Ids, classes: Ids | None) -> None:
        self._model, self._ids, self._begins, self._lengths, self._classes = model, ids, begins, lengths, classes

    def read(self, precision: torch.dtype) -> Iterator[tuple[Ids, Tensor]]:
        """Yield places of symbols in the text, less one, and −ln p of the symbols, some at a time."""
        state = self._model.initial_state(len(self._begins))
        for start in range(0, int(self._lengths[0]), CHUNK):
            rows = int((self._lengths > start).sum())
            state = tuple(tuple(part[:rows] for part in layer) for layer in state)
            at = start + np.arange(min(CHUNK, int(self._lengths[0]) - start))
            counts = at < self._lengths[:rows, None]
            places = np.minimum(self._begins[:rows, None] + at, len(self._ids) - 2)
            inputs = self._sent(np.where(counts, self._ids[places], 0))
            targets = self._sent(self._ids[places + 1])
            rounded = torch.autocast(inputs.device.type, precision, enabled=precision != torch.float32)
            with self._model.threads.piece(SCORING, inputs.numel()), rounded:
                logits, state = self._model(inputs, state, classes=self._of(rows))
                nats = F.cross_entropy(logits.float().flatten(0, 1), targets.flatten(), reduction="none")
            state = detached(state)
            yield places[counts], nats.view(places.shape)[torch.from_numpy(counts)].cpu()

    def _of(self, rows: int) -> Tensor | None:
        return None if self._classes is None else self._sent(self._classes[:rows])

    def _sent(self, array: Ids) -> Tensor:
        return torch.from_numpy(array.astype(np.int64)).to(self._model.device)


def per_item(nats: npt.NDArray[np.floating[Any]], ends: Ids) -> npt.NDArray[np.float64]:
    """Return the sum of the nats of each item [M], its END's too, of nats [N − 1] of END, item, …, END.

    >>> per_item(np.array([1.0, 2.0, 4.0]), np.array([0, 2, 3])).tolist()
    [3.0, 4.0]
    """
    return np.add.reduceat(nats.astype(np.float64), ends[:-1]) if len(ends) > 1 else np.zeros(0)


def perplexity(nats: float, symbols: int) -> float:
    """Return e to the mean of nats over so many symbols."""
    return math.exp(min(nats / symbols, 700))


Blocks = Callable[..., Iterator[Tensor]]
