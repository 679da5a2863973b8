"""Feed: the windows of a text as tensors on the device that trains; a text that fits on a GPU lives there."""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from charrnn.text.corpus import Ids, Streams

ON_GPU = 2**31  # bytes of ids at most that are kept on a GPU
_PIECE = 1 << 24  # ids that are sent there at once

Fed = tuple[Tensor, Tensor, bool]  # inputs [B, T], targets [B, T], and whether an epoch starts


class Feed:
    """The batches of streams, without end, as int64 tensors on a device.

    On a GPU no step waits for them: they are cut there, out of the ids that this process's readers read, or, where
    these are too many, sent from memory that the GPU fetches by itself.
    """

    def __init__(self, streams: Streams, device: torch.device, resident: bool | None = None) -> None:
        """`resident` says whether the ids are to live on the device; None: on a GPU, where they fit."""
        self._streams, self._device = streams, device
        if resident is None:
            resident = device.type == "cuda" and _own(streams).nbytes <= ON_GPU
        self._stretches = _stretches(streams, device) if resident else None

    def batches(self, start: int = 0) -> Iterator[Fed]:
        """Yield the batches from the given step on."""
        if self._stretches is None:
            for batch in self._streams.batches(start):
                yield self._sent(batch.inputs), self._sent(batch.targets), batch.starts_epoch
            return
        mask = 256**self._stretches.itemsize - 1  # an unsigned id came as the signed number of the same bits
        for window in self._streams.windows(start):
            ids = self._stretches[:, window.begin : window.end + 1].long() & mask
            yield ids[:, :-1], ids[:, 1:], window.begin == 0

    def _sent(self, ids: npt.NDArray[np.int64]) -> Tensor:
        tensor = torch.from_numpy(ids)
        if self._device.type != "cuda":
            return tensor.to(self._device)
        return tensor.pin_memory().to(self._device, non_blocking=True)


def _own(streams: Streams) -> Ids:
    """The ids that these readers read, and the one after them."""
    return streams.ids[streams.rows.start * streams.stretch : streams.rows.stop * streams.stretch + 1]


def _stretches(streams: Streams, device: torch.device) -> Tensor:
    """What each reader reads, and the one character after it: [B, stretch + 1], a view of ids that lie on the device.

    The ids go there piece by piece, since they may be a file on the disk; torch has few uses for unsigned numbers.
    """
    ids = _own(streams)
    kind = np.dtype(f"i{ids.itemsize}") if ids.itemsize > 1 else np.dtype(np.uint8)
    here = torch.empty(len(ids), dtype=getattr(torch, kind.name), device=device)
    for start in range(0, len(ids), _PIECE):
        piece = np.array(ids[start : start + _PIECE]).view(kind)
        here[start : start + len(piece)] = torch.from_numpy(piece)
    return here.as_strided((len(streams.rows), streams.stretch + 1), (streams.stretch, 1))
