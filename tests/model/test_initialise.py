import math

import pytest
import torch

from charrnn.model.network import CharRNN


def fresh(config, seed=0):
    return CharRNN(config, torch.Generator().manual_seed(seed))


def first_loss(model):
    V = model.config.vocabulary_size
    ids = torch.randint(V, (4, 51), generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        logits, _ = model(ids[:, :-1])
    return float(torch.nn.functional.cross_entropy(logits.flatten(0, 1), ids[:, 1:].flatten()))


@pytest.mark.parametrize("layers", [1, 3])
@pytest.mark.parametrize("embedding_size", [0, 16])
def test_the_initial_loss_is_close_to_ln_v(make_config, cell, layers, embedding_size):
    config = make_config(**cell, vocabulary_size=60, hidden_size=32, num_layers=layers, embedding_size=embedding_size)
    assert first_loss(fresh(config)) == pytest.approx(math.log(60), rel=0.05)


@pytest.mark.parametrize("cell", ["lstm", "peephole"])
def test_the_forget_gates_bias_is_one_and_all_others_zero(make_config, cell):
    weights = fresh(make_config(cell=cell, num_layers=2)).weights()
    for layer in range(2):
        bias = weights[f"layers.{layer}.bias_ih"] + weights[f"layers.{layer}.bias_hh"]
        assert bias.tolist() == [0.0] * 5 + [1.0] * 5 + [0.0] * 10
    assert not weights["readout.bias"].any()


@pytest.mark.parametrize("cell", ["rnn", "gru"])
def test_cells_without_a_forget_gate_start_without_biases(make_config, cell):
    weights = fresh(make_config(cell=cell)).weights()
    assert not any(w.any() for name, w in weights.items() if "bias" in name)


def test_peepholes_start_at_zero(make_config):
    assert not fresh(make_config(cell="peephole")).weights()["layers.0.peephole"].any()


def test_each_recurrent_block_is_orthogonal(make_config, cell):
    model = fresh(make_config(**cell, num_layers=2))
    for layer in model.layers:
        for block in layer.weights.weight_hh.detach().split(5):
            torch.testing.assert_close(block @ block.T, torch.eye(5))


def test_no_weight_is_left_unset(make_config, cell):
    for name, weight in fresh(make_config(**cell, num_layers=2)).weights().items():
        assert abs(weight).max() < 6
        if weight.ndim == 2 and "peephole" not in name:
            assert len(set(weight.flatten().tolist())) == weight.size


def test_the_seed_decides_every_weight(make_config, cell):
    config = make_config(**cell)
    one, same, other = (fresh(config, seed).weights() for seed in (3, 3, 4))
    assert all((one[name] == same[name]).all() for name in one)
    assert all((one[name] != other[name]).all() for name in one if "weight" in name and "bias" not in name)


def test_making_a_model_does_not_touch_the_global_random_state(make_config, cell):
    before = torch.get_rng_state()
    fresh(make_config(**cell))
    assert torch.equal(torch.get_rng_state(), before)


def test_making_a_model_from_weights_does_not_touch_the_global_random_state(make_model):
    model = make_model()
    before = torch.get_rng_state()
    CharRNN.from_weights(model.config, model.weights())
    assert torch.equal(torch.get_rng_state(), before)
