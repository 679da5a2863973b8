"""The value of every unit at every character of a text, chunk by chunk."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from charrnn.errors import ConfigError, StatesOverflowError, counted
from charrnn.evaluation.scoring import score_blocks
from charrnn.model.cells import tanh
from charrnn.model.config import ModelConfig
from charrnn.model.devices import multiplying
from charrnn.model.directions import Direction
from charrnn.model.network import CharRNN, stepped
from charrnn.model.readers import Readers, first_reader_afresh
from charrnn.model.stepped_network import SteppedCharRNN
from charrnn.model.units import Unit
from charrnn.neurons.signal_names import check_signals, is_bounded
from charrnn.text.vocabulary import Vocabulary

RECORDING = "recording"  # the kind of work whose threads are chosen
CHUNK = 4096  # characters recorded at once, by all readers together
MANY = 16  # readers from which on single steps are faster than torch's fused LSTM with its gates computed again
_TOO_LARGE = 1e15  # for sums of their squares, and for read-outs, in float32
BEFORE_PASSAGE = 2000  # characters read before a passage, so that the state there is the text's

Floats = npt.NDArray[Any]


@dataclass(frozen=True)
class Recording:
    """What the units did over T characters, and what the model held most likely to come next after each."""

    ids: npt.NDArray[np.integer]  # [T]
    signals: dict[str, Floats]  # each [L, T, H]
    candidates: npt.NDArray[np.integer]  # [T, K]: ids of the likeliest next characters, likeliest first
    chances: Floats  # [T, K]: their probabilities

    def values(self, unit: Unit | Direction, signal: str) -> Floats:
        """Return one unit's values [T], or those that are shown of a direction, which is one of h."""
        if isinstance(unit, Direction):
            return unit.value(self.signals["h"][unit.layer])
        return self.signals[signal][unit.layer, :, unit.index]


class Piece(NamedTuple):
    """What the units did over n characters that follow one another in a text."""

    start: int
    signals: dict[str, Tensor]  # each [L, n, H]

    @property
    def characters(self) -> int:
        """How many characters it is of."""
        return next(iter(self.signals.values())).shape[1]


@torch.inference_mode()
def record_pieces(
    model: CharRNN,
    ids: npt.NDArray[np.integer],
    signals: Sequence[str],
    precision: torch.dtype = torch.float32,
    readers: int | None = None,
) -> Iterator[Piece]:
    """Read a text, ids [T], and yield its recording in pieces, each character once, in no fixed order.

    A long text is read by several readers side by side, as `model/readers.py` has it.

    Raises:
        ConfigError: the cell has no such signal.
    """
    check_signals(signals, model.config)
    share = Readers.over(len(ids), readers)
    text = torch.from_numpy(ids.astype(np.int64))
    network = _fastest(model, share.count, precision)
    state = None
    for counts, places in share.windows(max(64, CHUNK // share.count)):
        window = text[places.clamp(0, len(ids) - 1)].to(model.device)
        kind = RECORDING if counts else ""
        with model.threads.piece(kind, places.numel()), multiplying(model.device, precision):
            if not counts:
                state = first_reader_afresh(model(window, state)[1])
                continue
            _, state, recorded = network.record(window, state, _computed(signals))
        _check_growth(model.config, recorded)
        for reader, begin in enumerate(places[:, 0].tolist()):
            if begin < len(ids):
                end = min(len(ids) - begin, places.shape[1])
                yield Piece(begin, {name: _signal(recorded, name, reader, end) for name in signals})


def _fastest(model: CharRNN, readers: int, precision: torch.dtype) -> CharRNN | SteppedCharRNN:
    """What records so many readers fastest: single steps, in which the gates come by the way, or the fused layer.

    On a CPU torch's LSTM is faster by so much where there are few readers that its gates may be multiplied once more.
    """
    if model.device.type != "cpu" or (model.config.cell == "lstm" and readers < MANY):
        return model
    return stepped(model, precision)


def _check_growth(config: ModelConfig, recorded: dict[str, Tensor]) -> None:
    """Raise StatesOverflowError where states grow so large that their squares would not be finite."""
    for name, values in recorded.items():
        if not is_bounded(config, name) and not (values.abs() < _TOO_LARGE).all():
            raise StatesOverflowError


def _computed(signals: Sequence[str]) -> list[str]:
    """The signals that the network tells; tanh_c is made of c."""
    return list(dict.fromkeys("c" if name == "tanh_c" else name for name in signals))


def _signal(recorded: dict[str, Tensor], name: str, reader: int, end: int | None = None) -> Tensor:
    """A signal of one of the readers up to a place, [L, n, H]."""
    values = recorded["c" if name == "tanh_c" else name][:, reader, :end]
    return tanh(values) if name == "tanh_c" else values


@torch.inference_mode()
def record_chunks(
    model: CharRNN,
    ids: npt.NDArray[np.integer],
    signals: Sequence[str],
    candidates: int = 5,
    precision: torch.dtype = torch.float32,
) -> Iterator[Recording]:
    """Read a text, ids [T], as one stream from the zero state and yield its recording in chunks.

    Raises:
        ConfigError: the cell has no such signal.
    """
    check_signals(signals, model.config)
    state = None
    for start in range(0, len(ids), CHUNK):
        chunk = ids[start : start + CHUNK]
        inputs = torch.from_numpy(chunk.astype(np.int64))[None, :].to(model.device)
        with model.threads.piece(RECORDING, len(chunk)), multiplying(model.device, precision):
            logits, state, recorded = model.record(inputs, state, _computed(signals))
        _check_growth(model.config, recorded)
        chances, likeliest = logits[0].float().softmax(-1).topk(min(candidates, logits.shape[-1]))
        yield Recording(
            chunk,
            {name: _signal(recorded, name, 0).float().cpu().numpy() for name in signals},
            likeliest.cpu().numpy(),
            chances.cpu().numpy(),
        )


def record(
    model: CharRNN,
    ids: npt.NDArray[np.integer],
    signals: Sequence[str],
    start: int = 0,
    stop: int | None = None,
    candidates: int = 5,
    precision: torch.dtype = torch.float32,
) -> Recording:
    """Record the passage ids[start:stop], having read up to BEFORE_PASSAGE characters before it."""
    chunks = list(_passage(model, ids, signals, start, stop, candidates, precision))
    return Recording(
        np.concatenate([c.ids for c in chunks]),
        {name: np.concatenate([c.signals[name] for c in chunks], axis=1) for name in signals},
        np.concatenate([c.candidates for c in chunks]),
        np.concatenate([c.chances for c in chunks]),
    )


@dataclass(frozen=True)
class Watched:
    """What U units did over T characters, in little memory, and what was likeliest to come next after each."""

    ids: npt.NDArray[np.integer]  # [T]
    values: Floats  # [U, T]
    candidates: npt.NDArray[np.integer]  # [T, K]
    chances: Floats  # [T, K]


def guesses(recorded: Recording | Watched, vocabulary: Vocabulary) -> Iterator[list[tuple[str, float]]]:
    """Yield the likeliest next characters with their chances, one character after the other to save memory."""
    for candidates, chances in zip(recorded.candidates, recorded.chances, strict=True):
        yield list(zip((vocabulary.names[index] for index in candidates), chances.tolist(), strict=True))


def watch(
    model: CharRNN,
    ids: npt.NDArray[np.integer],
    units: Sequence[Unit | Direction],
    signal: str,
    start: int = 0,
    stop: int | None = None,
    candidates: int = 5,
    precision: torch.dtype = torch.float32,
) -> Watched:
    """Record one signal of some units over a passage, as `record` does of all; nothing else is kept."""
    parts = [
        (c.ids, np.stack([c.values(unit, signal) for unit in units]), c.candidates, c.chances)
        for c in _passage(model, ids, [signal], start, stop, candidates, precision)
    ]
    characters, values, likeliest, chances = zip(*parts, strict=True)
    join = np.concatenate
    return Watched(join(characters), join(values, axis=1), join(likeliest), join(chances))


def _passage(
    model: CharRNN,
    ids: npt.NDArray[np.integer],
    signals: Sequence[str],
    start: int,
    stop: int | None,
    candidates: int,
    precision: torch.dtype,
) -> Iterator[Recording]:
    """Yield the recording of ids[start:stop] in chunks."""
    stop = len(ids) if stop is None else min(stop, len(ids))
    if not 0 <= start < stop:
        whole = counted(len(ids), "character")
        raise ConfigError(f"the passage from {start} to {stop} is empty", f"the text has {whole}")
    skip = min(start, BEFORE_PASSAGE)
    for chunk in record_chunks(model, ids[start - skip : stop], signals, candidates, precision):
        if skip < len(chunk.ids):
            kept = {name: values[:, skip:] for name, values in chunk.signals.items()}
            yield Recording(chunk.ids[skip:], kept, chunk.candidates[skip:], chunk.chances[skip:])
        skip = max(0, skip - len(chunk.ids))


@torch.inference_mode()
def state_before(model: CharRNN, ids: npt.NDArray[np.integer], start: int) -> Floats | None:
    """Return the state [parts, L, H] in which the passage from `start` on is read by `record`; None: zeros."""
    read_from = max(0, start - BEFORE_PASSAGE)
    if read_from == start:
        return None
    window = torch.from_numpy(ids[read_from:start].astype(np.int64))[None, :].to(model.device)
    _, state = model(window)
    return np.stack([np.stack([part[0].cpu().numpy() for part in parts]) for parts in zip(*state, strict=True)])


def surprisals(model: CharRNN, ids: npt.NDArray[np.integer], start: int, stop: int) -> Floats:
    """Return −ln p of each character of the passage ids[start:stop] given those before it, [T] in nats.

    Up to BEFORE_PASSAGE characters before the passage are read; the first character of a text is not predicted: 0.
    """
    read_from = max(0, start - BEFORE_PASSAGE)
    nats = np.concatenate([[0.0], *(block.numpy() for block in score_blocks(model, ids[read_from:stop]))])
    if not np.isfinite(nats).all():
        raise StatesOverflowError
    return nats[start - read_from :]
