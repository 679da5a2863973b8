"""TrainingConfig: how a model is trained, and for how long. Knows no torch."""

from dataclasses import dataclass
from typing import Literal

from charrnn.errors import check_choice, check_range, check_whole
from charrnn.model.config import ModelConfig
from charrnn.runs.budget import budget_of, check_budget, in_words

Schedule = Literal["cosine", "linear", "constant", "exponential"]
OnNan = Literal["stop", "rollback"]
Optimizer = Literal["adamw", "rmsprop"]
SCHEDULES = ("cosine", "linear", "constant", "exponential")
OPTIMIZERS = ("adamw", "rmsprop")
ON_NAN = ("stop", "rollback")


@dataclass(frozen=True)
class TrainingConfig:
    """A recipe and a budget, checked when it is made (ConfigError names the field and its range).

    The budget is exactly one of epochs, steps and minutes.
    """

    batch_size: int = 32
    seq_length: int = 64
    optimizer: Optimizer = "adamw"
    learning_rate: float = 8e-3
    schedule: Schedule = "cosine"
    warmup: float = 0.03  # part of the run over which the learning rate rises
    decay: float = (
        0.97  # what each epoch multiplies the rate by in the exponential schedule, after `decay_after` epochs
    )
    decay_after: float = 10.0
    weight_decay: float = 0.0
    clip_norm: float = 1.0  # the gradient's largest norm; 0: any
    clip_value: float = 0.0  # the largest size of each of its numbers; 0: any
    epochs: float | None = None
    steps: int | None = None
    minutes: float | None = None
    patience: int | None = None  # validations in a row without a new best after which the run ends; None: it goes on
    sample_every: int | None = None  # steps between milestones; None: some twenty milestones in a run
    keep_checkpoints: bool = False  # keep the model of every milestone, in half precision
    seed: int = 0
    on_nan: OnNan = "stop"  # or "rollback": go back to the last saved state and halve the learning rate

    def __post_init__(self) -> None:
        check_whole("batch_size", self.batch_size, 1, 65536)
        check_whole("seq_length", self.seq_length, 1, 65536)
        check_choice("optimizer", self.optimizer, OPTIMIZERS)
        check_range("learning_rate", self.learning_rate, 1e-9, 100)
        check_choice("schedule", self.schedule, SCHEDULES)
        check_range("warmup", self.warmup, 0, 1)
        check_range("decay", self.decay, 1e-9, 1)
        check_range("decay_after", self.decay_after, 0, 1e12)
        check_range("weight_decay", self.weight_decay, 0, 10)
        check_range("clip_norm", self.clip_norm, 0, 1e9)
        check_range("clip_value", self.clip_value, 0, 1e9)
        check_whole("patience", 1 if self.patience is None else self.patience, 1, 10**12)
        check_whole("sample_every", 1 if self.sample_every is None else self.sample_every, 1, 10**12)
        check_choice("on_nan", self.on_nan, ON_NAN)
        check_whole("seed", self.seed, 0, 2**63 - 1)
        check_budget(budget_of(self))

    @property
    def budget(self) -> str:
        """The budget in words, such as "3 minutes"."""
        return in_words(budget_of(self))

    def disk_for(self, model: ModelConfig, stages: int) -> int:
        """Return the bytes of disk that a run takes: best, last and state, a second state meanwhile, and kept stages.

        The state has weights, and both of AdamW's moments, in float32; a stage is kept in half precision.
        """
        kept = 2 * stages if self.keep_checkpoints else 0
        return (2 * 4 + kept + 2 * 3 * 4) * model.parameters

    def memory_for(self, model: ModelConfig, characters: int) -> int:
        """Return the bytes of memory that training takes at least, on so many characters, in each process.

        That is weights, gradients and moments in float32; and for the characters of one window what each layer keeps
        of its gates and hands on, and the logits with their gradient.
        """
        window = min(self.batch_size * self.seq_length, characters)
        kept = model.num_layers * model.hidden_size * (model.gate_blocks + 1) + 2 * model.vocabulary_size
        return 4 * ((3 if self.optimizer == "rmsprop" else 4) * model.parameters + window * kept)
