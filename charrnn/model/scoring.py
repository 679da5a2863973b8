"""How well a model predicts a text, in nats per character; the one measure that training and scoring share."""

import math
from collections.abc import Callable, Iterator
from itertools import pairwise

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn import functional as F

from charrnn.model.network import CharRNN, State

CHUNK = 256  # characters that each reader reads at once
STRETCH = 4000  # a reader is worth its warm-up where it reads at least this much
READERS = 32
WARM_UP = 1000  # characters read before a reader's stretch, so that its state is the text's


def nats_per_character(
    model: CharRNN,
    ids: npt.NDArray[np.integer],
    precision: torch.dtype = torch.float32,
    on_read: Callable[[int], object] = lambda characters: None,
) -> float:
    """Return the mean of −ln p(character | all before it) over a text, ids [N], N ≥ 2.

    The first character is context and is not predicted, so the mean is over N − 1. See `score_chunks` for how the
    text is read; `on_read` is told how many characters each chunk had.
    """
    total = 0.0
    for nats in score_chunks(model, ids, precision):
        total += float(nats.cpu().sum(dtype=torch.float64))
        on_read(len(nats))
    return total / (len(ids) - 1)


@torch.inference_mode()
def score_chunks(
    model: CharRNN, ids: npt.NDArray[np.integer], precision: torch.dtype = torch.float32
) -> Iterator[Tensor]:
    """Yield −ln p of predicted characters, chunk by chunk, in bounded memory; each prediction exactly once.

    The state is carried over the whole text. A text of up to 2 · STRETCH characters is read by one reader from the
    zero state; a longer one by up to READERS side by side, each starting WARM_UP characters ahead of its stretch,
    by when its state no longer depends on where it began (the difference to one pass is far below 1e-4 nats).
    """
    readers = min(READERS, max(1, len(ids) // STRETCH))
    stretch = math.ceil((len(ids) - 1) / readers)
    starts = torch.arange(readers)[:, None] * stretch
    text = torch.from_numpy(ids.astype(np.int64))
    state = None
    for begin, end in _windows(WARM_UP if readers > 1 else 0, stretch):
        places = starts + torch.arange(begin, end)
        window = text[places.clamp(0, len(ids) - 1)].to(model.device)
        with torch.autocast(model.device.type, precision, enabled=precision != torch.float32):
            logits, state = model(window, state)
        if begin < 0:
            state = _first_reader_afresh(state)
            continue
        targets = text[(places + 1).clamp(max=len(ids) - 1)].to(model.device)
        nats = F.cross_entropy(logits.float().flatten(0, 1), targets.flatten(), reduction="none")
        yield nats[(places < len(ids) - 1).flatten().to(nats.device)]


def _windows(warm_up: int, stretch: int) -> list[tuple[int, int]]:
    cuts = [*range(-warm_up, 0, CHUNK), *range(0, stretch, CHUNK), stretch]
    return list(pairwise(cuts))


def _first_reader_afresh(state: State) -> State:
    """Return the state with zeros for the first reader, before whose stretch there is no text."""
    return tuple(tuple(torch.cat([torch.zeros_like(s[:1]), s[1:]]) for s in layer) for layer in state)
