"""Memory, and the attention that reads it: the same lines for numpy arrays and torch tensors, as in `cells.py`."""

from typing import NamedTuple

from charrnn.model.cells import Array, array_module, product

_OUTSIDE = -1e9  # added to the scores of places that are padding: exp of it is 0 beside any score


class Memory(NamedTuple):
    """What a source was read as: B sources of up to L places, D numbers at each."""

    values: Array  # V [B, L, D]
    mask: Array  # [B, L], 1 where there is a place, 0 where a shorter source is filled up
    keys: Array = None  # V W_kᵀ [B, L, A], computed once for all steps; None where there is no attention
    asked: Array = None  # the mean of a question's own memory, [B, D]; None where none is asked


def mean(memory: Memory) -> Array:
    """Return the mean of the memory over its places, [B, D]."""
    inside = memory.mask / memory.mask.sum(-1)[:, None]
    return mixed(memory, inside)


def mixed(memory: Memory, weights: Array) -> Array:
    """Return z = Σ aᵢ vᵢ [B, D], of the weights a [B, L] of the places."""
    return (weights[:, None] @ memory.values)[:, 0]


def attend(memory: Memory, query: Array, h: Array) -> Array:
    """Return the weights of the places, a = softmax(k·q / √A) [B, L], with q = W_q h.

    Args:
        memory: with its keys k.
        query: W_q [A, H].
        h: the decoder's uppermost hidden state before the step, [B, H].
    """
    q = product(h, query)
    scores = (memory.keys @ q[:, :, None])[:, :, 0] / q.shape[-1] ** 0.5 + (1 - memory.mask) * _OUTSIDE
    library = array_module(scores)
    weights = library.exp(scores - library.amax(scores, axis=-1, keepdims=True))
    return weights / weights.sum(-1)[:, None]


def likeliest(weights: Array) -> Array:
    """Return 1 for the place with the largest weight and 0 for all others, [B, L]: where hard attention looks.

    >>> import numpy as np
    >>> likeliest(np.array([[0.2, 0.5, 0.3]])).tolist()
    [[0.0, 1.0, 0.0]]
    """
    one = weights * 0 + 1
    return (one.cumsum(-1) - 1 == weights.argmax(-1)[:, None]) * one
