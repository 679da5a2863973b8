"""What programs and the command line call: load or train a model, and all that can be done with it.

Its modules are imported when they are first used, so that what writes text starts without torch.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from charrnn.api import ablate, devices, dump, explore, find, gates, grep, highlight, steer, trace
    from charrnn.api.model import Model, load
    from charrnn.api.passage import Passage
    from charrnn.api.training import train

__all__ = [
    "Model", "Passage", "ablate", "devices", "dump", "explore", "find", "gates", "grep", "highlight", "load", "steer",
    "trace", "train",
]  # fmt: skip
_MODULES = {"Model": "model", "Passage": "passage", "load": "model", "train": "training"}


def __getattr__(name: str) -> Any:
    """Import what is asked for."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module = import_module(f"{__name__}.{_MODULES.get(name, name)}")
    return getattr(module, name) if name in _MODULES else module
