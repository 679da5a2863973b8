"""Answering: what a model writes for sources: the likeliest symbol at each step, a beam, or drawn at random.

Nothing here is given the right symbols: each step is given what the model itself has written.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from charrnn.conditioned.attention import Memory
from charrnn.conditioned.decoder import State
from charrnn.conditioned.reader import Floats, Ids, Input, Reader
from charrnn.errors import StatesOverflowError, check_range

_TOGETHER = 256  # rows that are written side by side


@dataclass(frozen=True)
class Answer:
    """An output as ids, without its end symbol; its cost in nats, end symbol counted; and where each step looked."""

    ids: tuple[int, ...]
    nats: float
    weights: Floats  # [T, L] of the steps, that of the end symbol too
    ended: bool = True  # False: it was cut off at the longest length

    @property
    def nats_per_symbol(self) -> float:
        """The mean cost of its symbols, by which answers of several lengths are compared."""
        return self.nats / max(1, len(self.weights))


def greedy(reader: Reader, inputs: Sequence[Input], longest: int) -> Iterator[Answer]:
    """Yield for each input the answer of the likeliest symbols, in the order of the inputs."""
    yield from (answers[0] for answers in _together(reader, inputs, longest, 1))


def beam(reader: Reader, inputs: Sequence[Input], longest: int, width: int) -> Iterator[list[Answer]]:
    """Yield for each input up to `width` answers that beam search finds, the likeliest per symbol first.

    Raises:
        ConfigError: the width is not from 1 to 1000.
    """
    check_range("beam", width, 1, 1000)
    yield from _together(reader, inputs, longest, width)


def drawn(
    reader: Reader, given: Input, longest: int, count: int, temperature: float, random: np.random.Generator
) -> Iterator[Answer]:
    """Yield so many answers to one input, drawn at a temperature; `nats` are those of temperature 1."""
    memory = reader.read([given])
    for _ in range(count):
        yield from _Writing(reader, memory, longest, 1).drawn(temperature, random)


def _together(reader: Reader, inputs: Sequence[Input], longest: int, width: int) -> Iterator[list[Answer]]:
    """Answer many inputs side by side, those of like length together; yield in the order of the inputs."""
    order = sorted(range(len(inputs)), key=lambda index: len(inputs[index].source))
    rows, found = max(1, _TOGETHER // width), dict[int, list[Answer]]()
    for begin in range(0, len(order), rows):
        chosen = order[begin : begin + rows]
        memory = reader.read([inputs[index] for index in chosen])
        found |= dict(zip(chosen, _Writing(reader, memory, longest, width).searched(), strict=True))
    yield from (found[index] for index in range(len(inputs)))


class _Writing:
    """B sources, each with `width` beginnings of an answer, which grow by a symbol a step."""

    def __init__(self, reader: Reader, memory: Memory, longest: int, width: int) -> None:
        self._decoder, self._config, self._longest, self._width = reader.decoder, reader.config, longest, width
        self._B = len(memory.mask)
        self._lengths = memory.mask.sum(-1).astype(int)
        self._memory = Memory(*(None if part is None else np.repeat(part, width, 0) for part in memory))

    def searched(self) -> list[list[Answer]]:
        """Beam search; a width of 1 is greedy. At each step the likeliest `width` beginnings of a source are kept."""
        B, K, V = self._B, self._width, self._config.output_size + 1
        total = np.full((B, K), np.inf)
        total[:, 0] = 0  # at first there is one beginning, not K equal ones
        ids = np.empty((B, K, 0), np.int64)
        weights = np.empty((B, K, 0, self._memory.mask.shape[1]), np.float32)
        ended: list[list[Answer]] = [[] for _ in range(B)]
        given, state = np.full(B * K, self._config.end), self._decoder.begin(self._memory)
        for step in range(self._longest):
            nats, state, looked = self._step(given, state)
            costs = (total[:, :, None] + nats.reshape(B, K, V)).reshape(B, K * V)
            best = np.argsort(costs, 1, kind="stable")[:, :K]
            total, (row, symbol) = np.take_along_axis(costs, best, 1), np.divmod(best, V)
            place = np.arange(B)[:, None]
            ids = np.concatenate([ids[place, row], symbol[..., None]], 2)
            looks = looked.reshape(B, K, 1, -1)
            weights = np.concatenate([weights[place, row], looks[place, row]], 2)
            over = (symbol == self._config.end) | (self._config.output == "classes")
            cut = step + 1 == self._longest
            for b, k in np.argwhere(np.isfinite(total) & (over | cut)):
                ended[b].append(self._answer(ids[b, k], total[b, k], weights[b, k], b))
            total = np.where(over, np.inf, total)
            if not self._going(total, ended).any():
                break
            chosen = (place * K + row).ravel()
            state = tuple(tuple(part[chosen] for part in layer) for layer in state)
            given = symbol.ravel()
        return [sorted(answers, key=lambda a: (not a.ended, a.nats_per_symbol))[:K] for answers in ended]

    def _going(self, total: npt.NDArray[np.float64], ended: list[list[Answer]]) -> npt.NDArray[np.bool_]:
        """Whether each source has a beginning that may still become better than the worst answer that is kept."""
        enough = [len(answers) >= self._width for answers in ended]
        return np.isfinite(total).any(1) & ~np.array(enough)

    def drawn(self, temperature: float, random: np.random.Generator) -> Iterator[Answer]:
        """Yield an answer to each source, drawn symbol by symbol."""
        given, state = np.full(self._B, self._config.end), self._decoder.begin(self._memory)
        ids: list[npt.NDArray[np.int64]] = []
        nats: list[npt.NDArray[np.float64]] = []
        looks = []
        for _ in range(self._longest):
            costs, state, looked = self._step(given, state)
            given = _picked(costs, temperature, random)
            ids.append(given)
            nats.append(np.take_along_axis(costs, given[:, None], 1)[:, 0])
            looks.append(looked)
            if self._config.output == "classes" or (given == self._config.end).all():
                break
        for b in range(self._B):
            row = np.array([step[b] for step in ids])
            ends = np.flatnonzero(row == self._config.end)
            size = int(ends[0]) + 1 if len(ends) else len(row)
            cost = float(sum(step[b] for step in nats[:size]))
            yield self._answer(row[:size], cost, np.stack(looks)[:size, b], b)

    def _step(self, given: Ids, state: State) -> tuple[npt.NDArray[np.float64], State, Floats]:
        """Take a step; return −ln p [B·K, V + 1] of each symbol, the state after it, and where it looked."""
        taken = self._decoder.take(self._memory, self._decoder.inputs(given), state)
        logits = self._decoder.logits(taken.h).astype(np.float64)
        if not np.isfinite(logits).all():
            raise StatesOverflowError
        if self._config.output == "classes":
            logits[:, self._config.end] = -np.inf  # no class, and never a target
        below = logits - logits.max(-1, keepdims=True)
        return np.log(np.exp(below).sum(-1, keepdims=True)) - below, taken.state, taken.weights

    def _answer(self, ids: Ids, nats: float, weights: Floats, b: int) -> Answer:
        """An answer; the places beyond its own source are padding."""
        symbols = tuple(int(index) for index in ids if index != self._config.end)
        whole = self._config.output == "classes" or (len(ids) > 0 and ids[-1] == self._config.end)
        return Answer(symbols, float(nats), weights[:, : self._lengths[b]], bool(whole))


def _picked(costs: npt.NDArray[np.float64], temperature: float, random: np.random.Generator) -> npt.NDArray[np.int64]:
    """Draw a symbol for each row of costs −ln p [B, V + 1]; at temperature 0 the likeliest."""
    if temperature == 0:
        return costs.argmin(-1)
    below = (costs.min(-1, keepdims=True) - costs) / temperature
    reached = np.exp(below).cumsum(-1)
    return (reached <= random.random(len(costs))[:, None] * reached[:, -1:]).sum(-1)
