"""The default recipe: what is chosen for a user who names only a text and a time, and why; and the classics by name."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from math import log2
from typing import Any, NamedTuple

from charrnn.errors import check_choice, counted
from charrnn.model.config import BUDGETS, CELL_NAMES, NONLINEARITIES, ModelConfig
from charrnn.training.config import TrainingConfig

MINUTES = 3.0  # the budget where none is given

_OPERATIONS = 30  # floating-point operations of training a layer, for each character and square of the width
_NARROWEST = 64
_STEPS_AT_FULL_RATE = 6000.0  # longer runs take smaller steps: at the full rate a wide network's weights ran away
_MOST_READINGS = 1000.0  # of a text in a run whose budget nobody gave
_WIDTH, _WIDTH_FOR_TEXT = 0.164, 1.5  # found on Tiny Shakespeare, as `_dropout` and `_weight_dropout` are
_ITEM_STEP = 1024  # characters of items that a step learns from, about
_ITEM_SPEED = 0.5  # of the operations of long windows, reached in short ones
_DECAY = 0.25  # the optimiser's weight decay, in parts of the weight dropout

# Where a cell differs from the LSTM, as far as it was measured: parts of its width and dropout, and the learning rate.
_BY_CELL = {
    "lstm": {"width": 1.0, "learning_rate": 7e-3, "dropout": 1.0},
    "gru": {"width": 2 / 3, "learning_rate": 4e-3, "dropout": 0.5},
    "peephole": {"width": 2 / 3, "learning_rate": 8e-3, "dropout": 0.5},
    "rnn": {"width": 1.0, "learning_rate": 1e-3, "dropout": 0.5},
}

# What char-rnn's train.lua and Karpathy, Johnson and Fei-Fei (2015) share. Both clamp each number of the gradient of a
# window's summed loss at 5; here the loss is the window's mean, so that the bound is 5 over its length.
_CLASSIC: dict[str, Any] = {
    "cell": "lstm",
    "embedding_size": 0,
    "optimizer": "rmsprop",
    "learning_rate": 2e-3,
    "schedule": "exponential",
    "decay_after": 10.0,
    "warmup": 0.0,
    "clip_norm": 0.0,
    "epochs": 50.0,
}
_CHAR_RNN = {"num_layers": 2, "hidden_size": 128, "batch_size": 50, "seq_length": 50, "decay": 0.97, "dropout": 0.0}
_STUDY = {"num_layers": 3, "hidden_size": 512, "batch_size": 100, "seq_length": 100, "decay": 0.95}  # its largest
PRESETS: dict[str, dict[str, Any]] = {
    "char-rnn": _CLASSIC | _CHAR_RNN | {"clip_value": 5 / 50},
    "study": _CLASSIC | _STUDY | {"clip_value": 5 / 100},  # it chose dropout for each model: here the recipe does
}


@dataclass(frozen=True)
class Hardware:
    """What the training runs on, as far as the recipe asks."""

    gpu: bool = False
    cores: int = 2  # of all processes together
    bfloat16: bool = True
    processes: int = 1  # that train one model together; each has a GPU, and a batch, of its own

    @property
    def operations(self) -> float:
        """Floating-point operations a second that a training step reaches, roughly: enough to choose a size by."""
        if self.gpu:
            return self.processes * (1e14 if self.bfloat16 else 1e13)
        return self.cores * (2.5e11 if self.bfloat16 else 1e11)

    def __str__(self) -> str:
        number = "bfloat16" if self.bfloat16 else "float32"
        gpus = "a GPU" if self.processes == 1 else f"{self.processes} GPUs"
        cores = "a CPU core" if self.cores == 1 else f"{self.cores} CPU cores"
        return f"{gpus if self.gpu else cores}, {number}"


class Recipe(NamedTuple):
    """Both configurations, and one line that says why they are what they are."""

    model: ModelConfig
    training: TrainingConfig
    why: str


def recipe(
    characters: int,
    vocabulary_size: int,
    given: Mapping[str, Any],
    hardware: Hardware,
    preset: str | None = None,
    item_length: float | None = None,
) -> Recipe:
    """Return the configurations made of what the user has given (None: not given), a preset, and the recipe's choices.

    Args:
        characters: how many there are to train on.
        vocabulary_size: how many of them are distinct.
        given: values by the names of the configurations' fields.
        hardware: what the training runs on.
        preset: the name of a classic, for what is not given.
        item_length: the mean of items, their ends counted; None: a running text.

    Raises:
        ConfigError: something given is outside its range, or there is no such preset.
    """
    options = {name: value for name, value in given.items() if value is not None}
    if preset is not None:
        check_choice("preset", preset, tuple(PRESETS))
        classic = PRESETS[preset]
        own_budget = set(BUDGETS) & set(options)
        options = {name: value for name, value in classic.items() if not own_budget or name not in BUDGETS} | options
    check_choice("cell", options.setdefault("cell", "lstm"), CELL_NAMES)
    check_choice("nonlinearity", options.get("nonlinearity", "tanh"), NONLINEARITIES)
    if not set(BUDGETS) & set(options):
        options |= _default_budget(characters, options, hardware)
    own = (_only(options, ModelConfig), _only(options, TrainingConfig))
    ModelConfig(vocabulary_size, **own[0]), TrainingConfig(**own[1])  # checked before anything is computed from it
    chosen, why = _chosen(characters, options, hardware, item_length)
    chosen |= options
    return Recipe(
        ModelConfig(vocabulary_size, **_only(chosen, ModelConfig)),
        TrainingConfig(**_only(chosen, TrainingConfig)),
        why if preset is None else f"the preset {preset}",
    )


def _default_budget(characters: int, options: Mapping[str, Any], hardware: Hardware) -> dict[str, float]:
    """Minutes, or as many readings as teach anything: a text of a few characters would be read millions of times."""
    budget = {"minutes": MINUTES}
    smallest = {"hidden_size": _NARROWEST, **options, **budget}
    layers = max(1, options.get("num_layers", 1))
    most = _operations(smallest, hardware) / (_OPERATIONS * layers * max(1, smallest["hidden_size"]) ** 2)
    return budget if most <= _MOST_READINGS * characters else {"epochs": _MOST_READINGS}


def _chosen(
    characters: int, options: Mapping[str, Any], hardware: Hardware, item_length: float | None = None
) -> tuple[dict[str, Any], str]:
    """Choose what nobody gave, by the text, the budget, the hardware, the cell and the depth.

    A deeper stack gets narrower layers, so that it sees as many characters in its time, and a lower rate. The more
    often a text will be read, and by the wider a network, the more is dropped, and the more weights decay; the longer
    the run, the lower the rate.
    """
    cell, depth = _BY_CELL[options["cell"]], max(1, options.get("num_layers", 1))
    sizes = {"batch_size": 128 if hardware.gpu else 32, "seq_length": 32 if options["cell"] == "peephole" else 64}
    if item_length is not None:
        sizes["batch_size"] = _items_at_once(item_length, hardware)
    sizes |= {name: options[name] for name in sizes if name in options}
    of_step = hardware.processes * sizes["batch_size"] * min(sizes["seq_length"], item_length or sizes["seq_length"])
    of_step = max(1, min(round(of_step), characters))  # a short text has fewer streams, or shorter windows
    seen = _characters_seen(characters, options, of_step)  # None: as many as the time allows
    widest = min(_WIDTH_FOR_TEXT * characters**0.5, 2048 if hardware.gpu else 1024)
    width = min(_width(options, hardware, seen), widest) * cell["width"] / depth**0.5
    hidden = options.get("hidden_size", max(_NARROWEST, round(width / 32) * 32))
    if seen is None:
        speed = 1.0 if item_length is None else _ITEM_SPEED
        seen = speed * _operations(options, hardware) / (_OPERATIONS * depth * max(1, hidden) ** 2)
    readings = seen / max(1, characters)
    steps = seen / of_step
    rate = cell["learning_rate"] * min(1, 512 / max(1, hidden)) / depth**0.75
    weight_dropout = _weight_dropout(readings * 4 * depth * hidden**2 / max(1, characters), cell["dropout"])
    chosen = {
        **sizes,
        "hidden_size": hidden,
        "embedding_size": min(256, hidden),
        "learning_rate": rate * min(1, (_STEPS_AT_FULL_RATE / max(1, steps)) ** 0.5),
        "dropout": _dropout(readings, cell["dropout"]),
        "weight_dropout": weight_dropout,
        "weight_decay": round(_DECAY * options.get("weight_dropout", weight_dropout), 3),
    }
    times = float(f"{readings:.0f}" if readings >= 1 else f"{readings:.1g}")
    return chosen, f"about {counted(times, 'reading')} of {counted(characters, 'character')} on {hardware}"


def _items_at_once(length: float, hardware: Hardware) -> int:
    """How many items of a mean length make up a step: as many as have enough characters, in sixteens."""
    least, most = (128, 1024) if hardware.gpu else (32, 256)
    return min(most, max(least, round(_ITEM_STEP / length / 16) * 16))


def _width(options: Mapping[str, Any], hardware: Hardware, seen: float | None) -> float:
    """Units that suit what a run can compute, C operations: k·C^¼, so that the parameters grow with the root of C.

    Hoffmann et al. (2022) found that root for transformers. Where not the time but the count of characters n is given,
    C itself is n·30·width².
    """
    if seen is None:
        return _WIDTH * _operations(options, hardware) ** 0.25
    return _WIDTH**2 * (_OPERATIONS * seen) ** 0.5


def _dropout(readings: float, share: float) -> float:
    """None for a text that is read once or twice; 0.2 at five readings, 0.38 at twelve, 0.5 at 23, 0.6 from 90 on."""
    few, many = 0.15 * log2(1 + readings) - 0.18, 0.05 * log2(1 + readings) + 0.27
    return round(share * min(0.6, max(0.0, min(few, many))), 2)


def _weight_dropout(uses: float, share: float) -> float:
    """By readings times recurrent weights for each character: none up to fifteen, 0.33 at 100, 0.5 from 270 on."""
    return round(share * min(0.5, max(0.0, 0.12 * log2(max(1.0, uses / 15)))), 2)


def _characters_seen(characters: int, options: Mapping[str, Any], of_step: int) -> float | None:
    if "steps" in options:
        return options["steps"] * of_step
    return options["epochs"] * characters if "epochs" in options else None


def _operations(options: Mapping[str, Any], hardware: Hardware) -> float:
    return hardware.operations * 60 * max(0.0, options["minutes"])


def _only(options: Mapping[str, Any], config: type[Any]) -> dict[str, Any]:
    return {name: value for name, value in options.items() if name in {field.name for field in fields(config)}}
