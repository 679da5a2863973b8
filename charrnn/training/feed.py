"""Feed: the windows of a text as tensors on the device that trains; a text that fits on a GPU lives there."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from charrnn.text.corpus import Ids, Streams
from charrnn.text.item_streams import ItemBatch, ItemStreams

ON_GPU = 2**31  # bytes of ids at most that are kept on a GPU
_PIECE = 1 << 24  # ids that are sent there at once


class Fed(NamedTuple):
    """What a step learns from: the characters that are read, and those that follow them.

    Of items, `begins` says whether they begin here; else they go on from the window before, less those that have
    ended, which were the last rows. `predicted` counts the targets of all processes that are none of padding.
    """

    inputs: Tensor  # [B, T]
    targets: Tensor  # [B, T]
    starts_epoch: bool = False  # of streams, each of which goes on where the one before it began
    begins: bool = False
    predicted: int | None = None  # None: all
    typical: float | None = None  # targets of a mean step: a window of few does not count as much; None: `predicted`
    classes: Tensor | None = None  # [B], of items with labels


class ItemFeed:
    """The batches of items, without end, as int64 tensors on a device."""

    def __init__(self, streams: ItemStreams, device: torch.device) -> None:
        self._streams, self._device = streams, device
        self._typical = streams.per_step

    def batches(self, start: int = 0) -> Iterator[Fed]:
        """Yield the batches from the given step on."""
        return map(self._fed, self._streams.batches(start))

    def _fed(self, batch: ItemBatch) -> Fed:
        classes = None if batch.classes is None else _sent(batch.classes, self._device)
        inputs, targets = _sent(batch.inputs, self._device), _sent(batch.targets, self._device)
        return Fed(inputs, targets, False, batch.begins, batch.predicted, self._typical, classes)


def feed_of(streams: Streams | ItemStreams, device: torch.device) -> "Feed | ItemFeed":
    """Return what feeds a training on a device from streams of a text, or of items."""
    return ItemFeed(streams, device) if isinstance(streams, ItemStreams) else Feed(streams, device)


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
                yield Fed(_sent(batch.inputs, self._device), _sent(batch.targets, self._device), batch.starts_epoch)
            return
        mask = 256**self._stretches.itemsize - 1  # an unsigned id came as the signed number of the same bits
        for window in self._streams.windows(start):
            ids = self._stretches[:, window.begin : window.end + 1].long() & mask
            yield Fed(ids[:, :-1], ids[:, 1:], window.begin == 0)


def _sent(ids: npt.NDArray[np.int64], device: torch.device) -> Tensor:
    tensor = torch.from_numpy(ids)
    if device.type != "cuda":
        return tensor.to(device)
    return tensor.pin_memory().to(device, non_blocking=True)


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
