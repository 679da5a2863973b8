"""What training goes on from after a stop, exactly: one file with all that a run needs but its text."""

import math
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import msgspec
import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from charrnn.errors import CharrnnError, ConfigError, RunError, check_range, is_out_of_memory, typed
from charrnn.files import replacing
from charrnn.model.cells import state_names
from charrnn.model.checkpoint import LARGEST_FIGURE, Header, seal
from charrnn.model.config import MOST_THREADS
from charrnn.model.shipped import as_model
from charrnn.room import available, check_memory
from charrnn.text.spec import TextSpec
from charrnn.text.vocabulary import Vocabulary
from charrnn.training.config import TrainingConfig
from charrnn.training.history import STATE as STATE
from charrnn.training.history import no_run
from charrnn.training.learner import MOMENTS
from charrnn.training.trainer import COUNTS, Trainer

_FORMAT = "charrnn training state"
_VERSION = "2"
ADDED = {"owed": 7, "best": None, "reserved": 1}  # tensors that a state may have beside its layout, and their sizes
_WHOLE = ("step", "count of characters", "count of rollbacks", "count of validations without a new best")
_TIMES = ("count of seconds", "next milestone", "next validation")
_LARGEST = 2**53
_ANY = -1  # a size that is not the network's to say


@dataclass(frozen=True)
class Account:
    """What a state says in words: the header of a checkpoint of that moment, where the text is, the best so far."""

    header: Header
    sources: TextSpec
    best_nats: float | None = None  # the lowest validation loss, as it was measured in training

    def __post_init__(self) -> None:
        check_range("best_nats", self.best_nats or 0, 0, LARGEST_FIGURE)

    @property
    def training(self) -> TrainingConfig:
        """The run's recipe and budget; raises msgspec.ValidationError."""
        return msgspec.convert(self.header.training, TrainingConfig)

    @property
    def threads(self) -> int | None:
        """The number of threads that the run keeps to, on which its last bits depend; raises ConfigError."""
        number = msgspec.convert(self.header.training.get("threads"), int | None)
        if number is not None:
            check_range("threads", number, 1, MOST_THREADS)
        return number

    @property
    def precision(self) -> str:
        """The name of the number format that the run trains in; raises KeyError."""
        return str(self.header.training["precision"])


@dataclass(frozen=True)
class SavedState:
    """A run as it lies in its folder; `tensors` are those of `Trainer.state`."""

    account: Account
    vocabulary: Vocabulary
    tensors: dict[str, Tensor]


def save_state(state: SavedState, folder: Path) -> None:
    """Write a state to its run folder, in one step. Raises OSError."""
    tensors = {name: tensor.cpu().contiguous() for name, tensor in state.tensors.items()}
    tensors["vocabulary"] = torch.from_numpy(state.vocabulary.codes.astype(np.int32))
    metadata = _sealed(msgspec.json.encode(state.account).decode(), tensors)
    with replacing(folder / STATE, (SafetensorError,)) as temporary:
        save_file(tensors, temporary, metadata)


def find_state(folder: Path) -> Path:
    """Return where the state of a run is.

    Raises:
        RunError: the folder holds none.
    """
    path = folder / STATE
    if not os.path.isfile(path):  # unlike Path.is_file, false for a name that no file can have
        raise no_run(folder, STATE)
    return path


def sources_of(folder: Path) -> TextSpec | None:
    """Return where the text of a run is, or None for a folder that does not say so; no weights are read."""
    try:
        with safe_open(find_state(folder), framework="numpy") as file:
            return msgspec.json.decode((file.metadata() or {}).get("account", ""), type=Account).sources
    except (SafetensorError, OSError, msgspec.DecodeError, CharrnnError, RecursionError):
        return None


def load_state(folder: Path) -> SavedState:
    """Read the state in a run folder and check it as a whole.

    Raises:
        RunError: it is not there, damaged, or not as this charrnn writes it.
    """
    path = find_state(folder)
    check_memory(f"to read {path}", os.path.getsize(path), available(), "use a machine with more, or another run")
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (it is no mapping)
    except (SafetensorError, OSError) as error:
        if is_out_of_memory(error):
            raise
        raise RunError(f"{path} cannot be read ({error})", _after_loss(folder)) from None
    if metadata.get("format") != _FORMAT:
        raise RunError(f"{path} is no state of a run", "give the folder of a run made by 'charrnn train'")
    if metadata.get("format_version") != _VERSION:
        raise _of_another_layout(path, f"its version is {metadata.get('format_version')}, not {_VERSION}")
    if metadata != _sealed(metadata.get("account", ""), tensors):
        raise RunError(f"{path} is damaged: its digest does not fit", _after_loss(folder))
    try:
        account = msgspec.json.decode(metadata["account"], type=Account)
        _check_layout(account, tensors)
        _check_numbers(tensors)
        characters, header = map(chr, tensors.pop("vocabulary").tolist()), account.header
        vocabulary = Vocabulary(characters, header.corpus.folded > 0, header.symbols)
        if len(vocabulary) != account.header.model.vocabulary_size:
            raise ValueError("a character occurs twice in its vocabulary")
    except KeyError as error:
        raise _of_another_layout(path, f"it lacks {error.args[0]}") from None
    except (msgspec.DecodeError, CharrnnError, OverflowError, RecursionError, ValueError) as error:
        raise _of_another_layout(path, str(error)) from None
    return SavedState(account, vocabulary, tensors)


def _check_layout(account: Account, tensors: dict[str, Tensor]) -> None:
    """Check the names, types and sizes of all tensors, before a network is made that they may not fit.

    An optimiser would read past the end of a moment that is smaller than its weight.

    Raises:
        KeyError, ValueError, msgspec.ValidationError: the account or a tensor is not this charrnn's.
    """
    layout = dict(_layout(account, tensors))
    unknown = next((name for name in tensors if name not in layout and name not in ADDED), None)
    if unknown:
        raise ValueError(f"{unknown} is none of its tensors")
    for name, (number, shape) in layout.items():
        found, sizes = tensors[name], tensors[name].shape
        fits = len(sizes) == len(shape) and all(
            wanted in (_ANY, size) for size, wanted in zip(sizes, shape, strict=True)
        )
        if number not in str(found.dtype) or not fits:
            raise ValueError(f"{name} is of another size or type than its network's")


def _check_numbers(tensors: dict[str, Tensor]) -> None:
    """Check the numbers that training goes on from: what no training reaches is refused by its name.

    Raises:
        ConfigError, ValueError: a number is not this charrnn's.
    """
    *counts, best = tensors["counts"].tolist()
    for name, value in zip((*_WHOLE, *_TIMES), counts, strict=True):
        check_range(f"its {name}", value, 0, _LARGEST)
        if name in _WHOLE and value % 1:
            raise ValueError(f"its {name} is {value}")
    if best != math.inf:  # there is none yet
        check_range("its lowest validation loss", best, 0, LARGEST_FIGURE)
    for name in ADDED.keys() & tensors.keys():
        found, size = tensors[name], ADDED[name]
        if found.dim() != 1 or len(found) != (size or max(3, len(found))) or not (found.isnan() | (found >= 0)).all():
            raise ValueError(f"{name} is not what a training leaves")
    for name, found in tensors.items():  # a moment may have grown beyond all numbers, and stands still
        if (found.isnan() if name.startswith("optimizer.") else ~found.isfinite()).any() and name not in (
            "counts",
            *ADDED,
        ):
            raise ValueError(f"{name} holds values that are not finite")
    if "best" in tensors:
        check_range("the characters of its best", tensors["best"][0].item(), 0, _LARGEST)
        check_range("whether its best is whole", tensors["best"][1].item(), 0, 1)


def _layout(account: Account, tensors: dict[str, Tensor]) -> Iterator[tuple[str, tuple[str, tuple[int, ...]]]]:
    """The tensors that a state has, each with its type and sizes.

    Raises:
        KeyError, ValueError, msgspec.ValidationError: the account or the counts are not this charrnn's.
    """
    model, training, *_ = account.header.model, account.training, account.precision, account.threads
    shapes = model.shapes()
    yield "dropout", ("uint8", (_ANY, _ANY))  # of each process
    yield "counts", ("float64", (COUNTS,))
    yield "vocabulary", ("int32", (model.vocabulary_size,))
    yield from ((f"model.{name}", ("float32", shape)) for name, shape in shapes.items())
    if tensors["counts"].flatten()[0] != 0:  # steps: before the first there is none of what follows
        for index, shape in enumerate(shapes.values()):
            for name in MOMENTS[training.optimizer]:
                yield f"optimizer.{index}.{name}", ("float32", () if name == "step" else shape)
        for layer in range(model.num_layers):
            for part in range(len(state_names(model))):
                yield f"recurrent.{layer}.{part}", ("float", (_ANY, model.hidden_size))  # or bfloat16


def restore(trainer: Trainer, state: SavedState) -> None:
    """Bring a new trainer of the same model, corpus and recipe to a saved state.

    Raises:
        RunError: the state is of another network, or of no training of this text.
    """
    try:
        trainer.restore(state.tensors)
    except ConfigError as error:
        raise RunError(f"{STATE} does not fit its text: {error.problem}", error.cure) from None
    except (KeyError, OverflowError, RuntimeError, TypeError, ValueError) as error:
        raise RunError(f"{STATE} does not fit this network ({error})", "name the run that it belongs to") from None


def _of_another_layout(path: Path, why: str) -> RunError:
    return RunError(
        f"{path} is not as this charrnn writes it: {why}",
        f"go on with the charrnn that wrote it, or start a new run from its weights: {begin_from(path.parent)}",
    )


def _after_loss(folder: Path) -> str:
    return f"restore it from a backup, or start a new run from the best weights: {begin_from(folder)}"


def begin_from(folder: Path) -> str:
    """Return the command that starts a new run from the weights of another."""
    return typed("train", "SOURCE", "--init-from", as_model(folder))


def _sealed(account: str, tensors: dict[str, Tensor]) -> dict[str, str]:
    """The file's metadata, with a digest over all of it (numpy has no bfloat16: bytes, with names, shapes, types)."""
    named = {
        f"{name} {list(t.shape)} {t.dtype}": t.reshape(-1).view(torch.uint8).numpy() for name, t in tensors.items()
    }
    digest = seal(_VERSION, _FORMAT.encode() + account.encode(), named)
    return {"format": _FORMAT, "format_version": _VERSION, "account": account, "digest": digest}
