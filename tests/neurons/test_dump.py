"""The laws of the .npz file of all units' values."""

import json

import numpy as np
import pytest

from charrnn.errors import ConfigError
from charrnn.neurons import recording
from charrnn.neurons.dump import write
from charrnn.neurons.recording import record
from charrnn.neurons.signal_names import signal_names

META = {"model": "a “model”", "vocabulary": "\n</script>é"}


@pytest.fixture
def output(tmp_path):
    return tmp_path / "units.npz"


def dumped(output):
    with np.load(output, allow_pickle=False) as file:
        return {name: file[name] for name in file.files}


@pytest.mark.parametrize("dtype", ["float16", "float32"])
def test_a_dump_holds_what_is_recorded(each_model, ids, output, dtype, monkeypatch):
    names = signal_names(each_model.config)
    expected = record(each_model, ids, names).signals
    monkeypatch.setattr(recording, "CHUNK", 4)
    write(output, each_model, ids, names, dtype, META)
    arrays = dumped(output)
    assert set(arrays) == {"text", "meta", *names}
    assert (arrays["text"] == ids).all()
    assert json.loads(arrays["meta"].item()) == META
    for name in names:
        assert (arrays[name].shape, arrays[name].dtype) == ((2, 23, 5), np.dtype(dtype))
        np.testing.assert_allclose(arrays[name], expected[name], atol=1e-3 if dtype == "float16" else 1e-6)


def test_a_dump_holds_the_signals_asked_for_only(model, ids, output):
    write(output, model, ids, ["c", "o"], "float32", META)
    assert set(dumped(output)) == {"text", "meta", "c", "o"}


def test_a_dump_tells_how_many_characters_it_has_read(model, ids, output, monkeypatch):
    monkeypatch.setattr(recording, "CHUNK", 64)
    read = []
    write(output, model, np.tile(ids, 7), ["h"], "float16", META, on_read=read.append)
    assert read == [64, 64, 33]


def test_a_dump_leaves_nothing_but_itself(model, ids, output):
    write(output, model, ids, ["h"], "float16", META)
    assert list(output.parent.iterdir()) == [output]


def failing(characters):
    raise OSError("the disk is full")


@pytest.mark.parametrize(
    ("signals", "meta", "on_read", "error"),
    [
        (["h", "smell"], META, print, ConfigError),
        (["h", "../h"], META, print, ConfigError),
        (["no/such"], META, print, ConfigError),
        (["h"], {"not": {"json"}}, print, TypeError),
        (["h"], META, failing, OSError),
    ],
)
def test_a_dump_that_fails_leaves_the_folder_as_it_was(model, ids, output, signals, meta, on_read, error):
    output.write_bytes(b"the dump before")
    with pytest.raises(error):
        write(output, model, ids, signals, "float32", meta, on_read)
    assert [path.name for path in output.parent.iterdir()] == [output.name]
    assert output.read_bytes() == b"the dump before"
