"""Directions: what linear probes read from a layer's hidden states, each named as the feature that it predicts."""

import os
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
import numpy as np
import numpy.typing as npt

from charrnn.errors import ConfigError, did_you_mean
from charrnn.files import beside, is_special, replacing
from charrnn.model.config import ModelConfig
from charrnn.model.units import Unit

Floats = npt.NDArray[Any]
LARGEST = 1 << 28  # bytes that no file of directions has
_IS_UNIT = re.compile(r"\d*:\d*\Z")
_Name = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]


@dataclass(frozen=True, eq=False)
class Direction:
    """A direction of length 1 in the space of a layer's hidden states h [H].

    Its projection h · weights is high where the feature is on, or grows with a count. What is shown of it is
    (h · weights − centre) / scale, the centre being its mean and the scale two standard deviations.
    """

    feature: str
    layer: int
    weights: Floats  # [H]
    centre: float
    scale: float
    metric: str = ""  # of the score: AUC, or Spearman's ρ
    score: float = 0.0  # on text that the probe was not fitted on
    text: str = ""  # the name of that text

    def projection(self, h: Floats) -> Floats:
        """Return h · weights of hidden states [..., H]."""
        projected: Floats = h @ self.weights.astype(np.float32)
        return projected

    def value(self, h: Floats) -> Floats:
        """Return what is shown of hidden states [..., H]: mostly between −1 and 1."""
        return (self.projection(h) - self.centre) / self.scale

    def __str__(self) -> str:
        return f"direction {self.feature} of layer {self.layer}"


class _Kept(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A direction as a file has it."""

    feature: _Name
    layer: Annotated[int, msgspec.Meta(ge=0)]
    weights: list[float]
    centre: float
    scale: Annotated[float, msgspec.Meta(gt=0)]
    metric: Annotated[str, msgspec.Meta(max_length=200)]
    score: Annotated[float, msgspec.Meta(ge=-1, le=1)]
    text: Annotated[str, msgspec.Meta(max_length=4000)]


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A file of directions, and the fingerprint of the weights that they are directions of."""

    format: Literal["charrnn directions"]
    format_version: Literal[1]
    model: str
    directions: list[_Kept]


def fingerprint(weights: Mapping[str, Floats]) -> str:
    """Return SHA-256 of a network's weights: a direction means nothing in another one."""
    digest = sha256()
    for name in sorted(weights):
        digest.update(name.encode() + np.ascontiguousarray(weights[name], "<f4").tobytes())
    return digest.hexdigest()


def save(path: Path, directions: Sequence[Direction], weights: Mapping[str, Floats]) -> None:
    """Write the directions found in a network of these weights.

    Raises:
        OSError: the file cannot be written.
    """
    kept = [
        _Kept(d.feature, d.layer, d.weights.tolist(), d.centre, d.scale, d.metric, d.score, d.text) for d in directions
    ]
    content = msgspec.json.encode(_File("charrnn directions", 1, fingerprint(weights), kept))
    with replacing(path) as temporary:
        temporary.write_bytes(content + b"\n")


def named(text: str, config: ModelConfig, weights: Callable[[], Mapping[str, Floats]]) -> Unit | Direction:
    """Return the unit that "L:I" means, or the direction that "FILE:FEATURE" means in a network of these weights.

    Raises:
        ConfigError: there is no such unit, file or feature, or the direction is another network's.
    """
    path, colon, feature = text.rpartition(":")
    if _IS_UNIT.match(text) or not (colon and path and feature):
        return Unit.parse(text, config)
    found = _read(Path(path), text)
    if found.model != fingerprint(weights()):
        raise ConfigError(f"the directions in {path} are of another model", "name the one that they were found in")
    features = [each.feature for each in found.directions]
    if feature not in features:
        cure = did_you_mean(feature, features, f"it has {', '.join(features) or 'none'}")
        raise ConfigError(f"{path} has no direction of {feature}", cure)
    return _checked(found.directions[features.index(feature)], config, path)


def _read(path: Path, text: str) -> _File:
    if not path.is_file():
        if near := beside(path):
            raise ConfigError(f"there is no file {path}", f"did you mean {near[0]}?")
        cure = "write LAYER:INDEX, both from 0, or FILE:FEATURE of a file that 'find --directions' wrote"
        raise ConfigError(f"{text!r} is no unit", cure)
    try:
        if is_special(path) or os.path.getsize(path) > LARGEST:
            raise ValueError
        return msgspec.json.decode(path.read_bytes(), type=_File)
    except (OSError, ValueError, msgspec.DecodeError, RecursionError):
        cure = "give one that 'charrnn neurons find --directions FILE' wrote"
        raise ConfigError(f"{path} is no file of directions", cure) from None


def _checked(kept: _Kept, config: ModelConfig, path: str) -> Direction:
    weights = np.array(kept.weights)
    fits = kept.layer < config.num_layers and len(weights) == config.hidden_size
    numbers = np.array([*weights, kept.centre, kept.scale])
    if not (fits and np.isfinite(numbers).all() and np.abs(numbers).max() < 1e6):
        cure = "find it anew with 'charrnn neurons find --directions FILE'"
        raise ConfigError(f"the direction of {kept.feature} in {path} is none of this model", cure)
    length = float(np.linalg.norm(weights))
    if not 0.99 < length < 1.01:
        raise ConfigError(f"the direction of {kept.feature} in {path} has the length {length:.3g}", "it must be 1")
    return Direction(kept.feature, kept.layer, weights, kept.centre, kept.scale, kept.metric, kept.score, kept.text)
