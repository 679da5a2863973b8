"""Along a direction: what it is held at, how much it weighs, and random directions of its layer that weigh as much."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import torch

from charrnn.model.network import CharRNN
from charrnn.neurons.intervention import Along
from charrnn.neurons.recording import record_pieces

Floats = npt.NDArray[Any]
Ids = npt.NDArray[np.integer]
How = Literal["mean", "zero", "resample"]
TRIED = 400  # random directions of each kind, among which those that weigh as much are drawn
POWERS = (0.0, 0.5, 1.0, 2.0, 4.0)  # of the variances of the principal components, that a kind of them follows


@dataclass(frozen=True)
class Moments:
    """The mean [H] and covariances [H, H] of a layer's hidden state over a text."""

    mean: Floats
    covariances: Floats


def layer_moments(model: CharRNN, ids: Ids, layer: int, precision: torch.dtype) -> Moments:
    """Return the moments of a layer over a text, ids [N]."""
    sums, products = np.zeros(2, object)
    for piece in record_pieces(model, ids, ["h"], precision):
        h = piece.signals["h"][layer].double().cpu().numpy()
        sums, products = sums + h.sum(0), products + h.T @ h
    mean = sums / len(ids)
    return Moments(mean, products / len(ids) - np.outer(mean, mean))


def outgoing(model: CharRNN, layer: int) -> Floats:
    """Return all weights that a layer's state goes to, [R, H]: its next step, and the layer above or the read-out."""
    named = dict(model.named_weights())
    above = f"layers.{layer + 1}.weight_ih" if layer + 1 < model.config.num_layers else "readout.weight"
    names = (f"layers.{layer}.weight_hh", above)
    return np.concatenate([named[name].detach().float().cpu().numpy() for name in names])


def weigh(directions: Floats, moments: Moments, out: Floats, how: How) -> Floats:
    """Return how much directions [D, H] weigh, [D]: how far the state is moved, times the norm of what that changes."""
    variances = np.einsum("dh,dh->d", directions @ moments.covariances, directions)
    if how == "zero":
        variances = variances + (directions @ moments.mean) ** 2
    return np.sqrt(np.maximum(0, variances)) * np.linalg.norm(directions @ out.T, axis=1)


def random_directions(
    own: Floats, moments: Moments, out: Floats, how: How, random: np.random.Generator, count: int, alike: float
) -> Floats:
    """Draw so many directions [count, H] at right angles to one [H] that weigh as much, within a factor `alike`.

    Some are random in all directions, others follow the directions in which the layer varies. Where too few weigh as
    much, they are those that come nearest.
    """
    variances, components = np.linalg.eigh(moments.covariances)
    scale = np.maximum(1e-12, variances / variances.max())
    drawn = np.concatenate(
        [random.normal(size=(TRIED, len(own))) * scale ** (power / 2) @ components.T for power in POWERS]
    )
    drawn -= np.outer(drawn @ own, own)
    drawn /= np.linalg.norm(drawn, axis=1, keepdims=True)
    wanted = weigh(own[None], moments, out, how)[0]
    ratio = np.abs(np.log((weigh(drawn, moments, out, how) + 1e-9) / (wanted + 1e-9)))
    near = np.flatnonzero(ratio <= np.log(alike))
    near = near if len(near) >= count else np.argsort(ratio, kind="stable")[:count]
    chosen: Floats = drawn[random.permutation(near)[:count]]
    return chosen


def held_along(
    model: CharRNN, ids: Ids, layer: int, directions: Floats, how: How, mean: Floats, by: int, precision: torch.dtype
) -> Sequence[Along]:
    """Return what directions [D, H] are held at: their mean, 0, or their values `by` so many characters before."""
    if how != "resample":
        at = directions @ mean if how == "mean" else np.zeros(len(directions))
        return [Along(layer, each, np.array([value], np.float32)) for each, value in zip(directions, at, strict=True)]
    values = np.empty((len(directions), len(ids)), np.float32)
    for piece in record_pieces(model, ids, ["h"], precision):
        h = piece.signals["h"][layer].float().cpu().numpy()
        values[:, piece.start : piece.start + piece.characters] = directions.astype(np.float32) @ h.T
    return [Along(layer, each, np.roll(row, by)) for each, row in zip(directions, values, strict=True)]
