"""Extractors by their names, and the one that made some features: so a new picture is seen as a model's own were."""

import re

from charrnn.conditioned.features import Extraction, Features, FeatureSource
from charrnn.conditioned.pictures import PATCH, SIZE, Extractor, Patches
from charrnn.errors import ConfigError, check_choice

NAMES = ("patches", "efficientnet-lite0")


def extractor(name: str, size: int | None = None, patch: int | None = None) -> Extractor:
    """Return an extractor by its name; `size` and `patch` are of patches, in pixels.

    Raises:
        ConfigError: there is no such extractor, it has no such options, or its weights are not installed.
    """
    check_choice("the extractor", name, NAMES)
    if name == "patches":
        return Patches(SIZE if size is None else size, PATCH if patch is None else patch)
    if size is not None or patch is not None:
        raise ConfigError(f"size or patch is given with {name}", "leave them out, or choose patches")
    from charrnn.conditioned.efficientnet import EfficientNet  # and with it torch

    return EfficientNet()


def made_by(extraction: Extraction) -> Extractor:
    """Return the extractor that made features.

    Raises:
        ConfigError: it is none of these, or its weights are others.
    """
    found: Extractor | None = None
    if extraction.extractor == "patches":
        numbers = re.findall(r"\d+", extraction.preprocessing)
        found = Patches(int(numbers[0]), int(numbers[-1])) if len(numbers) == 3 else None
    elif extraction.extractor in NAMES:
        found = extractor(extraction.extractor)
    if found is None or found.extraction != extraction:
        raise ConfigError(
            f"the model's features are by {extraction}, which is not here", "name a file of such features with --images"
        )
    return found


def check_alike(features: Features, known: FeatureSource) -> None:
    """Raise ConfigError where features are not of the kind that a model learned from."""
    if features.extraction != known.extraction:
        raise ConfigError(
            f"{features.path} has features by {features.extraction}, and the model's are by {known.extraction}",
            "extract them as the model's were",
        )
    if features.shape != known.shape:
        there, wanted = (" × ".join(map(str, shape)) for shape in (features.shape, known.shape))
        raise ConfigError(
            f"{features.path} has features of {there}, and the model's are {wanted}", "extract them again"
        )
