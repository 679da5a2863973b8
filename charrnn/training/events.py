"""Event files for TensorBoard in the run folder: the log's figures as curves, the samples as text."""

import io
import time
from pathlib import Path
from typing import Any

from charrnn.errors import RunError, typed
from charrnn.evaluation.memorisation import Verbatim
from charrnn.files import append
from charrnn.runs.report import Progress

SCALARS = ("epoch", "seconds", "learning_rate", "train_nats", "grad_norm", "chars_per_second", "val_nats")
_BEGINS = "events.out.tfevents."  # the names by which TensorBoard knows its files


class Events:
    """An event file being written, by a new run or a resumed one.

    It is not PyTorch's `SummaryWriter`, whose thread meets the errors of the disk and ends in a traceback.

    Args:
        folder: the run folder.
        step: the one up to which its log is kept; TensorBoard leaves out what earlier files tell of later ones.

    Raises:
        RunError: TensorBoard is not installed, or the file cannot be written; so do all methods.
    """

    def __init__(self, folder: Path, step: int) -> None:
        check_installed()
        self._path = folder / f"{_BEGINS}{time.time_ns()}"
        self._write(None, {"file_version": "brain.Event:2"})
        self.take_back(step)

    @staticmethod
    def are_in(folder: Path) -> bool:
        """Tell whether a run has written event files."""
        return any(folder.glob(f"{_BEGINS}*"))

    def log(self, progress: Progress) -> None:
        """Write the figures of a line of the log by their names."""
        self._write(progress.step, *_scalars({name: getattr(progress, name) for name in SCALARS}))

    def keep_sample(self, progress: Progress, text: str, verbatim: Verbatim | None) -> None:
        """Write a sample, as a block of code for it is read as Markdown, and how much of it is verbatim."""
        from torch.utils.tensorboard import summary

        block = "\n".join(f"    {line}" for line in text.split("\n"))
        shares = {} if verbatim is None else {"verbatim": verbatim.share, "verbatim_lines": verbatim.lines}
        self._write(progress.step, {"summary": summary.text("sample", block)}, *_scalars(shares))

    def take_back(self, step: int) -> None:
        """Have TensorBoard leave out what was told of steps after this one, which the run has gone back to."""
        from tensorboard.compat.proto.event_pb2 import SessionLog

        self._write(step + 1, {"session_log": SessionLog(status=SessionLog.START)})

    def _write(self, step: int | None, *events: dict[str, Any]) -> None:
        from tensorboard.compat.proto.event_pb2 import Event
        from tensorboard.summary.writer.record_writer import RecordWriter

        content = io.BytesIO()
        for event in events:
            RecordWriter(content).write(Event(wall_time=time.time(), step=step, **event).SerializeToString())
        try:
            append(self._path, content.getvalue())
        except OSError as error:
            raise RunError(
                f"the event files in {self._path.parent} cannot be written ({error.strerror})",
                f"make room, then: {typed('train', '--resume', self._path.parent)}",
            ) from None


def _scalars(values: dict[str, float | None]) -> list[dict[str, Any]]:
    from torch.utils.tensorboard import summary

    return [{"summary": summary.scalar(name, value)} for name, value in values.items() if value is not None]


def check_installed() -> None:
    """Raise RunError where TensorBoard is not installed."""
    try:
        import torch.utils.tensorboard  # noqa: F401
    except ImportError:
        why = "event files need the package tensorboard, which is not installed"
        raise RunError(why, "pip install tensorboard, or train without --tensorboard") from None
