"""`--init-from`: a new run that begins with a model's weights; `--force`: an old run on a text that has changed."""

from pathlib import Path

import numpy as np
import pytest

from charrnn.model.checkpoint import load
from charrnn.training.resume import load_state
from charrnn.training.trainer import Trainer

ONE = ("--steps", 1, "--learning-rate", 1e-9)  # a step that moves nothing to speak of


@pytest.fixture
def other(book, tmp_path):
    """A text with some of the book's characters, and some that the book lacks."""
    path = tmp_path / "other.txt"
    path.write_text("The CAT sat; a ×mat× said: hello!\n" * 30, "utf-8")
    return path


def test_known_characters_keep_what_was_learned_and_all_stay_known(charrnn, run, other, tmp_path):
    result = charrnn("train", other, "--init-from", run, *ONE, "--out", tmp_path / "new")
    assert result.status == 0, result.err
    old, new = load(f"{run}/best.safetensors"), load(tmp_path / "new" / "last.safetensors")
    assert set(new.vocabulary.characters) == set(old.vocabulary.characters) | set(other.read_text("utf-8"))
    added = len(new.vocabulary) - len(old.vocabulary)
    assert f"Note: new to the model: {added} characters of the text" in result.err
    here = new.vocabulary.encode(old.vocabulary.characters)
    for name in ("embedding.weight", "readout.weight", "readout.bias"):
        np.testing.assert_allclose(new.weights[name][here], old.weights[name], atol=1e-6)
    for name in set(old.weights) - {"embedding.weight", "readout.weight", "readout.bias"}:
        np.testing.assert_allclose(new.weights[name], old.weights[name], atol=1e-6)


def test_where_it_began_is_kept_and_survives_a_resume(charrnn, run, other, tmp_path):
    charrnn("train", other, "--init-from", run, *ONE, "--out", tmp_path / "new")
    charrnn("train", "--resume", tmp_path / "new")
    training = load(tmp_path / "new" / "best.safetensors").header.training
    assert (training["init_from"], training["init_corpus"]) == (Path(run).name, "book")
    assert load_state(tmp_path / "new").account.header.training == training


def test_sizes_are_the_models_and_dropout_is_free(charrnn, run, other, tmp_path):
    result = charrnn(
        "train", other, "--init-from", run, *ONE, "--dropout", 0.5, "--hidden-size", 16, "--out", tmp_path / "a"
    )
    assert result.status == 0
    old, new = load(f"{run}/best.safetensors").config, load(tmp_path / "a" / "best.safetensors").config
    assert (new.cell, new.num_layers, new.hidden_size, new.embedding_size) == ("lstm", 1, 16, 8)
    assert old.dropout != 0.5 == new.dropout
    charrnn("train", other, "--init-from", run, *ONE, "--out", tmp_path / "b")
    assert load(tmp_path / "b" / "best.safetensors").config.dropout == old.dropout


@pytest.mark.parametrize(
    ("option", "problem"),
    [
        (["--hidden-size", 17], "hidden_size is 16 in RUN; leave --hidden-size 17 out"),
        (["--cell", "gru"], "cell is lstm in RUN; leave --cell gru out"),
        (["--num-layers", 2], "num_layers is 1 in RUN; leave --num-layers 2 out"),
        (["--embedding-size", 0], "embedding_size is 8 in RUN; leave --embedding-size 0 out"),
    ],
    ids=lambda value: value[0] if isinstance(value, list) else None,
)
def test_another_size_is_an_error_that_says_so(charrnn, run, other, tmp_path, option, problem):
    result = charrnn("train", other, "--init-from", run, *option, "--out", tmp_path / "new")
    assert (result.status, result.err) == (1, f"Error: {problem.replace('RUN', run)}\n")
    assert not (tmp_path / "new").exists()


@pytest.fixture
def moved(charrnn, book, tiny, tmp_path, monkeypatch):
    """A run that was stopped after ten steps, and its text."""
    text = tmp_path / "text.txt"
    text.write_bytes(book.read_bytes())
    train_on = Trainer._train_on

    def stop(self, batch, rate):
        train_on(self, batch, rate)
        if self.step == 10:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Trainer, "_train_on", stop)
        result = charrnn("train", text, *tiny, "--steps", 20, "--sample-every", 4, "--out", tmp_path / "run")
    assert result.status == 130
    return text, tmp_path / "run"


@pytest.mark.parametrize(
    "change", [lambda text: text * 2, lambda text: text[:700], lambda text: text[:9], str.swapcase]
)
def test_a_changed_text_is_taken_as_it_is_now_with_force(charrnn, moved, change):
    text, run = moved
    known = set(load(run / "last.safetensors").vocabulary.characters)
    changed = "".join(c for c in change(text.read_text("utf-8")) if c in known)
    text.write_text(changed, "utf-8")
    result = charrnn("train", "--resume", run, "--force")
    assert result.status == 0, result.err
    assert "Note: the text has changed: going on from the same step in the text as it is now" in result.err
    account = load_state(run).account
    assert (account.header.corpus.characters, account.header.figures.step) == (len(changed), 20)
    assert charrnn("train", "--resume", run).status == 0


def test_a_changed_text_with_new_characters_is_not_taken_even_with_force(charrnn, moved):
    text, run = moved
    before = (run / "state.safetensors").read_bytes()
    text.write_text(text.read_text("utf-8") + "×÷", "utf-8")
    result = charrnn("train", "--resume", run, "--force")
    assert result.status == 1
    assert "now has 2 characters that its model does not know; start a new run from its weights" in result.err
    assert f"--init-from {run}" in result.err
    assert (run / "state.safetensors").read_bytes() == before


def test_force_on_a_text_that_has_not_changed_changes_nothing(charrnn, moved):
    _, run = moved
    before = (run / "log.jsonl").read_bytes()
    result = charrnn("train", "--resume", run, "--force")
    assert (result.status, "has changed" in result.err) == (0, False)
    assert load(run / "last.safetensors").header.figures.step == 20
    assert (run / "log.jsonl").read_bytes().startswith(before)


def test_force_alone_is_wrong_usage(charrnn, book):
    assert charrnn("train", book, "--force").status == 2
