import json
import os

import numpy as np
import pytest

from charrnn.errors import RunError
from charrnn.model.checkpoint import Figures, load
from charrnn.text.corpus import Corpus
from charrnn.text.sources import Text
from charrnn.training.config import TrainingConfig
from charrnn.training.memorisation import Verbatim
from charrnn.training.run import CURVE, LOG, SAMPLES, Run, free_folder
from charrnn.training.trainer import Progress

KEYS = ["step", "epoch", "seconds", "learning_rate", "train_nats", "grad_norm", "chars_per_second"]


def at(step, val_nats=None):
    return Progress(step, step / 10, 1.5, 0.01, 2.5, 0.75, 1000.0, 0.5, True, val_nats)


@pytest.fixture
def run(tmp_path, corpus):
    run = Run(tmp_path / "deep" / "run", corpus, TrainingConfig(steps=9, seed=3), "float32")
    run.create()
    return run


@pytest.fixture
def models(make_model, corpus):
    """Models that differ in every weight."""
    return [make_model(seed, vocabulary_size=len(corpus.vocabulary)) for seed in range(4)]


def holds(path, model):
    np.testing.assert_equal(load(path).weights, model.weights())
    return True


def lines(path):
    return [json.loads(line) for line in path.read_text("utf-8").split("\n")[:-1]]


def test_a_new_run_is_a_folder_with_an_empty_log(run):
    assert os.listdir(run.path) == [LOG]
    assert (run.path / LOG).read_bytes() == b""


def test_a_run_folder_holds_two_checkpoints_a_log_and_samples(run, models):
    run.log(at(1))
    run.save(models[0], at(1, 2.0))
    run.keep_sample(at(1, 2.0), "text", 0.8)
    assert sorted(os.listdir(run.path)) == sorted(["best.safetensors", "last.safetensors", LOG, SAMPLES])
    assert CURVE == "loss.png"


def test_the_log_has_a_line_for_each_report_with_validation_where_it_was_measured(run):
    run.log(at(1))
    run.log(at(2, 2.25))
    first, second = lines(run.path / LOG)
    assert list(first) == KEYS
    assert list(second) == [*KEYS, "val_nats"]
    assert (second["step"], second["learning_rate"], second["val_nats"]) == (2, 0.01, 2.25)


def test_samples_are_kept_as_they_are_with_their_stage(run):
    text = 'a\n\u2028"\\</script>é😀\x1b'
    run.keep_sample(at(1), text, 0.8)
    run.keep_sample(at(2, 2.25), "", 0.8, Verbatim(0.5, None, 99))
    verbatim = {"share": 0.5, "yardstick": None, "searched": 99}
    assert lines(run.path / SAMPLES) == [
        {"step": 1, "val_nats": None, "temperature": 0.8, "text": text, "verbatim": None},
        {"step": 2, "val_nats": 2.25, "temperature": 0.8, "text": "", "verbatim": verbatim},
    ]


def test_the_best_checkpoint_is_that_of_the_lowest_validation_loss(run, models):
    for step, val_nats in enumerate([2.0, 1.5, 1.7, 1.6]):
        run.save(models[step], at(step, val_nats))
    assert holds(run.best, models[1])
    assert load(run.best).header.figures.step == 1
    assert holds(run.path / "last.safetensors", models[3])


@pytest.mark.parametrize("count", [1, 2, 3])
def test_the_last_checkpoint_is_always_the_newest(run, models, count):
    for step in range(count):
        run.save(models[step], at(step, 2.0 + step))
    assert holds(run.path / "last.safetensors", models[count - 1])
    assert holds(run.best, models[0])


def test_without_a_validation_part_the_best_is_the_newest(tmp_path, models):
    corpus = Corpus.from_text(Text("song", "abcade\n"), 0, 0)
    run = Run(tmp_path, corpus, TrainingConfig(steps=9), "float32")
    run.create()
    run.save(models[0], at(1))
    run.save(models[1], at(2))
    assert holds(run.best, models[1])
    assert holds(tmp_path / "last.safetensors", models[1])


def test_what_was_not_validated_is_never_the_best(run, models):
    run.save(models[0], at(1, 2.0))
    run.save(models[1], at(2))
    run.save(models[2], at(3, 1.9))
    run.save(models[3], at(4))
    assert holds(run.best, models[2])
    assert holds(run.path / "last.safetensors", models[3])


def test_the_final_figures_stand_in_the_best_checkpoint(run, models):
    run.save(models[0], at(1, 2.0))
    run.save_final(models[0], Figures(1, 0.1, 1.5, 2.5, 2.0, test_nats=2.125))
    assert load(run.best).header.figures == Figures(1, 0.1, 1.5, 2.5, 2.0, 2.125)


def test_a_checkpoint_tells_its_text_and_how_it_was_trained(run, models, corpus):
    run.save(models[0], at(4, 2.0))
    header = load(run.best).header
    assert (header.corpus.name, header.corpus.sha256, header.corpus.licence) == ("song", corpus.sha256, "CC0-1.0")
    assert (header.corpus.characters, header.corpus.split) == (len(corpus), corpus.split)
    assert header.training.items() >= {"steps": 9, "seed": 3, "schedule": "cosine", "precision": "float32"}.items()
    assert not {"epochs", "minutes", "sample_every"} & set(header.training)
    assert header.figures == Figures(4, 0.4, 1.5, 2.5, 2.0)


@pytest.mark.parametrize("name", ["best.safetensors", "last.safetensors"])
def test_a_folder_that_holds_a_run_is_refused_and_left_alone(tmp_path, corpus, name):
    (tmp_path / name).write_text("precious")
    with pytest.raises(RunError, match="holds a run already; name another folder with --out, or go on with --resume"):
        Run(tmp_path, corpus, TrainingConfig(steps=1), "float32").create()
    assert [p.name for p in tmp_path.iterdir()] == [name]
    assert (tmp_path / name).read_text() == "precious"


def test_an_empty_folder_is_taken(tmp_path, corpus):
    Run(tmp_path, corpus, TrainingConfig(steps=1), "float32").create()
    assert (tmp_path / LOG).exists()


@pytest.mark.parametrize("name", ["file", "file/run", "a" * 300])
def test_a_folder_that_cannot_be_made_is_an_error(tmp_path, corpus, name):
    (tmp_path / "file").touch()
    with pytest.raises(RunError, match=r"cannot be written .*; name another folder with --out"):
        Run(tmp_path / name, corpus, TrainingConfig(steps=1), "float32").create()


def test_a_free_folder_is_the_first_that_does_not_exist(tmp_path):
    assert free_folder(tmp_path, "run") == tmp_path / "run"
    (tmp_path / "run").mkdir()
    assert free_folder(tmp_path, "run") == tmp_path / "run-2"
    (tmp_path / "run-2").touch()
    (tmp_path / "run-4").mkdir()
    assert free_folder(tmp_path, "run") == tmp_path / "run-3"


def test_a_reopened_run_takes_back_what_came_after_the_step(run, models):
    for step in (1, 2, 3):
        run.log(at(step))
        run.keep_sample(at(step, 2.0), "text", 0.8)
    with (run.path / LOG).open("ab") as file:
        file.write(b'{"step": 4, "trai')  # cut off by a kill
    run.save(models[0], at(2, 2.0))
    run.reopen(2)
    assert [line["step"] for line in lines(run.path / LOG)] == [1, 2]
    assert [line["step"] for line in lines(run.path / SAMPLES)] == [1, 2]


def test_a_reopened_run_knows_its_best(run, models):
    run.save(models[0], at(1, 2.0))
    run.reopen(1)
    run.save(models[1], at(2, 2.5))
    assert holds(run.best, models[0])
