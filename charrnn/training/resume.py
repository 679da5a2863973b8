"""What training goes on from after a stop, exactly: the trainer's state, and where its text is."""

import json
from dataclasses import asdict
from pathlib import Path

import msgspec
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from charrnn.errors import RunError
from charrnn.files import replacing
from charrnn.model.checkpoint import seal
from charrnn.text.reading import Reading
from charrnn.training.trainer import Trainer

STATE = "state.safetensors"
SOURCES = "sources.json"
_FORMAT = "charrnn training state"
_VERSION = "1"


class Sources(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where a run's text was read from, how, and how it was split; what older runs did not note has their default."""

    sources: tuple[str, ...]
    encoding: str
    val_fraction: float
    test_fraction: float
    errors: str = "strict"
    newlines: str = "lf"
    normalize: str | None = None
    min_count: int = 1

    @classmethod
    def of(
        cls, sources: tuple[str, ...], reading: Reading, val_fraction: float, test_fraction: float, min_count: int = 1
    ) -> "Sources":
        """Note sources that were read as `reading` says."""
        return cls(
            sources, val_fraction=val_fraction, test_fraction=test_fraction, min_count=min_count, **asdict(reading)
        )

    @property
    def reading(self) -> Reading:
        """How the text was read."""
        return Reading(self.encoding, self.errors, self.newlines, self.normalize)


def save_state(trainer: Trainer, folder: Path) -> None:
    """Write the trainer's state to its run folder, in one step."""
    tensors = {name: tensor.cpu().contiguous() for name, tensor in trainer.state().items()}
    metadata = _seals(tensors)
    with replacing(folder / STATE) as temporary:
        save_file(tensors, temporary, metadata)


def restore(trainer: Trainer, folder: Path) -> None:
    """Bring a new trainer of the same model, corpus and recipe to the state in a run folder.

    Raises:
        RunError: the state is not there, damaged, or of another network.
    """
    path = folder / STATE
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (it is no mapping)
    except FileNotFoundError:
        raise RunError(f"{folder} holds no {STATE}", "give the folder of a run that was stopped") from None
    except (SafetensorError, OSError) as error:
        raise RunError(f"{path} cannot be read ({error})", "start from its weights in a new run") from None
    if metadata != _seals(tensors):
        raise RunError(f"{path} is damaged: its digest does not fit", "train again; last.safetensors can still be used")
    try:
        trainer.restore(tensors)
    except (KeyError, RuntimeError, ValueError) as error:
        raise RunError(f"{path} does not fit this network ({error})", "name the run that it belongs to") from None


def save_sources(sources: Sources, folder: Path) -> None:
    """Note in the run folder where its text is."""
    with replacing(folder / SOURCES) as temporary:
        temporary.write_text(json.dumps(msgspec.to_builtins(sources), ensure_ascii=False), "utf-8")


def load_sources(folder: Path) -> Sources:
    """Return where a run's text is.

    Raises:
        RunError: the folder is no run's.
    """
    try:
        return msgspec.json.decode((folder / SOURCES).read_bytes(), type=Sources)
    except (OSError, msgspec.DecodeError):
        raise RunError(f"{folder} holds no {SOURCES} of a run", "give a run folder made by 'charrnn train'") from None


def _seals(tensors: dict[str, Tensor]) -> dict[str, str]:
    """The file's metadata, with a digest over the tensors' bytes (numpy has no bfloat16), names, shapes and types."""
    named = {
        f"{name} {list(t.shape)} {t.dtype}": t.reshape(-1).view(torch.uint8).numpy() for name, t in tensors.items()
    }
    return {"format": _FORMAT, "format_version": _VERSION, "digest": seal(_VERSION, _FORMAT.encode(), named)}
