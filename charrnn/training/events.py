"""Event files for TensorBoard in the run folder: the log's figures as curves, the samples as text."""

from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from charrnn.errors import RunError
from charrnn.training.memorisation import Verbatim
from charrnn.training.report import Progress

if TYPE_CHECKING:
    from torch.utils.tensorboard import SummaryWriter

SCALARS = ("epoch", "seconds", "learning_rate", "train_nats", "grad_norm", "chars_per_second", "val_nats")
FLUSH_SECONDS = 5


class Events:
    """Event files being written, by a new run or a resumed one; a context manager that closes them.

    Args:
        folder: the run folder.
        step: the steps taken so far; TensorBoard leaves out what earlier files tell of later ones.

    Raises:
        RunError: TensorBoard is not installed.
    """

    def __init__(self, folder: Path, step: int) -> None:
        self._writer: SummaryWriter = writer_type()(str(folder), purge_step=step + 1, flush_secs=FLUSH_SECONDS)

    @staticmethod
    def are_in(folder: Path) -> bool:
        """Tell whether a run has written event files."""
        return any(folder.glob("events.out.tfevents.*"))

    def log(self, progress: Progress) -> None:
        """Write the figures of a line of the log by their names; at a milestone all is then on the disk."""
        for name in SCALARS:
            value = getattr(progress, name)
            if value is not None:
                self._writer.add_scalar(name, value, progress.step)
        if progress.milestone:
            self._writer.flush()

    def keep_sample(self, progress: Progress, text: str, verbatim: Verbatim | None) -> None:
        """Write a sample, as a block of code for it is read as Markdown, and how much of it is verbatim."""
        self._writer.add_text("sample", "\n".join(f"    {line}" for line in text.split("\n")), progress.step)
        if verbatim is not None:
            self._writer.add_scalar("verbatim", verbatim.share, progress.step)

    def __enter__(self) -> "Events":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._writer.close()


def writer_type() -> "type[Any]":
    """Return PyTorch's writer of event files.

    Raises:
        RunError: TensorBoard is not installed.
    """
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError:
        why = "event files need the package tensorboard, which is not installed"
        raise RunError(why, "pip install tensorboard, or train without --tensorboard") from None
    return SummaryWriter
