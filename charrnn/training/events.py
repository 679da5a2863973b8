"""Event files for TensorBoard in the run folder: the log's figures as curves, the samples as text."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from charrnn.errors import RunError, typed
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
        step: the one up to which its log is kept; TensorBoard leaves out what earlier files tell of later ones.

    Raises:
        RunError: TensorBoard is not installed.
    """

    def __init__(self, folder: Path, step: int) -> None:
        self._folder = folder
        writer = writer_type()
        with self._writing():
            self._writer: SummaryWriter = writer(str(folder), purge_step=step + 1, flush_secs=FLUSH_SECONDS)

    @staticmethod
    def are_in(folder: Path) -> bool:
        """Tell whether a run has written event files."""
        return any(folder.glob("events.out.tfevents.*"))

    def log(self, progress: Progress) -> None:
        """Write the figures of a line of the log by their names."""
        with self._writing():
            for name in SCALARS:
                value = getattr(progress, name)
                if value is not None:
                    self._writer.add_scalar(name, value, progress.step)

    def keep_sample(self, progress: Progress, text: str, verbatim: Verbatim | None) -> None:
        """Write a sample, as a block of code for it is read as Markdown, and how much of it is verbatim."""
        with self._writing():
            self._writer.add_text("sample", "\n".join(f"    {line}" for line in text.split("\n")), progress.step)
            shares = {} if verbatim is None else {"verbatim": verbatim.share, "verbatim_lines": verbatim.lines}
            for name, share in shares.items():
                if share is not None:
                    self._writer.add_scalar(name, share, progress.step)

    def take_back(self, step: int) -> None:
        """Have TensorBoard leave out what was told of steps after this one, which the run has gone back to."""
        from tensorboard.compat.proto.event_pb2 import Event, SessionLog

        begins = Event(session_log=SessionLog(status=SessionLog.START))
        with self._writing():
            self._writer.file_writer.add_event(begins, step=step + 1)  # type: ignore[attr-defined]

    def flush(self) -> None:
        """Write out all that was told: to be called before the state is saved, from which it is not told again."""
        with self._writing():
            self._writer.flush()

    def __enter__(self) -> "Events":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._writing() if error is None else suppress(OSError):
            self._writer.close()

    @contextmanager
    def _writing(self) -> Iterator[None]:
        """Turn an error of the disk, which the writer's own thread has met, into one that says what to do."""
        try:
            yield
        except OSError as error:
            raise RunError(
                f"the event files in {self._folder} cannot be written ({error.strerror})",
                f"make room, then: {typed('train', '--resume', self._folder)}",
            ) from None


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
