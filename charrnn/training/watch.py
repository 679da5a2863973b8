"""Watch: what a training run reports to while it goes on, and asks whether to stop. Knows no torch."""

from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from charrnn.feedback import Silent
from charrnn.model.config import ModelConfig
from charrnn.training.config import TrainingConfig

if TYPE_CHECKING:
    from charrnn.evaluation.memorisation import Verbatim
    from charrnn.runs.report import Progress


@dataclass(frozen=True)
class Begun:
    """What is trained, how, and where, as a run begins or goes on."""

    model: ModelConfig
    training: TrainingConfig
    streams: int  # parallel streams of each process
    seq_length: int  # characters that are back-propagated through
    precision: str
    device: str
    processes: int
    folder: Path | None  # None: the run is kept in memory
    why: str = ""  # what the recipe chose the sizes by; nothing for a run that goes on


class Watch(Silent):
    """Reports of a training run; a subclass overrides what it wants. Notes and bars are those of `Feedback`."""

    def running(self) -> AbstractContextManager[object]:
        """Return a context that is entered before the run writes anything and left after its last step.

        From its beginning on, a run that is asked to stop leaves a state to go on from.
        """
        return nullcontext()

    def began(self, begun: Begun) -> None:
        """Take what is trained: called once, before the first step."""

    def progress(self, progress: "Progress") -> None:
        """Take a report: called about every half second."""

    def sample(self, progress: "Progress", text: str, verbatim: "Verbatim | None") -> None:
        """Take what the model writes by now, and how much of that is copied from the training text."""

    def stop(self) -> bool:
        """Return whether the run is to stop after this step: asked at every step."""
        return False


UNWATCHED = Watch()
