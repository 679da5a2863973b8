"""How well a model predicts a text, in nats per character; the one measure that training and scoring share."""

from collections.abc import Callable, Iterator

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn import functional as F

from charrnn.model.network import CharRNN
from charrnn.model.readers import Readers, first_reader_afresh

CHUNK = 256  # characters that each reader reads at once


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

    The state is carried over the whole text. A long one is read by several readers side by side, as
    `readers.py` has it (the difference to one pass is far below 1e-4 nats).
    """
    readers = Readers.over(len(ids) - 1)
    text = torch.from_numpy(ids.astype(np.int64))
    state = None
    for counts, places in readers.windows(CHUNK):
        window = text[places.clamp(0, len(ids) - 1)].to(model.device)
        with torch.autocast(model.device.type, precision, enabled=precision != torch.float32):
            logits, state = model(window, state)
        if not counts:
            state = first_reader_afresh(state)
            continue
        targets = text[(places + 1).clamp(max=len(ids) - 1)].to(model.device)
        nats = F.cross_entropy(logits.float().flatten(0, 1), targets.flatten(), reduction="none")
        yield nats[(places < len(ids) - 1).flatten().to(nats.device)]
