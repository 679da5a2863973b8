import numpy as np
import pytest
import torch

from charrnn.model import layers
from charrnn.model.cells import gate_names, state_names, step
from charrnn.model.network import CharRNN, detached, stepped_on

B, T = 2, 7
SHAPES = [{"num_layers": 1}, {"num_layers": 2}, {"num_layers": 3}, {"num_layers": 2, "embedding_size": 0}]
shapes = pytest.mark.parametrize("shape", SHAPES, ids=["1-layer", "2-layers", "3-layers", "one-hot"])


@pytest.fixture(autouse=True)
def no_gradients():
    with torch.no_grad():
        yield


def some_ids(batch=B, time=T, vocabulary_size=6):
    return torch.randint(vocabulary_size, (batch, time), generator=torch.Generator().manual_seed(4))


def in_chunks(model, ids, lengths):
    logits, state = [], None
    for chunk in ids.split(lengths, dim=1):
        out, state = model(chunk, state)
        logits.append(out)
    return torch.cat(logits, dim=1), state


@shapes
@pytest.mark.parametrize("lengths", [1, 3, [5, 1, 1]])
def test_chunked_forward_equals_whole_forward(make_model, cell, shape, lengths):
    model, ids = make_model(**cell, **shape), some_ids()
    torch.testing.assert_close(in_chunks(model, ids, lengths), model(ids))


def test_logits_and_state_have_their_shapes(make_model, cell):
    model = make_model(**cell, num_layers=3)
    logits, state = model(some_ids())
    assert logits.shape == (B, T, 6)
    assert [[s.shape for s in layer] for layer in state] == [[(B, 5)] * len(state_names(model.config))] * 3


def test_sequences_of_a_batch_do_not_see_one_another(make_model, cell):
    model, ids = make_model(**cell, num_layers=2), some_ids()
    for b in range(B):
        torch.testing.assert_close(model(ids)[0][b : b + 1], model(ids[b : b + 1])[0])


def test_a_prediction_does_not_see_what_comes_after(make_model, cell):
    model, ids = make_model(**cell), some_ids()
    changed = ids.clone()
    changed[:, 4] = (ids[:, 4] + 1) % 6
    before, after = model(ids)[0], model(changed)[0]
    assert torch.equal(before[:, :4], after[:, :4])
    assert not torch.isclose(before[:, 4:], after[:, 4:]).all(-1).any()


def test_no_state_is_the_initial_state(make_model, cell):
    model, ids = make_model(**cell, num_layers=2), some_ids()
    assert torch.equal(model(ids)[0], model(ids, model.initial_state(B))[0])
    assert all(not part.any() for layer in model.initial_state(B) for part in layer)


def test_a_one_hot_network_is_one_whose_embedding_is_the_identity(make_model, make_config, cell):
    one_hot = make_model(**cell, embedding_size=0)
    config = make_config(**cell, embedding_size=6)
    embedded = CharRNN.from_weights(config, {**one_hot.weights(), "embedding.weight": np.eye(6)})
    torch.testing.assert_close(one_hot(some_ids()), embedded(some_ids()))


@pytest.mark.parametrize("embedding_size", [2, 7])
def test_few_characters_enter_as_their_places_with_the_same_logits(make_model, cell, embedding_size):
    """V = 6: of embeddings of 2 numbers each is looked up, those of 7 join the first layer's weights."""
    model, ids = make_model(**cell, embedding_size=embedding_size), some_ids()
    layer = model.layers[0]
    h, state = layer(model.embedding(ids), model.initial_state(B)[0])
    logits, after = model(ids)
    torch.testing.assert_close(logits, model.readout(h))
    torch.testing.assert_close(after[0], state)


def test_in_bfloat16_every_layer_computes_in_it(make_model, cell):
    model = make_model(**cell, num_layers=2)
    with torch.autocast("cpu", torch.bfloat16):
        _, state = model(some_ids())
    assert [layer[0].dtype for layer in state] == [torch.bfloat16] * 2


@pytest.mark.parametrize("lacks", [False, True])
@torch.enable_grad()
def test_a_processor_without_a_bfloat16_lstm_learns_by_float32(make_model, lacks, monkeypatch):
    if not lacks and layers.lacks_bfloat16():
        pytest.skip("this processor has none")
    monkeypatch.setattr(layers, "lacks_bfloat16", lambda: lacks)
    model = make_model(cell="lstm", num_layers=2)
    exact, _ = model(some_ids())
    exact.logsumexp(-1).sum().backward()
    expected = {name: weight.grad.clone() for name, weight in model.named_weights()}
    model.zero_grad()
    with torch.autocast("cpu", torch.bfloat16):
        logits, _ = model(some_ids())
    logits.float().logsumexp(-1).sum().backward()
    torch.testing.assert_close(logits.float(), exact, atol=0.03, rtol=0.03)
    for name, weight in model.named_weights():
        torch.testing.assert_close(
            weight.grad, expected[name], atol=0.05 * float(expected[name].abs().max()), rtol=0.05
        )


@pytest.mark.parametrize("kind", ["rnn", "gru", "lstm"])
def test_a_gpus_fused_layers_keep_their_weights_number_format(make_model, kind):
    """Autocast would hand them float16, as cuDNN's rules are; here torch's own layer stands in for cuDNN's."""
    model = make_model(cell=kind)
    layer, x, state = model.layers[0], torch.randn(B, 4, model.config.input_size), model.initial_state(B)[0]
    with torch.autocast("cpu", torch.bfloat16):
        h, after = layer._run_fused(x.bfloat16(), state, layer.weights)
    expected, last = layer(x.bfloat16().float(), state)
    assert {h.dtype, *(part.dtype for part in after)} == {torch.float32}
    torch.testing.assert_close((h, *after), (expected, *last))


def test_from_weights_is_the_inverse_of_weights(make_model, cell):
    model = make_model(**cell, num_layers=2)
    copy = CharRNN.from_weights(model.config, model.weights())
    assert torch.equal(model(some_ids())[0], copy(some_ids())[0])
    np.testing.assert_equal(copy.weights(), model.weights())


def test_weights_are_a_copy(make_model):
    model = make_model()
    model.weights()["readout.bias"][:] = 9
    assert (model.readout.bias != 9).all()


def stepped(model, ids):
    """Every signal [L, B, T, H] and the logits, by the equations of cells.py, one step at a time."""
    config, signals = model.config, []
    x = torch.nn.functional.one_hot(ids, 6).float() if model.embedding is None else model.embedding(ids)
    names = (*state_names(config), *gate_names(config))
    for layer, state in zip(model.layers, model.initial_state(len(ids)), strict=True):
        columns = []
        for t in range(x.shape[1]):
            a = x[:, t] @ layer.weights.weight_ih.T + layer.weights.bias_ih
            state, gates = step(config, layer.weights, a, state)
            columns.append(torch.stack((*state, *gates)))
        signals.append(dict(zip(names, torch.stack(columns, dim=2), strict=True)))
        x = signals[-1]["h"]
    return model.readout(x), {name: torch.stack([s[name] for s in signals]) for name in names}


@shapes
def test_recorded_signals_are_those_of_the_equations(make_model, cell, shape):
    model, ids = make_model(**cell, **shape), some_ids()
    logits, _, signals = model.record(ids)
    expected_logits, expected = stepped(model, ids)
    assert signals.keys() == expected.keys()
    torch.testing.assert_close(signals, expected)
    torch.testing.assert_close(logits, expected_logits)
    assert signals["h"].shape == (model.config.num_layers, B, T, 5)


@shapes
def test_recording_does_not_change_what_is_predicted(make_model, cell, shape):
    model, ids = make_model(**cell, **shape), some_ids()
    logits, state, _ = model.record(ids)
    torch.testing.assert_close((logits, state), model(ids))


def test_recording_in_chunks_equals_recording_at_once(make_model, cell):
    model, ids = make_model(**cell, num_layers=2), some_ids()
    first, state, first_signals = model.record(ids[:, :3])
    second, _, second_signals = model.record(ids[:, 3:], state)
    logits, _, signals = model.record(ids)
    torch.testing.assert_close(torch.cat([first, second], dim=1), logits)
    for name, values in signals.items():
        torch.testing.assert_close(torch.cat([first_signals[name], second_signals[name]], dim=2), values)


def test_detached_is_the_same_state_without_history(make_model, cell):
    with torch.enable_grad():
        _, state = make_model(**cell, num_layers=2)(some_ids())
    torch.testing.assert_close(detached(state), state)
    assert all(part.requires_grad for layer in state for part in layer)
    assert not any(part.requires_grad for layer in detached(state) for part in layer)


@pytest.mark.parametrize("precision", [torch.float32, torch.bfloat16])
def test_the_stepped_network_gives_the_networks_logits_on_a_device(make_model, cell, precision):
    model, ids = make_model(**cell, num_layers=2), some_ids()
    twin = stepped_on(model.config, model.weights(), torch.device("cpu"), precision)
    first, state = twin(ids[:, :3])
    second, _ = twin(ids[:, 3:], state)
    near = {"rtol": 1e-5, "atol": 1e-6} if precision == torch.float32 else {"rtol": 0.02, "atol": 0.05}
    torch.testing.assert_close(torch.cat([first, second], dim=1), model(ids)[0], check_dtype=False, **near)
