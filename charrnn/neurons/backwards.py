"""A loss's gradient carried back through time, one step after the other, so that it can neither vanish nor overflow.

Back-propagation through time multiplies the gradient by one step's Jacobian after another (Pascanu, Mikolov and Bengio
2013, equation 5). In float32 a hundred of these products may leave nothing, or infinity. Here the gradient is divided
by its largest number at every step, and the logarithm of all these divisors is kept beside it.
"""

from collections.abc import Iterator
from typing import NamedTuple, cast

import torch
from torch import Tensor
from torch.nn import functional as F

from charrnn.model.cells import step
from charrnn.model.layers import Layer
from charrnn.model.network import CharRNN, State, detached


class Gradient(NamedTuple):
    """The gradient of B losses, k characters before the end; to be multiplied with exp(log_scale), each row its own."""

    state: State  # with respect to the state after that character, and like it in shape; the later characters are given
    input: Tensor | None  # with respect to that character's input [B, I]; None at the last k, before all characters
    x: Tensor | None  # that input
    log_scale: Tensor  # [B]

    def log_norms(self) -> tuple[tuple[Tensor, ...], ...]:
        """Return ln of the norm of each layer's (h,) or (h, c), each [B]; −∞ where the gradient is zero."""
        return tuple(tuple(part.norm(dim=1).log() + self.log_scale for part in layer) for layer in self.state)


def walk(model: CharRNN, ids: Tensor, target: Tensor, state: State | None = None) -> Iterator[Gradient]:
    """Yield the gradients of −ln p(target | ids) with respect to the state k characters before, k from 0 to T.

    The state is taken as a value, as `CharRNN.forward` has it: in an LSTM, h and c are two arguments of what follows.
    An input is what the first layer reads of a character: a row of the embedding, or, one-hot, a row of V numbers.

    Args:
        model: the network.
        ids: the characters read, [B, T].
        target: the character after the last of them whose probability is asked for, [B].
        state: the state before the first of them; None for the start of a text.
    """
    inputs = _inputs(model, ids)
    states = _states(model, inputs, state or model.initial_state(len(ids)))
    gradient, log_scale = _scaled(_at_the_end(model, states[-1], target), torch.zeros(len(ids), device=ids.device))
    for place in reversed(range(ids.shape[1])):
        x = inputs[:, place].detach().requires_grad_()
        before = tuple(tuple(part.detach().requires_grad_() for part in layer) for layer in states[place])
        found = torch.autograd.grad(
            _flat(_step(model, x, before)), [x, *_flat(before)], _flat(gradient), materialize_grads=True
        )
        yield Gradient(gradient, found[0], x.detach(), log_scale)
        gradient, log_scale = _scaled(_shaped(list(found[1:]), before), log_scale)
    yield Gradient(gradient, None, None, log_scale)


def _inputs(model: CharRNN, ids: Tensor) -> Tensor:
    """What the first layer reads, [B, T, I]."""
    with torch.no_grad():
        if model.embedding is None:
            return F.one_hot(ids, model.config.vocabulary_size).to(model.readout.weight.dtype)
        return model.embedding(ids)


def _states(model: CharRNN, inputs: Tensor, state: State) -> list[State]:
    """The state before the first character, and after each, T + 1 of them."""
    states = [detached(state)]
    with torch.no_grad():
        for x in inputs.unbind(1):
            states.append(_step(model, x, states[-1]))
    return states


def _step(model: CharRNN, x: Tensor, state: State) -> State:
    """Read one character's input x [B, I]."""
    after = []
    for layer, before in zip(model.layers, state, strict=True):
        weights = cast("Layer", layer).weights
        new, _ = step(model.config, weights, F.linear(x, weights.weight_ih, weights.bias_ih), before)
        after.append(new)
        x = new[0]
    return tuple(after)


def _at_the_end(model: CharRNN, state: State, target: Tensor) -> State:
    """The loss's gradient with respect to the last state, of which the read-out sees the last layer's h alone."""
    h = state[-1][0].detach().requires_grad_()
    (of_h,) = torch.autograd.grad(F.cross_entropy(model.readout(h), target, reduction="sum"), [h])
    zeros = tuple(tuple(torch.zeros_like(part) for part in layer) for layer in state)
    return (*zeros[:-1], (of_h, *zeros[-1][1:]))


def _scaled(gradient: State, log_scale: Tensor) -> tuple[State, Tensor]:
    """Divide each row by the largest of its numbers in all layers; a row of zeros stays so."""
    largest = torch.stack([part.abs().amax(1) for part in _flat(gradient)]).amax(0)
    largest = torch.where(largest > 0, largest, 1)
    return tuple(tuple(part / largest[:, None] for part in layer) for layer in gradient), log_scale + largest.log()


def _flat(state: State) -> list[Tensor]:
    return [part for layer in state for part in layer]


def _shaped(parts: list[Tensor], like: State) -> State:
    """The parts of a state, in the order in which `_flat` gives them, layer by layer again."""
    each = len(like[0])
    return tuple(tuple(parts[start : start + each]) for start in range(0, len(parts), each))
