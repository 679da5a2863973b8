"""Train character-level RNNs on any text, write in its style, and see what single neurons learned."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from charrnn.api import (
        Model,
        Run,
        compare,
        compare_cells,
        corpora,
        doctor,
        emergence,
        features,
        load,
        resume,
        train,
    )

__version__ = "0.1.0"
__all__ = [
    "Model",
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


def __getattr__(name: str) -> Any:
    """Import what Python programs use when it is first asked for, so that the command line starts without it."""
    if name not in __all__:
        raise AttributeError(f"module 'charrnn' has no attribute {name!r}")
    from charrnn import api

    return getattr(api, name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__} - {"Any", "TYPE_CHECKING"})
