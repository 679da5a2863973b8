import pytest
import torch

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
