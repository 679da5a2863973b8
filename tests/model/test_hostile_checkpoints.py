"""Whatever bytes lie in a file: it is a whole checkpoint, or a CheckpointError says why it is not."""

import io
import pickle
import zipfile
from dataclasses import replace

import msgspec
import numpy as np
import pytest
from safetensors import safe_open
from safetensors.numpy import save_file

from charrnn.errors import CheckpointError
from charrnn.model.checkpoint import load, save


@pytest.fixture
def checkpoint(make_checkpoint):
    return make_checkpoint(vocabulary_size=3, embedding_size=1, hidden_size=2)


@pytest.fixture
def path(tmp_path, checkpoint):
    """A whole and tiny checkpoint."""
    save(checkpoint, tmp_path / "model")
    return tmp_path / "model"


def refused(path, content):
    path.write_bytes(content)
    with pytest.raises(CheckpointError) as caught:
        load(path)
    return str(caught.value)


def rewritten(path, tensors=None, **metadata):
    """Write the file again with other metadata and other tensors, its digest left as it was."""
    with safe_open(path, framework="numpy") as file:
        old = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 -- no mapping
        save_file({**old, **(tensors or {})}, path, {**file.metadata(), **metadata})


def whole(checkpoint, path, **weights):
    """Save with other weights, under a digest that fits them; None leaves a tensor out."""
    changed = {name: w for name, w in {**checkpoint.weights, **weights}.items() if w is not None}
    save(replace(checkpoint, weights=changed), path)


def test_a_flipped_bit_anywhere_is_an_error(path):
    content = path.read_bytes()
    for place in range(0, len(content), 3):  # 3 and 8 share no factor, so every bit has its turn
        changed = bytearray(content)
        changed[place] ^= 1 << place % 8
        assert refused(path, bytes(changed)), place


def test_a_flipped_bit_of_the_format_version_is_an_error(path):
    content = path.read_bytes()
    place = content.index(b'"format_version":"1"') + len('"format_version":"')
    for bit in range(8):
        changed = bytearray(content)
        changed[place] ^= 1 << bit
        assert refused(path, bytes(changed)), bit


def test_a_truncated_file_is_an_error(path):
    content = path.read_bytes()
    for length in [*range(0, len(content), 7), len(content) - 1]:
        assert refused(path, content[:length]), length


def test_a_file_with_something_behind_it_is_an_error(path):
    assert "cannot be read as a checkpoint" in refused(path, path.read_bytes() + b"\0")


def zipped():
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("data.pkl", b"weights")
    return file.getvalue()


FOREIGN = {
    "pickle": pickle.dumps({"weights": [1.0, 2.0]}),
    "zip": zipped(),
    "html": b"<!doctype html><title>404</title>",
    "json": b'{"format": "charrnn"}',
    "text": b"To be, or not to be\n" * 9,
    "nothing": b"",
    "zeros": bytes(64),
    "huge length": b"\xff" * 64,
}


@pytest.mark.parametrize("kind", FOREIGN)
def test_a_file_of_another_kind_is_an_error(path, kind):
    assert "cannot be read as a checkpoint" in refused(path, FOREIGN[kind])


def test_a_folder_is_an_error(tmp_path):
    with pytest.raises(CheckpointError, match="cannot be read as a checkpoint"):
        load(tmp_path)


@pytest.mark.parametrize("metadata", [None, {"format": "pt"}, {"format": "charrnn"}, {"format_version": "1"}])
def test_a_foreign_safetensors_file_is_an_error(path, metadata):
    save_file({"weight": np.ones(2, np.float32)}, path, metadata)
    with pytest.raises(CheckpointError, match="is a safetensors file, but not charrnn's"):
        load(path)


@pytest.mark.parametrize("version", ["2", "999"])
def test_a_newer_format_says_upgrade(path, version):
    rewritten(path, format_version=version)
    with pytest.raises(CheckpointError, match=f"has format version {version}; .*; upgrade charrnn"):
        load(path)


@pytest.mark.parametrize("version", ["", "0", "-1", "1.5", "one", "²", "9" * 5000])
def test_a_format_version_that_never_was_is_an_error(path, version):
    rewritten(path, format_version=version)
    with pytest.raises(CheckpointError):
        load(path)


@pytest.mark.parametrize("header", ["", "{}", "null", "[]", "{" * 3000, '{"model": {"vocabulary_size": "x"}}'])
def test_a_header_that_is_none_is_an_error(path, header):
    rewritten(path, header=header)
    with pytest.raises(CheckpointError, match="is damaged: its header is wrong"):
        load(path)


@pytest.mark.parametrize(
    ("field", "value"),
    [("hidden_size", 0), ("hidden_size", 10**30), ("num_layers", -1), ("cell", "mamba"), ("vocabulary_size", 2.5)],
)
def test_a_header_with_a_bad_configuration_is_an_error(path, checkpoint, field, value):
    header = msgspec.to_builtins(checkpoint.header)
    header["model"][field] = value
    rewritten(path, header=msgspec.json.encode(header).decode())
    with pytest.raises(CheckpointError, match=f"its header is wrong: .*{field}|its header is wrong: .*out of range"):
        load(path)


def test_a_changed_header_does_not_fit_the_digest(path, checkpoint):
    figures = replace(checkpoint.header.figures, val_nats=0.01)
    rewritten(path, header=msgspec.json.encode(replace(checkpoint.header, figures=figures)).decode())
    with pytest.raises(CheckpointError, match="its digest does not fit its content"):
        load(path)


def test_changed_weights_do_not_fit_the_digest(path, checkpoint):
    rewritten(path, {"readout.bias": checkpoint.weights["readout.bias"] + 1})
    with pytest.raises(CheckpointError, match="its digest does not fit its content"):
        load(path)


def test_a_missing_tensor_is_named(path, checkpoint):
    whole(checkpoint, path, **{"layers.0.weight_hh": None})
    with pytest.raises(CheckpointError, match=r"tensors are missing or too many: layers\.0\.weight_hh"):
        load(path)


def test_a_tensor_too_many_is_named(path, checkpoint):
    whole(checkpoint, path, stowaway=np.ones(3, np.float32))
    with pytest.raises(CheckpointError, match="tensors are missing or too many: stowaway"):
        load(path)


@pytest.mark.parametrize("shape", [(2, 8), (16,), (8, 2, 1), (7, 2), ()])
def test_a_misshapen_tensor_is_named_with_both_shapes(path, checkpoint, shape):
    whole(checkpoint, path, **{"layers.0.weight_hh": np.ones(shape, np.float32)})
    with pytest.raises(CheckpointError, match=r"layers\.0\.weight_hh has the shape \[.*\], not \[8, 2\]"):
        load(path)


@pytest.mark.parametrize("dtype", [np.float64, np.int32, np.uint8, np.bool_])
def test_a_tensor_of_another_type_is_named(path, checkpoint, dtype):
    whole(checkpoint, path, **{"readout.bias": np.ones(3, dtype)})
    with pytest.raises(CheckpointError, match=r"readout\.bias has the type"):
        load(path)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("dtype", [np.float16, np.float32])
def test_weights_that_are_not_finite_are_refused_under_a_right_digest(path, checkpoint, value, dtype):
    whole(checkpoint, path, **{"readout.bias": np.array([0, value, 1], dtype)})
    with pytest.raises(CheckpointError, match=r"readout\.bias holds values that are not finite"):
        load(path)


def test_half_precision_weights_are_read_as_float32(path, checkpoint):
    whole(checkpoint, path, **{"readout.bias": np.array([0, 0.5, 1], np.float16)})
    bias = load(path).weights["readout.bias"]
    assert (bias.dtype, bias.tolist()) == (np.dtype(np.float32), [0, 0.5, 1])


@pytest.mark.parametrize("codes", [[1, 1, 2], [3, 2, 1], [-1, 2, 3], [1, 2, 0x110000]])
def test_a_vocabulary_that_is_none_is_refused_under_a_right_digest(path, checkpoint, codes):
    fake = type("Fake", (), {"codes": np.array(codes)})
    save(replace(checkpoint, vocabulary=fake), path)
    with pytest.raises(CheckpointError, match="its vocabulary is not a list of distinct code points"):
        load(path)
