import pytest

from charrnn.text.corpus import Corpus
from charrnn.text.sources import Text
from charrnn.text.spec import TextSpec
from charrnn.training import trainer
from charrnn.training.config import TrainingConfig
from charrnn.training.run import Run
from charrnn.training.trainer import Trainer

OPTIONS = {"batch_size": 3, "seq_length": 7, "learning_rate": 1e-2}


@pytest.fixture
def corpus():
    """A text that says the same again and again: 180 characters, 6 of them different."""
    return Corpus.from_text(Text("song", "abcade\n" * 25 + "abcde", licence="CC0-1.0"), 0.2, 0)


@pytest.fixture
def make_trainer(make_model, corpus):
    """A function that returns a Trainer of a tiny model; options are of either configuration."""

    def make(corpus=corpus, model=None, dropout=0.0, model_seed=0, **options):
        if model is None:
            V = len(corpus.vocabulary)
            model = make_model(model_seed, vocabulary_size=V, hidden_size=16, embedding_size=4, dropout=dropout)
        return Trainer(model, corpus, TrainingConfig(**{**OPTIONS, **options}))

    return make


@pytest.fixture
def make_run(tmp_path):
    """A function that returns a Run, not yet made, of a corpus in a folder."""

    def make(corpus, path=tmp_path, training=None, **options):
        training = training or TrainingConfig(steps=9, seed=3)
        return Run(path, corpus, training, "float32", TextSpec(("song",), "utf-8", 0.2, 0), **options)

    return make


@pytest.fixture
def clock(monkeypatch):
    """A clock that goes on by a hundredth of a second whenever it is read; returns what was read last."""
    seconds = [0.0]

    def read():
        seconds[0] += 0.01
        return seconds[0]

    monkeypatch.setattr(trainer, "perf_counter", read)
    return seconds


@pytest.fixture
def quiet(monkeypatch):
    """Reports come at milestones only, however slow the machine."""
    monkeypatch.setattr(trainer, "REPORT_SECONDS", float("inf"))
