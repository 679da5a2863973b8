"""The order in which a run reads items: shuffled in every epoch, batched by length, padded. Knows no torch."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from charrnn.errors import ConfigError
from charrnn.text.corpus import check_epochs
from charrnn.text.encoding import Ids

POOL = 16  # batches of shuffled items that are sorted by length together: little padding, and batches that differ
IGNORED = -100  # the target where there is nothing to predict
_MOST_EPOCHS = 10**6  # of unlike numbers of windows, which are shuffled one after the other; of like ones:
_MOST_LIKE_EPOCHS = 10**12
Whole = npt.NDArray[np.int64]


class ItemBatch(NamedTuple):
    """One window of B items: T symbols of each and, as targets, those that follow; IGNORED behind an item's end."""

    inputs: Whole  # [B, T]
    targets: Whole  # [B, T]
    begins: bool  # whether the items begin here; else they go on from the window before, less those that have ended
    predicted: int  # targets that count, of all processes
    classes: Whole | None  # [B], where items have labels


class _Plan(NamedTuple):
    """An epoch: batch b has the items order[starts[b]:][:batch_size], longest first, read in windows[b] windows."""

    order: Whole  # [M]
    starts: Whole
    windows: Whole


@dataclass(frozen=True)
class ItemStreams:
    """M items, read B at once from the zero state; one longer than T goes on in the next window.

    Every epoch shuffles them anew by the seed, and reads each once. Batches are of items of similar length. Within a
    batch items are sorted, longest first, so that those that go on are the first rows.

    Sizes too large for the items are reduced. Several processes may share a batch: each has every so-manieth row.
    """

    ids: Ids  # [N]: END, item, END, …, END
    ends: Whole  # [M + 1], the places of END
    batch_size: int
    seq_length: int
    seed: int
    classes: npt.NDArray[np.int32] | None = None  # [M]
    rank: int = 0
    size: int = 1

    @classmethod
    def over(
        cls,
        ids: Ids,
        end: int,
        batch_size: int,
        seq_length: int,
        seed: int,
        classes: npt.NDArray[np.int32] | None = None,
    ) -> "ItemStreams":
        """Return streams over ids [N], which begin and end with `end`, of at most the given sizes."""
        ends = np.flatnonzero(ids == end)
        longest = int(np.diff(ends).max())
        return cls(ids, ends, min(batch_size, len(ends) - 1), min(seq_length, longest), seed, classes)

    def share(self, rank: int, size: int) -> "ItemStreams":
        """Return the streams that process `rank` of `size` reads.

        Raises:
            ConfigError: there are fewer items than processes.
        """
        if self.batch_size < size:
            raise ConfigError(f"there are {self.batch_size} items, and {size} processes", "start fewer")
        return replace(self, batch_size=self.batch_size // size * size, rank=rank, size=size)

    @property
    def rows(self) -> range:
        """The rows of a whole batch that this process would have, were they dealt in stretches."""
        rows = self.batch_size // self.size
        return range(self.rank * rows, (self.rank + 1) * rows)

    @property
    def per_epoch(self) -> int:
        """Symbols that an epoch predicts."""
        return len(self.ids) - 1

    @property
    def per_step(self) -> float:
        """Symbols that a step predicts, on the average."""
        return self.per_epoch / self.steps_in(0)

    @property
    def lengths(self) -> Whole:
        """Symbols that are predicted of each item, [M]: its characters, and END."""
        return np.diff(self.ends)

    def steps_in(self, epoch: int) -> int:
        """Windows in one epoch."""
        return int(self._plan(epoch).windows.sum())

    def batches(self, start: int = 0) -> Iterator[ItemBatch]:
        """Yield this process's batches without end, from the given step on. Raises ConfigError as `place_of` does."""
        epoch, start = self.place_of(start)
        plan = self._plan(epoch)
        while True:
            for batch, count in enumerate(plan.windows.tolist()):
                for window in range(min(start, count), count):
                    yield self._batch(self._items(plan, batch), window)
                start = max(0, start - count)
            epoch += 1
            plan = self._plan(epoch)

    def beginning(self, step: int) -> slice:
        """Return no readers: each item begins from the zero state as it is."""
        return slice(0, 0)

    def rows_before(self, step: int) -> tuple[range, int]:
        """Return the rows that this process has of the state before a step, and how many there are in all."""
        if step == 0:
            return self.rows, self.batch_size
        epoch, place = self.place_of(step - 1)
        plan = self._plan(epoch)
        batch = int(np.searchsorted(np.cumsum(plan.windows), place, "right"))
        window = place - int(plan.windows[:batch].sum())
        rows = self._rows(self.lengths[self._items(plan, batch)], window)
        return range(self.rank * rows, (self.rank + 1) * rows), self.size * rows

    def place_of(self, step: int) -> tuple[int, int]:
        """Return the epoch of a step, and how many of that epoch's steps come before it.

        Raises:
            ConfigError: the step is of an epoch that no training reaches.
        """
        lengths = self.lengths
        alike = len(lengths) <= self.batch_size or int(lengths.max()) <= self.seq_length
        check_epochs(step, self.steps_in(0), _MOST_LIKE_EPOCHS if alike else _MOST_EPOCHS)
        if alike:
            return divmod(step, self.steps_in(0))
        epoch = 0
        while step >= (count := self.steps_in(epoch)):
            step, epoch = step - count, epoch + 1
        return epoch, step

    def _plan(self, epoch: int) -> _Plan:
        random, lengths = np.random.default_rng((self.seed, epoch)), self.lengths
        order = random.permutation(len(lengths))
        pools = np.arange(len(order)) // (POOL * self.batch_size)
        order = order[np.lexsort((-lengths[order], pools))]
        starts = random.permutation(np.arange(0, len(order), self.batch_size))
        return _Plan(order, starts, -(-lengths[order[starts]] // self.seq_length))

    def _items(self, plan: _Plan, batch: int) -> Whole:
        start = plan.starts[batch]
        return plan.order[start : start + self.batch_size]

    def _rows(self, lengths: Whole, window: int) -> int:
        """Rows that each process has in a window of items that are so long: those of the items that go on."""
        return -(-int((lengths > window * self.seq_length).sum()) // self.size)

    def _batch(self, items: Whole, window: int) -> ItemBatch:
        begun, lengths = window * self.seq_length, self.lengths[items]
        left = np.minimum(lengths - begun, self.seq_length)
        mine = items[left > 0][self.rank :: self.size]
        places = np.arange(int(left[0]))
        counts = places < self.lengths[mine][:, None] - begun
        at = np.minimum(self.ends[mine][:, None] + begun + places, len(self.ids) - 2)
        shape = (self._rows(lengths, window), len(places))  # a process may have one row less, and fills it up
        inputs, targets, classes = np.zeros(shape, np.int64), np.full(shape, IGNORED), np.zeros(shape[0], np.int64)
        inputs[: len(mine)] = np.where(counts, self.ids[at].astype(np.int64), 0)
        targets[: len(mine)] = np.where(counts, self.ids[at + 1].astype(np.int64), IGNORED)
        if self.classes is not None:
            classes[: len(mine)] = self.classes[mine]
        predicted = int(np.maximum(left, 0).sum())
        return ItemBatch(inputs, targets, window == 0, predicted, None if self.classes is None else classes)
