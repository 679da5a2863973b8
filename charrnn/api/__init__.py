"""What programs and the command line call: load or train a model, and all that can be done with it.

Its modules are imported when they are first used, so that what writes text starts without torch.
"""

from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from charrnn.api import (  # noqa: F401
        ablate,
        cell_gradients,
        corpora,
        devices,
        dump,
        emerge,
        explore,
        export,
        find,
        gallery,
        gates,
        gradients,
        grep,
        highlight,
        info,
        match,
        passage,
        score,
        show,
        steer,
        trace,
        training,
    )
    from charrnn.api.cell_gradients import compare_cells
    from charrnn.api.checkup import doctor
    from charrnn.api.comparison import compare
    from charrnn.api.emerge import emergence
    from charrnn.api.feature_list import features
    from charrnn.api.model import Model, load
    from charrnn.api.passage import Passage
    from charrnn.api.run import Run
    from charrnn.api.training import resume, train

__all__ = [
    "Model",
    "Passage",
    "Run",
    "compare",
    "compare_cells",
    "corpora",
    "doctor",
    "emergence",
    "features",
    "load",
    "resume",
    "train",
]
_MODULES = {
    "Model": "model",
    "Passage": "passage",
    "Run": "run",
    "compare": "comparison",
    "compare_cells": "cell_gradients",
    "doctor": "checkup",
    "emergence": "emerge",
    "features": "feature_list",
    "load": "model",
    "resume": "training",
    "train": "training",
}


def __getattr__(name: str) -> Any:
    """Import what is asked for: one of `__all__`, or a module."""
    if name in _MODULES:
        return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
    if name.startswith("_") or find_spec(f"{__name__}.{name}") is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return import_module(f"{__name__}.{name}")
