"""What training goes on from after a stop, exactly: one file with all that a run needs but its text."""

import os
import shlex
from dataclasses import asdict, dataclass
from pathlib import Path

import msgspec
import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from charrnn.errors import CharrnnError, ConfigError, RunError
from charrnn.model.checkpoint import Header, replacing_tensors, seal
from charrnn.text.reading import Reading
from charrnn.text.vocabulary import Vocabulary
from charrnn.training.config import TrainingConfig
from charrnn.training.trainer import MOMENTS, Trainer

STATE = "state.safetensors"
_FORMAT = "charrnn training state"
_VERSION = "2"


class Sources(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where a run's text was read from, how, and how it was split; what older runs did not note has their default.

    A fraction is what the user gave, None where nothing was given.
    """

    sources: tuple[str, ...]
    encoding: str
    val_fraction: float | None
    test_fraction: float | None
    errors: str = "strict"
    newlines: str = "lf"
    normalize: str | None = None
    min_count: int = 1

    @classmethod
    def of(
        cls,
        sources: tuple[str, ...],
        reading: Reading,
        val_fraction: float | None = None,
        test_fraction: float | None = None,
        min_count: int = 1,
    ) -> "Sources":
        """Note sources that were read as `reading` says."""
        return cls(
            sources, val_fraction=val_fraction, test_fraction=test_fraction, min_count=min_count, **asdict(reading)
        )

    @property
    def reading(self) -> Reading:
        """How the text was read."""
        return Reading(self.encoding, self.errors, self.newlines, self.normalize)


@dataclass(frozen=True)
class Account:
    """What a state says in words: the header of a checkpoint of that moment, where the text is, the best so far."""

    header: Header
    sources: Sources
    best_nats: float | None = None  # the lowest validation loss, as it was measured in training


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
    with replacing_tensors(folder / STATE) as temporary:
        save_file(tensors, temporary, metadata)


def find_state(folder: Path) -> Path:
    """Return where the state of a run is.

    Raises:
        RunError: the folder holds none.
    """
    path = folder / STATE
    if not os.path.isfile(path):  # unlike Path.is_file, false for a name that no file can have
        raise RunError(f"{folder} holds no {STATE}", "give the folder of a run made by 'charrnn train'")
    return path


def load_state(folder: Path) -> SavedState:
    """Read the state in a run folder and check it as a whole.

    Raises:
        RunError: it is not there, damaged, or of another format.
    """
    path = find_state(folder)
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (it is no mapping)
    except (SafetensorError, OSError) as error:
        raise RunError(f"{path} cannot be read ({error})", _after_loss(folder)) from None
    if (metadata.get("format"), metadata.get("format_version")) != (_FORMAT, _VERSION):
        raise RunError(f"{path} is not a state of this charrnn's format", "go on with the charrnn that wrote it")
    if metadata != _sealed(metadata.get("account", ""), tensors):
        raise RunError(f"{path} is damaged: its digest does not fit", _after_loss(folder))
    try:
        account = msgspec.json.decode(metadata["account"], type=Account)
        _check_tensors(tensors, account.header)
        vocabulary = Vocabulary(map(chr, tensors.pop("vocabulary").tolist()), folds=account.header.corpus.folded > 0)
    except (msgspec.DecodeError, CharrnnError, RecursionError, *_ODD) as error:
        raise RunError(f"{path} is damaged: {error}", _after_loss(folder)) from None
    return SavedState(account, vocabulary, tensors)


def recipe_of(state: SavedState, folder: Path, on_nan: str | None = None) -> TrainingConfig:
    """Return how a run was trained; `on_nan` may be chosen anew.

    Raises:
        RunError: the state does not tell.
    """
    options = state.account.header.training | ({"on_nan": on_nan} if on_nan else {})
    try:
        return msgspec.convert(options, TrainingConfig)
    except (msgspec.ValidationError, ConfigError) as error:
        raise RunError(f"{folder / STATE} is damaged: {error}", _after_loss(folder)) from None


def restore(trainer: Trainer, state: SavedState) -> None:
    """Bring a new trainer of the same model, corpus and recipe to a saved state.

    Raises:
        RunError: the state is of another network.
    """
    try:
        trainer.restore(state.tensors)
    except (RuntimeError, *_ODD) as error:
        raise RunError(f"{STATE} does not fit this network ({error})", "name the run that it belongs to") from None


def _check_tensors(tensors: dict[str, Tensor], header: Header) -> None:
    """Raise ValueError where weights, the optimiser's moments of them or the recurrent state are not of the model.

    No network is made for them, and no optimiser reads past the end of a moment that is too small for its weight.
    """
    model, optimizer = header.model, str(header.training.get("optimizer", "adamw"))
    shapes: dict[str, tuple[int, ...]] = {f"model.{name}": shape for name, shape in model.shapes().items()}
    moments = {name for name in tensors if name.startswith("optimizer.")}
    if moments:  # none before the first step
        for index, shape in enumerate(model.shapes().values()):
            shapes |= {f"optimizer.{index}.{name}": shape for name in MOMENTS[optimizer]}
            shapes[f"optimizer.{index}.step"] = ()
    found = {name: tuple(tensors[name].shape) for name in moments | {n for n in tensors if n.startswith("model.")}}
    for name in sorted(shapes | found):
        if found.get(name) != shapes.get(name) or tensors[name].dtype != torch.float32:
            raise ValueError(f"{name} is not as large as its network wants it, or of another type")
    for name, tensor in tensors.items():
        if name.startswith("recurrent.") and tensor.shape[1:] != (model.hidden_size,):
            raise ValueError(f"{name} is not as large as its network wants it")


_ODD = (KeyError, OverflowError, TypeError, ValueError)  # what Python makes of values of another kind or size


def _after_loss(folder: Path) -> str:
    run = shlex.quote(str(folder))
    return f"restore it from a backup, or start a new run from the best weights: charrnn train SOURCE --init-from {run}"


def _sealed(account: str, tensors: dict[str, Tensor]) -> dict[str, str]:
    """The file's metadata, with a digest over all of it (numpy has no bfloat16: bytes, with names, shapes, types)."""
    named = {
        f"{name} {list(t.shape)} {t.dtype}": t.reshape(-1).view(torch.uint8).numpy() for name, t in tensors.items()
    }
    digest = seal(_VERSION, _FORMAT.encode() + account.encode(), named)
    return {"format": _FORMAT, "format_version": _VERSION, "account": account, "digest": digest}
