import numpy as np
import pytest
import torch

from charrnn.errors import ConfigError
from charrnn.model.clamping import Clamp
from charrnn.model.stepped_network import SteppedCharRNN
from charrnn.model.stepped_tensors import TensorSteppedCharRNN

IDS = np.random.default_rng(5).integers(0, 6, (2, 9))
HELD = (Clamp(1, 3, 0.25), Clamp(0, 2, -0.5), Clamp(0, 4, 1.0))


def clamped(model, clamps):
    return SteppedCharRNN(model.config, model.weights(), clamps)


def test_a_held_unit_has_its_value_after_every_step(make_model, cell):
    clamps = [Clamp(c.layer, c.index, abs(c.value)) for c in HELD]
    model, state = clamped(make_model(**cell, num_layers=2), clamps), None
    for t in range(IDS.shape[1]):
        _, state = model(IDS[:, t : t + 1], state)
        for clamp in clamps:
            np.testing.assert_equal(state[clamp.layer][0][:, clamp.index], np.float32(clamp.value))


def test_holding_a_unit_equals_cutting_it_and_adding_what_it_would_say(make_model, cell):
    """Everything that reads unit j of a one-layer network reads the value: weights times value become a bias."""
    model, value, j = make_model(**cell), 0.7, 2
    weights = model.weights()
    cut = {name: weight.copy() for name, weight in weights.items()}
    recurrent, readout = cut["layers.0.weight_hh"], cut["readout.weight"]
    cut["layers.0.bias_hh"] += value * recurrent[:, j]
    cut["readout.bias"] += value * readout[:, j]
    recurrent[:, j] = readout[:, j] = 0
    held = SteppedCharRNN(model.config, weights, [Clamp(0, j, value)])
    free = SteppedCharRNN(model.config, cut)
    _, state = held(IDS[:, :1])  # before the first step the held unit is 0, as all are
    np.testing.assert_allclose(held(IDS)[0][:, 1:], free(IDS[:, 1:], state)[0], rtol=1e-4, atol=1e-5)


def test_holding_no_unit_changes_nothing(make_model, cell):
    model = make_model(**cell, num_layers=2)
    np.testing.assert_equal(clamped(model, [])(IDS)[0], SteppedCharRNN(model.config, model.weights())(IDS)[0])


def test_tensors_are_clamped_as_arrays_are(make_model, cell):
    model = make_model(**cell, num_layers=2)
    clamps = [Clamp(c.layer, c.index, abs(c.value)) for c in HELD]
    tensors = {name: torch.from_numpy(weight) for name, weight in model.weights().items()}
    logits, _ = TensorSteppedCharRNN(model.config, tensors, clamps)(torch.tensor(IDS))
    np.testing.assert_allclose(logits.numpy(), clamped(model, clamps)(IDS)[0], rtol=1e-5, atol=1e-6)


def test_a_clamp_leaves_the_state_that_it_is_given_alone(make_model, cell):
    model = clamped(make_model(**cell), [Clamp(0, 1, 0.5)])
    state = model.initial_state(2)
    model(IDS, state)
    assert not any(part.any() for layer in state for part in layer)


def test_a_clamp_is_read_from_its_name(make_config):
    assert Clamp.parse("1:4=-0.25", make_config(num_layers=2)) == Clamp(1, 4, -0.25)
    assert Clamp.parse("0:0=40", make_config(cell="rnn", nonlinearity="relu")) == Clamp(0, 0, 40.0)


@pytest.mark.parametrize("text", ["", "0:1", "0:1=", "0:1=x", "0=1", "1:0=0", "0:5=0", "0:1=1.1", "0:1=nan", "0:1=inf"])
def test_a_clamp_that_no_unit_can_have_is_refused(make_config, text):
    with pytest.raises(ConfigError):
        Clamp.parse(text, make_config())


def test_a_network_refuses_a_clamp_that_is_not_its_own(make_model):
    with pytest.raises(ConfigError, match="layer is 3"):
        clamped(make_model(), [Clamp(3, 0, 0.0)])
