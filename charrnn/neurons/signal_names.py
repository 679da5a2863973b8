"""The signals of a cell by name: which it has, which keep to −1 to 1, and how each is called where it is shown."""

from collections.abc import Sequence

from charrnn.errors import check_choice
from charrnn.model.cells import gate_names, state_names
from charrnn.model.config import ModelConfig


def signal_names(config: ModelConfig) -> tuple[str, ...]:
    """Return the signals of a cell: its state, its gates and, for an LSTM, tanh of the cell state."""
    derived = ("tanh_c",) if "c" in state_names(config) else ()
    return (*state_names(config), *derived, *gate_names(config))


def is_bounded(config: ModelConfig, signal: str) -> bool:
    """Tell whether a signal keeps to −1 to 1: all do but an LSTM's cell state and a ReLU's hidden state."""
    return signal != "c" and not (config.cell == "rnn" and config.nonlinearity == "relu")


def check_signals(signals: Sequence[str], config: ModelConfig) -> None:
    """Raise ConfigError unless the cell has all of these signals."""
    for name in signals:
        check_choice("signal", name, signal_names(config))


def default_signal(config: ModelConfig) -> str:
    """Return the signal that pictures show: tanh of the cell state if there is one (as in the 2015 study), else h."""
    return "tanh_c" if "c" in state_names(config) else "h"


def shown_signal(config: ModelConfig, signal: str) -> str:
    """Return what is coloured of a signal, on a scale from −1 to 1: its tanh where it has no bound.

    >>> [shown_signal(ModelConfig(7, cell="lstm"), name) for name in ("h", "c", "tanh_c")]
    ['h', 'tanh(c)', 'tanh(c)']
    """
    if signal == "tanh_c":
        return "tanh(c)"
    return signal if is_bounded(config, signal) else f"tanh({signal})"
