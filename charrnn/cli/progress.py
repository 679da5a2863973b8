"""What a training run shows while it goes on: a bar, losses, samples and notes; and how signals stop it."""

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import TYPE_CHECKING, Any

from charrnn.cli.common import Terminal, bar, is_first_process, note_beside_bar, say
from charrnn.display.signs import one_line, visible
from charrnn.errors import counted
from charrnn.training.watch import Begun, Watch

if TYPE_CHECKING:
    from tqdm import tqdm

    from charrnn.evaluation.memorisation import Verbatim
    from charrnn.runs.report import Progress


class TrainingOnTerminal(Terminal, Watch):
    """A bar on stderr, and what is written above it; where stderr is no terminal, that alone.

    `signal` is the one that has stopped the run; None where none has.
    """

    def __init__(self) -> None:
        self._received: list[int] = []
        self._bar: tqdm[Any] | None = None
        self._val = ""

    @property
    def signal(self) -> int | None:
        """The first signal that came while the run went on."""
        return self._received[0] if self._received else None

    def stop(self) -> bool:
        """Return whether a signal has come."""
        return bool(self._received)

    @contextmanager
    def running(self) -> Iterator[None]:
        """Answer signals after the step in which they come; take the bar away at the end."""
        with signals(self._received):
            try:
                yield
            finally:
                if self._bar is not None:
                    self._bar.close()
                    self._bar = None

    def note(self, message: str) -> None:
        """Write a note, above the bar where there is one."""
        if self._bar is None:
            super().note(message)
        else:
            note_beside_bar(message)

    def began(self, begun: Begun) -> None:
        """Write what is trained, and draw the bar."""
        self.announce(_announced(begun))

    def announce(self, line: str) -> None:
        """Write a line, and draw the bar."""
        say(line, err=True)
        self._bar = bar(total=1.0, bar_format="{percentage:3.0f}%|{bar}|{desc} {remaining} left")

    def sample(self, progress: "Progress", text: str, verbatim: "Verbatim | None") -> None:
        """Write what the model writes by now."""
        of = "" if progress.val_characters is None else f" (first {counted(progress.val_characters, 'character')})"
        measured = "" if progress.val_nats is None else f" val {progress.val_nats:.3f}{of}"
        share = f", {verbatim}" if verbatim else ""
        self._write(f"── step {progress.step}, train {progress.train_nats:.3f}{measured} nats{share}")
        self._write(visible(text))
        self._val = measured or self._val

    def progress(self, progress: "Progress") -> None:
        """Move the bar to where the run stands."""
        if self._bar is None:
            return
        self._bar.n = progress.fraction
        self._bar.set_description_str(
            f" step {progress.step} epoch {progress.epoch:.1f} train {progress.train_nats:.3f}{self._val} nats "
            f"{progress.chars_per_second / 1000:.0f}k char/s"
        )

    def _write(self, line: str) -> None:
        if self._bar is not None:
            self._bar.write(line, file=sys.stderr)


def _announced(begun: Begun) -> str:
    """What is trained, how, and why so, in one line."""
    model, training = begun.model, begun.training
    processes = "" if begun.processes == 1 else f"{begun.processes} processes, each "
    return (
        f"{model.kind} {model.num_layers}×{model.hidden_size}, embedding {model.embedding_size or 'one-hot'}, "
        f"{model.parameters:,} parameters; "
        f"{processes}{counted(begun.streams, 'stream')} × {counted(begun.seq_length, 'character')}, "
        f"rate {training.learning_rate:g}, {model.dropouts}, {begun.precision} on {begun.device}, "
        f"{training.budget}{begun.why}; run in {one_line(str(begun.folder))}"
    )


@contextmanager
def signals(received: list[int]) -> Iterator[None]:
    """Collect SIGINT, SIGTERM and SIGHUP instead of dying of them; a second SIGINT or SIGTERM acts at once.

    SIGHUP says that the terminal was closed, perhaps twice; where it is ignored, as nohup has it, it stays so.
    """

    def receive(number: int, frame: FrameType | None) -> None:
        if received and number not in hangups:
            raise SystemExit(128 + number)
        received.append(number)
        if not is_first_process():
            return
        with suppress(OSError):  # written past the buffer, in the middle of which the signal may have come
            os.write(2, b"Stopping after this step; once more to leave at once.\n")

    hangups = [signal.SIGHUP] if hasattr(signal, "SIGHUP") else []  # Windows has none
    asked = [number for number in hangups if signal.getsignal(number) is not signal.SIG_IGN]
    before = {number: signal.signal(number, receive) for number in (signal.SIGINT, signal.SIGTERM, *asked)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
