import pytest
import torch

from charrnn.model.devices import lacks_bfloat16
from charrnn.model.stepped_tensors import TensorSteppedCharRNN

B, T = 3, 6


@pytest.fixture(autouse=True)
def no_gradients():
    with torch.no_grad():
        yield


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def some_ids():
    return torch.randint(6, (B, T), generator=generator(2))


def inputs_of(module, run):
    """What a module is given while `run` runs."""
    seen = []
    hook = module.register_forward_pre_hook(lambda _, given: seen.append(given[0]))
    run()
    hook.remove()
    return seen[0]


def test_without_a_generator_nothing_is_dropped(make_model, cell):
    ids = some_ids()
    dropping, plain = (make_model(**cell, num_layers=2, dropout=dropout) for dropout in (0.5, 0.0))
    assert torch.equal(dropping(ids)[0], dropping(ids)[0])
    assert torch.equal(dropping(ids)[0], plain(ids)[0])


def test_without_dropout_a_generator_changes_nothing(make_model, cell):
    model, ids = make_model(**cell), some_ids()
    assert torch.equal(model(ids, None, generator())[0], model(ids)[0])


def test_the_generator_decides_the_masks(make_model, cell):
    model, ids = make_model(**cell, dropout=0.5), some_ids()
    one, same, other = (model(ids, None, generator(seed))[0] for seed in (1, 1, 2))
    assert torch.equal(one, same)
    assert not torch.equal(one, other)


def test_dropped_units_are_dropped_for_the_whole_window(make_model, cell):
    model = make_model(**cell, num_layers=2, dropout=0.5, hidden_size=40)
    x = inputs_of(model.readout, lambda: model(some_ids(), None, generator()))
    kept = x != 0
    if model.config.nonlinearity == "relu":
        kept = kept.any(1, keepdim=True).expand_as(kept)  # a unit may be zero of its own accord
        assert not kept.all()
        return
    assert (kept == kept[:, :1]).all()
    assert 0.3 < kept.float().mean() < 0.7
    assert not (kept[0] == kept[1]).all()  # each sequence has its own mask


def test_kept_numbers_are_scaled_so_that_their_mean_stays(make_model):
    model, ids = make_model(dropout=0.75, hidden_size=40), some_ids()
    whole, x = (inputs_of(model.readout, lambda d=d: model(ids, None, d)) for d in (None, generator()))
    torch.testing.assert_close(x, torch.where(x != 0, whole / 0.25, 0))
    assert 0.1 < (x != 0).float().mean() < 0.4


def test_the_characters_read_are_not_dropped(make_model, cell):
    model = make_model(**cell, dropout=0.9)
    whole, x = (inputs_of(model.layers[0], lambda d=d: model(some_ids(), None, d)) for d in (None, generator()))
    assert torch.equal(whole, x)


def test_each_layer_has_its_own_mask(make_model):
    model = make_model(cell="gru", num_layers=2, dropout=0.5, hidden_size=40)
    seen = [
        inputs_of(module, lambda: model(some_ids(), None, generator())) for module in (model.layers[1], model.readout)
    ]
    assert not torch.equal(seen[0] != 0, seen[1] != 0)


def test_the_state_that_is_carried_is_not_dropped(make_model, cell):
    model = make_model(**cell, dropout=0.9, hidden_size=20)
    _, state = model(some_ids(), None, generator())
    if model.config.nonlinearity == "tanh":
        assert all((part != 0).all() for layer in state for part in layer)


def test_drawing_masks_does_not_touch_the_global_random_state(make_model):
    model, before = make_model(dropout=0.5), torch.get_rng_state()
    model(some_ids(), None, generator())
    assert torch.equal(torch.get_rng_state(), before)


WEIGHTS = {"num_layers": 2, "hidden_size": 20, "weight_dropout": 0.5}


def test_without_a_generator_no_weight_is_dropped(make_model, cell):
    dropping, plain = make_model(**cell, **WEIGHTS), make_model(**cell, **(WEIGHTS | {"weight_dropout": 0.0}))
    assert torch.equal(dropping(some_ids())[0], plain(some_ids())[0])
    assert torch.equal(plain(some_ids(), None, generator())[0], plain(some_ids())[0])


def masks_of(model, seed=0):
    """The recurrent matrices that the layers multiply with in one window."""
    seen = []
    hooks = [layer.register_forward_pre_hook(lambda _, given: seen.append(given[3])) for layer in model.layers]
    model(some_ids(), None, generator(seed))
    for hook in hooks:
        hook.remove()
    return seen


@pytest.mark.parametrize("part", [0.1, 0.5, 0.9])
def test_weights_are_kept_and_scaled_so_that_their_mean_stays(make_model, cell, part):
    model = make_model(**cell, **(WEIGHTS | {"weight_dropout": part}))
    for layer, matrix in zip(model.layers, masks_of(model), strict=True):
        own, kept = layer.weights.weight_hh, matrix != 0
        torch.testing.assert_close(matrix, torch.where(kept, own / (1 - part), 0))
        assert abs(float(kept.float().mean()) - (1 - part)) < 0.1


def test_each_layer_and_each_window_has_its_own_weight_mask(make_model, cell):
    model = make_model(**cell, **WEIGHTS)
    one, other = masks_of(model)
    assert not torch.equal(one != 0, other != 0)
    dropout = generator()
    assert not torch.equal(model(some_ids(), None, dropout)[0], model(some_ids(), None, dropout)[0])
    assert torch.equal(model(some_ids(), None, generator(3))[0], model(some_ids(), None, generator(3))[0])


@torch.enable_grad()
def test_a_window_with_dropped_weights_is_that_of_a_network_with_such_weights(make_model, cell):
    """Logits and gradients are those of single steps with the masked matrices; what is dropped gets no gradient."""
    model = make_model(**cell, **WEIGHTS)
    logits, _ = model(some_ids(), None, generator(5))
    logits.square().sum().backward()
    given = {name: weight.grad.clone() for name, weight in model.named_weights()}
    with torch.no_grad():
        matrices = masks_of(model, 5)
    model.zero_grad()
    leaves = {name: weight.detach().clone().requires_grad_() for name, weight in model.named_weights()}
    masked = dict(leaves)
    for index, (layer, matrix) in enumerate(zip(model.layers, matrices, strict=True)):
        name = f"layers.{index}.weight_hh"
        masked[name] = leaves[name] * (matrix != 0) / 0.5
        assert (given[name][matrix == 0] == 0).all()
        assert (given[name][matrix != 0] != 0).any()
        assert layer.weights.weight_hh.shape == matrix.shape
    expected, _ = TensorSteppedCharRNN(model.config, masked)(some_ids())
    torch.testing.assert_close(logits, expected, atol=1e-4, rtol=1e-4)
    expected.square().sum().backward()
    for name, weight in leaves.items():
        if name.endswith("bias_hh") and cell["cell"] != "gru":
            continue  # one bias with the other, in single steps
        torch.testing.assert_close(given[name], weight.grad, atol=1e-3, rtol=1e-3)


@torch.enable_grad()
@pytest.mark.parametrize("number", [torch.float32, torch.bfloat16])
def test_the_fused_kernel_takes_weights_in_another_number_format(make_model, monkeypatch, cell, number):
    """What a GPU runs in bfloat16, here on a CPU: about the same, with gradients for the layer's own weights."""
    if cell["cell"] == "peephole" or (number == torch.bfloat16 and lacks_bfloat16()):
        pytest.skip("no fused kernel has this")
    model = make_model(**cell, hidden_size=8)
    layer = model.layers[0]
    x, state = torch.randn(B, T, 3, generator=generator()), model.initial_state(B)[0]
    expected, last = layer._run_fused(x, state, layer.weights)
    expected.sum().backward()
    gradients = [weight.grad.clone() for weight in layer.parameters()]
    layer.zero_grad()
    monkeypatch.setattr(layer, "_fused_number", lambda device: number)
    copies = layer.weights._replace(weight_hh=layer.weights.weight_hh * 1)
    h, after = layer._run_fused(x, state, copies)
    assert {h.dtype, *(part.dtype for part in after)} == {number}
    torch.testing.assert_close((h.float(), *(part.float() for part in after)), (expected, *last), atol=0.02, rtol=0.05)
    h.sum().backward()
    for weight, exact in zip(layer.parameters(), gradients, strict=True):
        assert (weight.grad - exact).norm() <= 0.05 * exact.norm()


@torch.enable_grad()
def test_the_fused_kernel_takes_other_recurrent_weights(make_model, cell):
    """What a GPU runs, here on a CPU: the same as with the layer's weights replaced."""
    if cell["cell"] == "peephole":
        pytest.skip("no fused kernel has peepholes")
    model = make_model(**cell, hidden_size=8)
    layer, x = model.layers[0], torch.randn(B, T, 3, generator=generator())
    state = tuple(part[:, :8] for part in model.initial_state(B)[0])
    other = (layer.weights.weight_hh * 0.5).detach().requires_grad_()
    h, after = layer._run_fused(x, state, layer.weights._replace(weight_hh=other))
    with torch.no_grad():
        layer.weights.weight_hh.mul_(0.5)
    expected, last = layer._run_fused(x, state, layer.weights)
    torch.testing.assert_close((h, *after), (expected, *last))
    h.sum().backward()
    expected.sum().backward()
    torch.testing.assert_close(other.grad, layer.weights.weight_hh.grad)
