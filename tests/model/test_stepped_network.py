import numpy as np
import pytest
import torch

from charrnn.model.clamping import Clamp
from charrnn.model.network import stepped
from charrnn.model.stepped_network import SteppedCharRNN

B, T = 2, 9
SHAPES = [{}, {"num_layers": 3}, {"embedding_size": 0}, {"embedding_size": 0, "num_layers": 2}]


def some_ids(dtype=np.int64):
    return np.random.default_rng(5).integers(0, 6, (B, T)).astype(dtype)


def both(make_model, **options):
    model = make_model(**options)
    return model, SteppedCharRNN(model.config, model.weights())


def torch_logits(model, ids):
    with torch.no_grad():
        return model(torch.tensor(ids, dtype=torch.int64))[0].numpy()


@pytest.mark.parametrize("shape", SHAPES, ids=["1-layer", "3-layers", "one-hot", "one-hot-2-layers"])
def test_logits_equal_torchs(make_model, cell, shape):
    model, twin = both(make_model, **cell, **shape)
    np.testing.assert_allclose(twin(some_ids())[0], torch_logits(model, some_ids()), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("lengths", [[1] * T, [4, 5], [8, 1]])
def test_chunked_reading_equals_whole_reading(make_model, cell, lengths):
    _, twin = both(make_model, **cell, num_layers=2)
    logits, state = [], None
    for chunk in np.split(some_ids(), np.cumsum(lengths)[:-1], axis=1):
        out, state = twin(chunk, state)
        logits.append(out)
    whole, last = twin(some_ids())
    np.testing.assert_allclose(np.concatenate(logits, axis=1), whole, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(np.asarray(state), np.asarray(last), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("shape", SHAPES, ids=["1-layer", "3-layers", "one-hot", "one-hot-2-layers"])
def test_it_records_what_the_fused_layers_do(make_model, cell, shape):
    model = make_model(**cell, **shape)
    logits, state, signals = stepped(model).record(torch.from_numpy(some_ids()))
    expected_logits, expected_state, expected = model.record(torch.from_numpy(some_ids()))
    assert list(signals) == list(expected)
    torch.testing.assert_close((logits, state, signals), (expected_logits, expected_state, expected))


def test_it_records_the_signals_asked_for_on_numpy_too_with_units_held(make_model):
    model = make_model(num_layers=2)
    twin = SteppedCharRNN(model.config, model.weights(), [Clamp(1, 3, 0.25)])
    logits, _, signals = twin.record(some_ids(), names=["o", "h"])
    assert {name: values.shape for name, values in signals.items()} == dict.fromkeys(["o", "h"], (2, B, T, 5))
    assert (signals["h"][1, :, :, 3] == 0.25).all()
    np.testing.assert_equal(logits, twin(some_ids())[0])


def test_what_is_held_may_differ_from_row_to_row(make_model, cell):
    model = make_model(**cell, num_layers=2)
    held = [SteppedCharRNN(model.config, model.weights(), [Clamp(1, unit, 0.5)])(some_ids())[0] for unit in (2, 4)]

    def hold(layer, h):
        if layer == 1:
            h[[0, 1], [2, 4]] = 0.5

    logits, _ = SteppedCharRNN(model.config, model.weights())(some_ids(), hold=hold)
    np.testing.assert_allclose(logits, [held[0][0], held[1][1]], rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.int32, np.int64])
def test_ids_may_be_of_any_type_that_a_vocabulary_makes(make_model, dtype):
    _, twin = both(make_model)
    np.testing.assert_equal(twin(some_ids(dtype))[0], twin(some_ids())[0])


def test_reading_does_not_change_the_state_that_it_is_given(make_model, cell):
    _, twin = both(make_model, **cell, num_layers=2)
    _, state = twin(some_ids())
    before = [[part.copy() for part in layer] for layer in state]
    twin(some_ids(), state)
    np.testing.assert_equal([list(layer) for layer in state], before)


def test_reading_does_not_change_the_weights(make_model, cell):
    model, twin = both(make_model, **cell)
    assert (twin(some_ids())[0] == twin(some_ids())[0]).all()
    assert model.weights().keys() == model.config.shapes().keys()


def test_the_initial_logits_are_the_read_out_of_the_zero_state(make_model):
    model, twin = both(make_model)
    np.testing.assert_equal(twin.initial_logits(), model.weights()["readout.bias"])


def test_everything_is_float32(make_model, cell):
    _, twin = both(make_model, **cell)
    logits, state = twin(some_ids())
    assert {logits.dtype, *(part.dtype for layer in state for part in layer)} == {np.dtype(np.float32)}


@pytest.mark.parametrize("shape", SHAPES, ids=["1-layer", "3-layers", "one-hot", "one-hot-2-layers"])
@pytest.mark.parametrize("clamps", [[], [Clamp(0, 2, 0.5)]], ids=["free", "clamped"])
def test_one_stream_takes_the_steps_of_the_equations(make_model, cell, shape, clamps):
    model = make_model(**cell, **shape)
    twin = SteppedCharRNN(model.config, model.weights(), clamps)
    ids = some_ids()[:1]
    _, state = twin(ids[:, :3])
    logits, after = twin(ids[:, 3:], state)
    stream = twin.stream(state)
    read = [stream.read(index).copy() for index in ids[0, 3:].tolist()]
    np.testing.assert_allclose(read, logits[0], rtol=1e-5, atol=1e-6)
    values = [[stream.value(layer, unit) for unit in range(5)] for layer in range(model.config.num_layers)]
    np.testing.assert_allclose(values, [parts[-1][0] for parts in after], rtol=1e-5, atol=1e-6)


def test_a_stream_goes_its_own_way(make_model, cell):
    _, twin = both(make_model, **cell, num_layers=2)
    _, state = twin(some_ids()[:1])
    before = [[part.copy() for part in layer] for layer in state]
    first, second = twin.stream(state), twin.stream(state)
    first.read(3)
    once = second.read(1).copy()
    first.read(2)
    np.testing.assert_equal(once, twin.stream(state).read(1))
    np.testing.assert_equal([list(layer) for layer in state], before)


def test_there_is_a_stream_on_numpy_alone(make_model):
    model, twin = both(make_model)
    assert twin.stream() is not None
    assert stepped(model).stream() is None
