"""A model for other programs: the JSON document, and one step as ONNX; both hold the checkpoint's weights."""

import base64
import json

import numpy as np
import pytest

from charrnn.model import exchange, onnx_step, storage
from charrnn.model.cells import state_names
from charrnn.model.stepped_network import SteppedCharRNN

IDS = [0, 3, 5, 1, 1, 4, 2, 0, 5]


def numbers(tensor):
    read = np.frombuffer(base64.b64decode(tensor["data"]), np.dtype(tensor["type"]).newbyteorder("<"))
    weight = read.reshape(tensor["shape"]).astype(np.float32)
    return weight * np.frombuffer(base64.b64decode(tensor["scale"]), "<f4")[:, None] if "scale" in tensor else weight


@pytest.mark.parametrize("number", storage.FORMATS)
def test_the_weights_of_the_document_are_the_stored_ones(make_checkpoint, cell, number):
    checkpoint = make_checkpoint(**cell, num_layers=2)
    document = json.loads(json.dumps(exchange.document(checkpoint, number)))
    expected = storage.restored(storage.stored(checkpoint.weights, number))
    assert set(document["weights"]) == set(expected)
    for name, tensor in document["weights"].items():
        assert np.array_equal(numbers(tensor), expected[name])


def test_the_document_says_what_the_model_is(make_checkpoint):
    checkpoint = make_checkpoint(cell="gru", num_layers=2)
    document = exchange.document(checkpoint)
    assert "".join(document["characters"]) == checkpoint.vocabulary.characters
    assert [document[name] for name in ("cell", "num_layers", "hidden_size", "embedding_size")] == ["gru", 2, 5, 3]
    assert (document["gates"], document["format_version"]) == (["r", "z", "n"], 1)


@pytest.mark.parametrize("number", storage.FORMATS)
@pytest.mark.parametrize("sizes", [{"num_layers": 1, "embedding_size": 3}, {"num_layers": 3, "embedding_size": 0}])
def test_a_step_of_onnx_is_a_step_of_the_network(make_checkpoint, cell, sizes, number):
    pytest.importorskip("onnx", reason="onnx is not installed")
    runtime = pytest.importorskip("onnxruntime", reason="onnxruntime is not installed")
    checkpoint = make_checkpoint(**cell, **sizes)
    session = runtime.InferenceSession(onnx_step.content(checkpoint, number), providers=["CPUExecutionProvider"])
    weights = storage.restored(storage.stored(checkpoint.weights, number))
    config, parts = checkpoint.config, state_names(checkpoint.config)
    network = SteppedCharRNN(config, weights)
    state = {part: np.zeros((config.num_layers, 2, config.hidden_size), np.float32) for part in parts}
    expected = None
    for one, other in zip(IDS, reversed(IDS), strict=True):
        ids = np.array([one, other])
        logits, *after = session.run(None, {"id": ids, **state})
        state = dict(zip(parts, after, strict=True))
        wanted, expected = network(ids[:, None], expected)
        assert logits == pytest.approx(wanted[:, 0], abs=1e-5)
        for place, part in enumerate(parts):
            assert state[part] == pytest.approx(np.stack([layer[place] for layer in expected]), abs=1e-5)


def test_onnx_carries_the_characters(make_checkpoint):
    onnx = pytest.importorskip("onnx", reason="onnx is not installed")
    checkpoint = make_checkpoint()
    model = onnx.load_from_string(onnx_step.content(checkpoint, "float32"))
    kept = {each.key: each.value for each in model.metadata_props}["characters"]
    assert json.loads(kept) == list(checkpoint.vocabulary.characters)
