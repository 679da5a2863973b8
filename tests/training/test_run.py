import json
import os
import shutil
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import numpy as np
import pytest

from charrnn.errors import RunError
from charrnn.evaluation.memorisation import Verbatim
from charrnn.model.checkpoint import Figures, load, stages
from charrnn.runs.lock import LOCK, Lock, locked
from charrnn.runs.report import Progress
from charrnn.text.corpus import Corpus
from charrnn.text.sources import Text
from charrnn.training.config import TrainingConfig
from charrnn.training.history import CURVE, LOG, SAMPLES
from charrnn.training.resume import load_state

KEYS = ["step", "epoch", "seconds", "learning_rate", "train_nats", "grad_norm", "chars_per_second"]


def at(step, val_nats=None):
    return Progress(step, step / 10, 1.5, 0.01, 2.5, 0.75, 1000.0, 0.5, True, val_nats)


@pytest.fixture
def run(tmp_path, corpus, make_run):
    run = make_run(corpus, tmp_path / "deep" / "run")
    run.create()
    with closing(run):
        yield run


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
    assert sorted(os.listdir(run.path)) == [LOCK, LOG]
    assert (run.path / LOG).read_bytes() == b""


def test_a_run_folder_holds_two_checkpoints_a_log_and_samples(run, models):
    run.log(at(1))
    run.save(models[0], at(1, 2.0))
    run.keep_sample(at(1, 2.0), "text", 0.8)
    assert sorted(os.listdir(run.path)) == sorted(["best.safetensors", "last.safetensors", LOCK, LOG, SAMPLES])
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
    run.keep_sample(at(2, 2.25), "", 0.8, Verbatim(0.5, None, 99, 0.25, 0.75))
    verbatim = {"share": 0.5, "yardstick": None, "searched": 99, "lines": 0.25, "lines_yardstick": 0.75}
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


def test_without_a_validation_part_the_best_is_the_newest(tmp_path, models, make_run):
    run = make_run(Corpus.from_text(Text("song", "abcade\n"), 0, 0))
    run.save(models[0], at(1))
    run.save(models[1], at(2))
    assert holds(run.best, models[1])
    assert holds(tmp_path / "last.safetensors", models[1])


def test_the_models_of_all_stages_are_kept_in_half_precision_where_that_is_asked_for(corpus, models, make_run):
    run = make_run(corpus, training=TrainingConfig(steps=9, keep_checkpoints=True))
    run.save(models[0], at(3))
    run.save(models[1], at(12))
    kept = stages(run.path)
    assert list(kept) == [3, 12]
    for model, path in zip(models, kept.values(), strict=False):
        rounded = {name: weight.astype(np.float16) for name, weight in model.weights().items()}
        np.testing.assert_equal(load(path).weights, rounded)
    assert load(kept[12]).header.figures.step == 12


def test_a_weight_beyond_half_precision_is_kept_in_full(corpus, make_model, make_run):
    run = make_run(corpus, training=TrainingConfig(steps=9, keep_checkpoints=True))
    model = make_model(vocabulary_size=len(corpus.vocabulary))
    model.readout.bias.data[0] = 1e5
    run.save(model, at(3))
    assert holds(stages(run.path)[3], model)


def test_a_resumed_run_loses_the_models_of_later_stages(corpus, models, make_run):
    run = make_run(corpus, training=TrainingConfig(steps=9, keep_checkpoints=True))
    for step in (3, 6, 9):
        run.save(models[0], at(step))
    for name in (".step-00000009.safetensors.x.tmp", ".tmpx1Y2z3"):
        (run.path / "stages" / name).write_bytes(b"half")
    run.reopen(6, None)
    assert list(stages(run.path)) == [3, 6]
    assert len(os.listdir(run.path / "stages")) == 2


def test_what_was_not_validated_is_never_the_best(run, models):
    run.save(models[0], at(1, 2.0))
    run.save(models[1], at(2))
    run.save(models[2], at(3, 1.9))
    run.save(models[3], at(4))
    assert holds(run.best, models[2])
    assert holds(run.path / "last.safetensors", models[3])


def test_the_final_figures_stand_in_the_best_checkpoint(run, models):
    run.save(models[0], at(1, 2.0))
    run.save_final(run.identity.checkpoint(models[0], Figures(1, 0.1, 1.5, 2.5, 2.0, test_nats=2.125)))
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
def test_a_folder_that_holds_a_run_is_refused_and_left_alone(tmp_path, corpus, make_run, name):
    (tmp_path / name).write_text("precious")
    with pytest.raises(RunError, match="holds a run already; name another folder with --out, or go on with --resume"):
        make_run(corpus).create()
    assert [p.name for p in tmp_path.iterdir()] == [name]
    assert (tmp_path / name).read_text() == "precious"


def test_a_run_that_ended_while_the_lock_was_taken_is_left_alone(tmp_path, corpus, make_run, monkeypatch):
    take = Lock.take

    def just_too_late(lock):
        (tmp_path / "best.safetensors").write_text("precious")
        (tmp_path / "log.jsonl").write_text("{}")
        take(lock)

    monkeypatch.setattr(Lock, "take", just_too_late)
    with pytest.raises(RunError, match="holds a run already"):
        make_run(corpus).create()
    monkeypatch.undo()
    assert (tmp_path / "log.jsonl").read_text() == "{}"
    with locked(tmp_path):
        assert (tmp_path / "best.safetensors").read_text() == "precious"


def test_an_empty_folder_is_taken(tmp_path, corpus, make_run):
    make_run(corpus).create()
    assert (tmp_path / LOG).exists()


@pytest.mark.parametrize("name", ["file", "file/run", "a" * 300])
def test_a_folder_that_cannot_be_made_is_an_error(tmp_path, corpus, make_run, name):
    (tmp_path / "file").touch()
    with pytest.raises(RunError, match=r"cannot be written .*; name another folder with --out"):
        make_run(corpus, tmp_path / name).create()


def test_runs_that_begin_at_the_same_time_get_folders_of_their_own(tmp_path, corpus, make_run):
    runs = [make_run(corpus, tmp_path / "deep" / "run") for _ in range(5)]
    with ThreadPoolExecutor(5) as threads:
        list(threads.map(lambda run: run.create(numbered=True), runs))
    assert len({run.path for run in runs}) == 5
    assert all((run.path / LOCK).exists() for run in runs)
    for run in runs:
        run.close()


def test_a_folder_of_that_name_that_holds_anything_is_left_alone(tmp_path, corpus, make_run):
    (tmp_path / "run").mkdir()
    run = make_run(corpus, tmp_path / "run")
    run.create(numbered=True)
    assert run.path == tmp_path / "run-2"
    assert list((tmp_path / "run").iterdir()) == []
    run.close()


def test_a_reopened_run_takes_back_what_came_after_the_step(run, models):
    for step in (1, 2, 3):
        run.log(at(step))
        run.keep_sample(at(step, 2.0), "text", 0.8)
    with (run.path / LOG).open("ab") as file:
        file.write(b'{"step": 4, "trai')  # cut off by a kill
    run.save(models[0], at(2, 2.0))
    run.reopen(2, 2.0)
    assert [line["step"] for line in lines(run.path / LOG)] == [1, 2]
    assert [line["step"] for line in lines(run.path / SAMPLES)] == [1, 2]


@pytest.mark.parametrize("name", ["best.safetensors", "last.safetensors"])
@pytest.mark.parametrize("gone", [True, False])
def test_a_checkpoint_that_is_broken_or_gone_is_saved_again_when_a_run_goes_on(run, models, name, gone):
    run.save(models[0], at(1, 2.0))
    run.save(models[1], at(2, 3.0))
    broken = (run.path / name).read_bytes()[:-1]
    (run.path / name).write_bytes(broken)
    if gone:
        (run.path / name).unlink()
    run.reopen(2, 2.0)
    [told] = run.renew(models[1], Figures(2, val_nats=3.0))
    aside = name.replace(".safetensors", ".damaged")
    assert told.startswith(f"{name} was gone" if gone else f"{name} was damaged and is {aside} now")
    assert holds(run.path / name, models[1])
    assert gone or (run.path / aside).read_bytes() == broken
    assert run.renew(models[1], Figures(2, val_nats=3.0)) == []
    run.save(models[2], at(3, 2.5))
    assert holds(run.best, models[2 if name == "best.safetensors" else 0])


def test_a_run_that_goes_on_before_its_first_save_lacks_nothing(run, models):
    run.reopen(0, None)
    assert run.renew(models[0], Figures()) == []


def test_a_reopened_run_knows_its_best(run, models):
    run.save(models[0], at(1, 2.0))
    run.reopen(1, 2.0)
    run.save(models[1], at(2, 2.5))
    assert holds(run.best, models[0])


def test_a_folder_that_another_run_writes_to_is_refused(run, corpus, make_run):
    with pytest.raises(RunError, match=r"is being written to by another run \(process \d+\)"):
        make_run(corpus, run.path).create()


def test_what_a_killed_save_has_left_is_removed(run):
    for name in (".best.safetensors.x1_a.tmp", ".state.safetensors.7.tmp", ".log.jsonl..tmp", ".tmpx1Y2z3"):
        (run.path / name).write_text("half")
    (run.path / ".best.safetensors.mine").write_text("kept")
    run.reopen(1, None)
    assert sorted(os.listdir(run.path)) == [".best.safetensors.mine", LOCK, LOG]


def test_a_run_of_which_nothing_is_missing_needs_no_mending(run, make_trainer):
    run.save_state(make_trainer(steps=9), Figures())
    assert run.mend() is None


def test_a_folder_that_was_removed_is_made_anew_and_what_is_lost_is_told_once(run, make_trainer):
    trainer = make_trainer(steps=9)
    run.save_state(trainer, Figures())
    run.commit(trainer, at(1, 2.0))
    shutil.rmtree(run.path)
    assert run.mend().startswith(f".lock, best.safetensors, log.jsonl, state.safetensors of {run.path} went missing")
    assert run.mend() is None
    run.log(at(2, 3.0))
    run.commit(trainer, at(2, 3.0))
    assert load_state(run.path).account.best_nats == 3.0
    assert load(run.best).header.figures.step == 2
    assert [line["step"] for line in lines(run.path / LOG)] == [2]


def test_a_best_checkpoint_that_was_removed_is_chosen_anew(run, models, make_trainer):
    run.save_state(make_trainer(steps=9), Figures())
    run.save(models[0], at(1, 2.0))
    run.best.unlink()
    assert run.mend().startswith("best.safetensors of")
    run.save(models[1], at(2, 3.0))
    assert holds(run.best, models[1])


def test_a_folder_that_another_run_has_made_anew_is_left_to_it(run, make_trainer):
    run.save_state(make_trainer(steps=9), Figures())
    (run.path / LOCK).write_text("1")
    with pytest.raises(RunError, match="was removed, and another run writes there now"):
        run.mend()


def test_going_back_halves_the_rate_and_takes_the_log_back(run, make_trainer, quiet):
    trainer = make_trainer(steps=9, sample_every=3, schedule="constant", warmup=0)
    run.save_state(trainer, Figures())
    reports = trainer.run()
    run.log(first := next(reports))
    run.commit(trainer, first)
    run.log(second := next(reports))
    assert (first.step, second.step, second.learning_rate) == (3, 6, 1e-2)
    run.roll_back(trainer)
    assert (trainer.step, trainer.rollbacks, [line["step"] for line in lines(run.path / LOG)]) == (3, 1, [3])
    again = make_trainer(steps=9, sample_every=3, schedule="constant", warmup=0, model_seed=5)
    again.restore(load_state(run.path).tensors)  # as after a kill
    for each in (trainer, again):
        after = next(each.run())
        assert (after.step, after.learning_rate, after.rollbacks) == (6, 5e-3, 1)
    run.log(after)
    assert [line.get("rollbacks") for line in lines(run.path / LOG)] == [None, 1]


def test_going_back_gives_no_time_back(run, make_trainer, clock):
    trainer = make_trainer(minutes=0.1)
    run.save_state(trainer, Figures())
    for progress in trainer.run():
        if progress.seconds > 2:
            break
    run.roll_back(trainer)
    assert trainer.step == 0
    assert next(trainer.run()).seconds > progress.seconds
