"""The laws of LSTMVis's layout: its server finds by lstm.yml what it reads, and the values are those recorded."""

import json
import sys

import numpy as np
import pytest

from charrnn.errors import ConfigError
from charrnn.neurons.lstmvis import write
from charrnn.neurons.recording import record
from charrnn.neurons.signal_names import signal_names

WORDS = ["a", "␣", "↵", "U+00A0", "é", "<b>", '"']
META = {"model": 'a: "model"', "source": ["x\ny"]}


@pytest.fixture
def h5py():
    return pytest.importorskip("h5py", reason="h5py is not installed")


@pytest.fixture
def output(tmp_path):
    return tmp_path / "states.hdf5"


def as_its_server_opens(folder, h5py):
    """What LSTMVis reads: its configuration, the arrays of each state and the word at each place."""
    config = json.loads((folder / "lstm.yml").read_text("utf-8"))
    files = {name: folder / file for name, file in config["files"].items()}
    lines = files[config["word_sequence"]["dict_file"]].read_text("utf-8").split("\n")[:-1]
    words = {int(number): word for word, number in (line.split() for line in lines)}
    with h5py.File(files[config["word_sequence"]["file"]]) as file:
        ids = file[config["word_sequence"]["path"]][:]
    with h5py.File(files[config["states"]["file"]]) as file:
        states = {(kind["type"], kind["layer"]): file[kind["path"]][:] for kind in config["states"]["types"]}
    return config, states, [words[number] for number in ids.tolist()]


@pytest.mark.parametrize("dtype", ["float16", "float32"])
def test_lstmvis_finds_every_layer_of_every_signal_and_the_text(each_model, ids, output, h5py, dtype):
    names = signal_names(each_model.config)
    expected = record(each_model, ids, names).signals
    write(output, each_model, ids, names, dtype, META, WORDS)
    config, states, words = as_its_server_opens(output.parent, h5py)
    assert words == [WORDS[number] for number in ids]
    assert config["name"] == META["model"]
    for name in names:
        kind = {"c": "state", "h": "output"}.get(name, name)
        for layer in range(2):
            assert states[kind, layer + 1].dtype == dtype
            np.testing.assert_allclose(states[kind, layer + 1], expected[name][layer], atol=2e-3)


def test_only_what_has_no_bound_is_squashed_by_lstmvis_and_only_gates_have_no_sign(model, ids, output, h5py):
    write(output, model, ids, signal_names(model.config), "float32", META, WORDS)
    config, *_ = as_its_server_opens(output.parent, h5py)
    squashed = {kind["path"][:-1] for kind in config["states"]["types"] if kind["transform"] != "none"}
    positive = {kind["path"][:-1] for kind in config["states"]["types"] if kind["unsigned"]}
    assert (squashed, positive) == ({"states"}, {"i", "f", "o"})


def test_the_folder_of_another_file_is_left_as_it_is(model, ids, output, h5py):
    write(output, model, ids, ["h"], "float16", META, WORDS)
    before = {path.name: path.read_bytes() for path in output.parent.iterdir()}
    assert set(before) == {"states.hdf5", "lstm.yml", "words.dict"}
    with pytest.raises(ConfigError, match="belongs to another file"):
        write(output.parent / "other.h5", model, ids, ["h"], "float16", META, WORDS)
    assert {path.name: path.read_bytes() for path in output.parent.iterdir()} == before
    write(output, model, ids, ["c"], "float16", META, WORDS)  # its own is written anew


@pytest.mark.parametrize("words", [["a", "b c"], ["a", "a"], ["a", ""], ["a", "\u3000"]])
def test_words_that_lstmvis_cannot_tell_apart_are_refused(model, ids, output, words):
    with pytest.raises(ConfigError, match="words"):
        write(output, model, ids, ["h"], "float16", META, words)
    assert not list(output.parent.iterdir())


def test_without_h5py_one_line_says_how_to_get_it(model, ids, output, monkeypatch):
    monkeypatch.setitem(sys.modules, "h5py", None)
    with pytest.raises(ConfigError, match="pip install h5py"):
        write(output, model, ids, ["h"], "float16", META, WORDS)
    assert not list(output.parent.iterdir())


def test_the_configuration_is_yaml_whatever_the_model_is_called(model, ids, output, h5py):
    write(output, model, ids, ["h"], "float32", {**META, "model": 'a\x7f"\x1b: é'}, WORDS)
    written = (output.parent / "lstm.yml").read_text("utf-8")
    assert json.loads(written)["name"] == 'a\x7f"\x1b: é'
    assert written.replace("\n", "").isprintable()
