import math

import numpy as np
import pytest
import torch
from torch import nn

from charrnn.model.cells import LayerWeights, gate_names, lstm_step, peephole_step, state_names, step
from charrnn.model.config import ModelConfig

B, T, I, H = 2, 4, 3, 5  # noqa: E741 -- the letters of the house
FUSED = {
    "tanh": lambda: nn.RNN(I, H, batch_first=True, nonlinearity="tanh", dtype=torch.float64),
    "relu": lambda: nn.RNN(I, H, batch_first=True, nonlinearity="relu", dtype=torch.float64),
    "lstm": lambda: nn.LSTM(I, H, batch_first=True, dtype=torch.float64),
    "gru": lambda: nn.GRU(I, H, batch_first=True, dtype=torch.float64),
}


def numbers(*shape, seed=0):
    return np.random.default_rng([seed, *shape]).standard_normal(shape)


def layer_weights(config):
    """Weights of one layer, every one its own number."""
    rows = config.gate_blocks * H
    shapes = {
        "weight_ih": (rows, I),
        "weight_hh": (rows, H),
        "bias_ih": (rows,),
        "bias_hh": (rows,),
        "peephole": (3, H),
    }
    return LayerWeights(*(numbers(*shape, seed=index) for index, shape in enumerate(shapes.values())))


def start(config):
    """A state that is not zero."""
    return tuple(numbers(B, H, seed=9 + index) for index in range(len(state_names(config))))


def as_torch(values):
    return (
        type(values)(map(torch.tensor, values)) if type(values) is tuple else LayerWeights(*map(torch.tensor, values))
    )


def run(config, weights, x, state):
    """Step through x [B, T, I]; return the hidden states [B, T, H], the last state and the gates of each step."""
    hidden, gates = [], []
    a = x @ weights.weight_ih.T + weights.bias_ih
    for t in range(x.shape[1]):
        state, now = step(config, weights, a[:, t], state)
        hidden.append(state[0])
        gates.append(now)
    return hidden, state, gates


@pytest.fixture
def config(cell):
    return ModelConfig(6, **cell, hidden_size=H, embedding_size=I)


@pytest.mark.parametrize("name", FUSED)
def test_each_cell_equals_torchs_layer_over_several_steps(name):
    cell = {"cell": "rnn", "nonlinearity": name} if name in ("tanh", "relu") else {"cell": name}
    config = ModelConfig(6, **cell, hidden_size=H, embedding_size=I)
    weights, state, x = as_torch(layer_weights(config)), as_torch(start(config)), torch.tensor(numbers(B, T, I))
    with torch.random.fork_rng(devices=[]):
        fused = FUSED[name]()
    with torch.no_grad():
        for own, given in zip(fused.parameters(), weights, strict=False):  # a fused layer has no peepholes
            own.copy_(given)
        before = tuple(s[None] for s in state)
        expected, last = fused(x, before if name == "lstm" else before[0])
    hidden, after, _ = run(config, weights, x, state)
    torch.testing.assert_close(torch.stack(hidden, dim=1), expected)
    torch.testing.assert_close(after, tuple(s[0] for s in last) if name == "lstm" else (last[0],))


def sigmoid(x):
    return 1 / (1 + math.exp(-x))


def naive_peephole_unit(w, a, h, c, b, j):
    """One unit of one sequence, in scalars; the new hidden and cell state of unit j."""

    def seen(block):  # what gate `block` of unit j sees of input and hidden state
        row = block * H + j
        return a[b, row] + w.bias_hh[row] + sum(w.weight_hh[row, k] * h[b, k] for k in range(H))

    i = sigmoid(seen(0) + w.peephole[0, j] * c[b, j])
    f = sigmoid(seen(1) + w.peephole[1, j] * c[b, j])
    g = math.tanh(seen(2))
    new = f * c[b, j] + i * g
    o = sigmoid(seen(3) + w.peephole[2, j] * new)
    return (i, f, g, o), new, o * math.tanh(new)


def test_the_peephole_step_equals_a_loop_over_units():
    config = ModelConfig(6, cell="peephole", hidden_size=H)
    weights, a, (h, c) = layer_weights(config), numbers(B, 4 * H), start(config)
    (new_h, new_c), gates = peephole_step(weights, a, (h, c))
    for b in range(B):
        for j in range(H):
            expected_gates, cell_state, hidden = naive_peephole_unit(weights, a, h, c, b, j)
            np.testing.assert_allclose([gate[b, j] for gate in gates], expected_gates, rtol=1e-12)
            np.testing.assert_allclose([new_c[b, j], new_h[b, j]], [cell_state, hidden], rtol=1e-12)


def test_without_peepholes_a_peephole_lstm_is_an_lstm():
    config = ModelConfig(6, cell="peephole", hidden_size=H)
    weights = layer_weights(config)._replace(peephole=np.zeros((3, H)))
    a, state = numbers(B, 4 * H), start(config)
    np.testing.assert_equal(peephole_step(weights, a, state), lstm_step(weights, a, state))


@pytest.mark.parametrize("row", [0, 1, 2])
def test_every_peephole_counts(row):
    config = ModelConfig(6, cell="peephole", hidden_size=H)
    weights, a, state = layer_weights(config), numbers(B, 4 * H), start(config)
    changed = weights.peephole.copy()
    changed[row] += 1
    before, after = (peephole_step(weights._replace(peephole=p), a, state)[0][0] for p in (weights.peephole, changed))
    assert (before != after).all()


def test_numpy_and_torch_take_the_same_step(config):
    weights, state, x = layer_weights(config), start(config), numbers(B, T, I)
    ours = run(config, weights, x, state)
    theirs = run(config, as_torch(weights), torch.tensor(x), as_torch(state))
    for one, other in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(np.asarray(one), np.asarray(other), rtol=1e-12)


def test_a_step_keeps_its_kind_and_its_number_format(config):
    weights = LayerWeights(*(w.astype(np.float32) for w in layer_weights(config)))
    state = tuple(s.astype(np.float32) for s in start(config))
    a = numbers(B, config.gate_blocks * H).astype(np.float32)
    after, gates = step(config, weights, a, state)
    assert {(type(s), s.dtype, s.shape) for s in (*after, *gates)} == {(np.ndarray, np.dtype(np.float32), (B, H))}


def test_states_and_gates_are_as_many_as_their_names(config):
    after, gates = step(config, layer_weights(config), numbers(B, config.gate_blocks * H), start(config))
    assert len(after) == len(state_names(config))
    assert len(gates) == len(gate_names(config))


def test_leading_axes_may_be_any(config):
    a, state = numbers(B, T, config.gate_blocks * H), tuple(numbers(B, T, H, seed=s) for s in (1, 2))
    state = state[: len(state_names(config))]
    weights = layer_weights(config)
    together, gates = step(config, weights, a, state)
    for t in range(T):
        alone, own_gates = step(config, weights, a[:, t], tuple(s[:, t] for s in state))
        for one, other in zip((*alone, *own_gates), (*together, *gates), strict=True):
            np.testing.assert_allclose(one, other[:, t], rtol=1e-12)


def test_a_step_does_not_change_what_it_is_given(config):
    weights, a, state = layer_weights(config), numbers(B, config.gate_blocks * H), start(config)
    step(config, weights, a, state)
    np.testing.assert_equal(
        (weights, a, state), (layer_weights(config), numbers(B, config.gate_blocks * H), start(config))
    )


@pytest.mark.parametrize("size", [1e3, 1e38])
def test_gates_stay_between_their_bounds_however_large_the_input(config, size):
    a = np.full((B, config.gate_blocks * H), size) * np.sign(numbers(B, config.gate_blocks * H))
    _, gates = step(config, layer_weights(config), a, start(config))
    for name, gate in zip(gate_names(config), gates, strict=True):
        assert (gate >= (-1 if name in "gn" else 0)).all()
        assert (gate <= 1).all()
