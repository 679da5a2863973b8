"""Training and resuming from Python: the same runs as the command line's, in a folder or in memory."""

import json

import numpy as np
import pytest

import charrnn as library
from charrnn.api.training import Watch
from charrnn.errors import ConfigError, RunError, SourceError

SONG = "abcade\n" * 40
TINY = {"hidden_size": 8, "seq_length": 8, "batch_size": 4, "precision": "float32", "device": "cpu"}


class Stopping(Watch):
    """Stops after a step, and counts the rest."""

    def __init__(self, after=None):
        self.after, self.steps, self.begun, self.samples, self.notes = after, 0, [], [], []

    def began(self, begun):
        self.begun.append(begun)

    def progress(self, progress):
        self.steps = progress.step

    def sample(self, progress, text, verbatim):
        self.samples.append(text)

    def note(self, message):
        self.notes.append(message)

    def stop(self):
        self.asked = getattr(self, "asked", 0) + 1
        return self.after is not None and self.asked > self.after


@pytest.fixture
def song(tmp_path):
    path = tmp_path / "song.txt"
    path.write_text(SONG)
    return path


def same(one, other):
    np.testing.assert_equal(one.checkpoint.weights, other.checkpoint.weights)


def test_a_string_and_its_file_and_memory_and_a_folder_give_the_same_model(song, tmp_path):
    in_memory = library.train(SONG, steps=6, **TINY)
    kept = library.train(song, steps=6, out=tmp_path / "run", **TINY)
    same(in_memory, kept)
    assert in_memory.trained.run is None
    assert kept.trained.run == str(tmp_path / "run")
    same(kept, library.load(tmp_path / "run"))


def test_a_run_trains_as_the_command_does_and_says_the_same(charrnn, song, tmp_path):
    model = library.train([str(song)], steps=6, out=tmp_path / "one", val_fraction=0.2, **TINY)
    options = [f"--{name.replace('_', '-')}={value}" for name, value in TINY.items()]
    typed = ("train", song, *options, "--steps=6", "--val-fraction=0.2", "--out", tmp_path / "two", "--json")
    told = json.loads(charrnn(*typed).out)
    changing = ("run", "best", "seconds", "chars_per_second")
    own = model.trained.to_dict()
    assert {**own, **dict.fromkeys(changing)} == {**told, **dict.fromkeys(changing)}
    same(model, library.load(tmp_path / "two"))


def test_a_run_that_was_stopped_and_resumed_equals_one_that_was_not(song, tmp_path):
    whole = library.train(song, steps=20, out=tmp_path / "whole", **TINY)
    stopped = library.train(song, steps=20, out=tmp_path / "run", watch=Stopping(after=5), **TINY)
    assert stopped.trained.stopped == "interrupted"
    assert "--resume" in str(stopped.trained)
    resumed = library.resume(tmp_path / "run")
    assert resumed.trained.stopped == "finished"
    same(whole, resumed)
    same(resumed, library.Run(tmp_path / "run").load("cpu"))
    longer = library.resume(tmp_path / "run", steps=30)
    assert longer.trained.steps == 30


def test_a_run_of_a_string_goes_on_with_that_string_only(tmp_path):
    run = tmp_path / "run"
    library.train(SONG, steps=20, out=run, watch=Stopping(after=5), **TINY)
    with pytest.raises(RunError, match="was a string; write it to a file and name that"):
        library.resume(run)
    with pytest.raises(RunError, match="has changed"):
        library.resume(run, SONG + "a")
    same(library.resume(run, SONG), library.train(SONG, steps=20, **TINY))


def test_a_watch_is_told_how_a_run_goes():
    watch = Stopping()
    library.train(SONG, steps=6, sample_every=3, watch=watch, **TINY)
    assert (watch.steps, len(watch.begun), len(watch.samples)) == (6, 1, 2)
    assert watch.begun[0].model.hidden_size == 8
    assert watch.begun[0].folder is None


def test_a_run_in_memory_goes_back_where_it_diverges(monkeypatch):
    rates = iter([0.01] * 5 + [1e30] + [0.01] * 100)
    monkeypatch.setattr("charrnn.training.trainer.learning_rate", lambda *_: next(rates))
    options = {**TINY, "cell": "rnn", "nonlinearity": "relu", "clip_norm": 0.0, "sample_every": 2}
    watch = Stopping()
    model = library.train(SONG, steps=12, on_nan="rollback", watch=watch, **options)
    assert (model.trained.rollbacks, model.trained.stopped, model.error) == (1, "finished", None)
    assert any("going on from step" in note for note in watch.notes)


def test_a_model_to_begin_from_gives_its_sizes_and_weights(song, tmp_path):
    first = library.train(song, steps=6, out=tmp_path / "first", **TINY)
    rest = {name: value for name, value in TINY.items() if name != "hidden_size"}
    second = library.train(SONG, steps=1, learning_rate=1e-9, init_from=tmp_path / "first", **rest)
    assert second.config.hidden_size == 8
    assert second.checkpoint.header.training["init_from"] == "first"
    for name, weight in first.checkpoint.weights.items():
        np.testing.assert_allclose(second.checkpoint.weights[name], weight, atol=1e-7)


@pytest.mark.parametrize("source", [None, b"bytes", 3])
def test_what_is_no_text_is_refused(source):
    with pytest.raises(ConfigError, match="the text is of type"):
        library.train(source, steps=1)


def test_a_source_that_is_not_there_is_an_error(tmp_path):
    with pytest.raises(SourceError):
        library.train([str(tmp_path / "nothing.txt")], steps=1)
