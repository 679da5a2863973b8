"""`charrnn train --resume`: a run that was stopped, by a signal or by a kill, ends as one that was not."""

import json
import signal
import time

import numpy as np
import pytest

from charrnn.model.checkpoint import load
from charrnn.text import corpus

STEPS = ("--steps", 400, "--sample-every", 40, "--dropout", 0.3)


def log_of(run):
    return [json.loads(line) for line in (run / "log.jsonl").read_text("utf-8").splitlines()]


def stopped(process, book, tiny, out, number):
    training = process("train", book, *tiny, *STEPS, "--out", out)
    while not (out / "state.safetensors").exists() and training.poll() is None:
        time.sleep(0.01)
    training.send_signal(number)
    training.communicate(timeout=60)
    assert training.returncode not in (0, 1, 2), "the run was over before it was stopped"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_a_stopped_run_that_is_resumed_ends_as_one_that_was_not(charrnn, process, book, tiny, tmp_path, number):
    straight, out = tmp_path / "straight", tmp_path / "stopped"
    assert charrnn("train", book, *tiny, *STEPS, "--out", straight).status == 0
    stopped(process, book, tiny, out, number)
    resumed = charrnn("train", "--resume", out, "--json")
    assert resumed.status == 0, resumed.err
    assert json.loads(resumed.out)["stopped"] == "finished"
    one, other = load(straight / "last.safetensors"), load(out / "last.safetensors")
    np.testing.assert_equal(one.weights, other.weights)
    assert one.header.figures.val_nats == other.header.figures.val_nats
    steps = [line["step"] for line in log_of(out)]
    assert steps == sorted(set(steps))
    assert steps[-1] == 400


def test_a_finished_run_is_left_as_it_is(charrnn, run):
    before = load(f"{run}/last.safetensors")
    result = charrnn("train", "--resume", run, "--json")
    assert result.status == 0
    assert json.loads(result.out)["steps"] == before.header.figures.step
    np.testing.assert_equal(load(f"{run}/last.safetensors").weights, before.weights)


def test_a_large_text_is_split_the_same_way_when_its_run_goes_on_and_is_scored(
    charrnn, book, tiny, tmp_path, monkeypatch
):
    monkeypatch.setattr(corpus, "HELD_OUT_MOST", 50)
    out = tmp_path / "run"
    trained = charrnn("train", book, *tiny, "--steps", 4, "--out", out)
    assert (
        "no more than 50 characters are held out for validation (--val-fraction) or test (--test-fraction)"
        in trained.err
    )
    split = json.loads(charrnn("info", out, "--json").out)["corpus"]["split"]
    assert [split[part] for part in ("val", "test")] == [50, 50]
    assert charrnn("train", "--resume", out).status == 0
    assert json.loads(charrnn("score", out, book, "--part", "val", "--json").out)["characters"] == 49
    result = charrnn("train", book, *tiny, "--steps", 4, "--out", tmp_path / "given", "--val-fraction", 0.05)
    assert "no more than 50 characters are held out for test (--test-fraction)" in result.err


def test_a_text_that_has_changed_is_not_trained_on(charrnn, book, tiny, tmp_path):
    text = tmp_path / "text.txt"
    text.write_bytes(book.read_bytes())
    charrnn("train", text, *tiny, "--steps", 4, "--out", tmp_path / "run")
    text.write_bytes(book.read_bytes() + b"more")
    result = charrnn("train", "--resume", tmp_path / "run")
    assert result.status == 1
    assert "has changed since it was trained on; restore it, or start a new run" in result.err


@pytest.mark.parametrize("choice", [["--cell", "gru"], ["--out", "x"], ["--seed", "1"]])
def test_what_the_run_has_chosen_cannot_be_chosen_again(charrnn, run, choice):
    result = charrnn("train", "--resume", run, *choice)
    assert result.status == 2
    assert "cannot be chosen again with --resume" in result.err


def test_a_text_that_has_moved_is_named_and_found_there_from_then_on(charrnn, book, tiny, tmp_path):
    old, new = tmp_path / "old.txt", tmp_path / "new.txt"
    old.write_bytes(book.read_bytes())
    charrnn("train", old, *tiny, "--steps", 4, "--out", tmp_path / "run")
    old.rename(new)
    told = charrnn("train", "--resume", tmp_path / "run")
    assert told.status == 1
    assert f"is not at {old} any more; name its new place: charrnn train --resume {tmp_path}/run SOURCE" in told.err
    assert charrnn("train", "--resume", tmp_path / "run", new).status == 0
    assert charrnn("train", "--resume", tmp_path / "run").status == 0
    new.write_bytes(book.read_bytes()[:-1])
    assert "has changed since it was trained on" in charrnn("train", "--resume", tmp_path / "run", new).err


def test_a_text_that_came_once_by_stdin_is_looked_for_in_its_file_the_next_time(charrnn, book, tiny, tmp_path):
    run, content = tmp_path / "run", book.read_bytes()
    charrnn("train", book, *tiny, "--steps", 2, "--out", run)
    assert charrnn("train", "--resume", run, "-", "--steps", 4, stdin=content).status == 0
    assert charrnn("train", "--resume", run, "--steps", 6).status == 0
    changed = charrnn("train", "--resume", run, "-", "--steps", 8, "--force", stdin=content[:-1])
    assert changed.status == 0, changed.err
    told = charrnn("train", "--resume", run, "--steps", 9)
    assert (told.status, "there is no text in -" in told.err) == (1, True), told.err  # its text is no file's any more


@pytest.mark.parametrize("longer", [["--steps", 30], ["--epochs", 2], ["--minutes"]], ids=str)
def test_a_finished_run_goes_on_with_a_longer_budget(charrnn, book, tiny, tmp_path, longer):
    run = tmp_path / "run"
    charrnn("train", book, *tiny, "--steps", 10, "--out", run)
    before = log_of(run)
    if "--minutes" in longer:
        longer = ["--minutes", before[-1]["seconds"] / 60 + 0.02]
    result = charrnn("train", "--resume", run, *longer)
    assert result.status == 0, result.err
    assert "of the new budget is used up: the cosine schedule is that of a run of" in result.err
    after = log_of(run)
    assert after[: len(before)] == before
    assert after[len(before)]["learning_rate"] > before[-1]["learning_rate"]
    assert after[-1]["step"] > 10
    assert load(f"{run}/last.safetensors").header.figures.step == after[-1]["step"]
    again = charrnn("train", "--resume", run)  # the new budget is the run's own now
    assert again.status == 0
    assert log_of(run) == after


def test_a_run_with_a_longer_budget_that_is_stopped_ends_as_one_that_was_not(
    charrnn, book, tiny, tmp_path, monkeypatch
):
    for name in ("whole", "stopped"):
        charrnn("train", book, *tiny, "--steps", 10, "--out", tmp_path / name)
    charrnn("train", "--resume", tmp_path / "whole", "--steps", 40)
    from charrnn.api import conduct

    real = conduct.follow

    def stopping(trainer, run, watch, *more):
        monkeypatch.setattr(conduct, "follow", real)
        monkeypatch.setattr(watch, "stop", lambda: trainer.step == 17)
        return real(trainer, run, watch, *more)

    monkeypatch.setattr(conduct, "follow", stopping)
    assert '"stopped": "interrupted"' in charrnn("train", "--resume", tmp_path / "stopped", "--steps", 40, "--json").out
    assert charrnn("train", "--resume", tmp_path / "stopped").status == 0
    one, other = (load(tmp_path / name / "last.safetensors") for name in ("whole", "stopped"))
    np.testing.assert_equal(one.weights, other.weights)


@pytest.mark.parametrize("spent", [["--steps", 10], ["--steps", 3], ["--epochs", 0.01], ["--minutes", 1e-6]], ids=str)
def test_a_budget_that_is_used_up_already_is_refused(charrnn, book, tiny, tmp_path, spent):
    run = tmp_path / "run"
    charrnn("train", book, *tiny, "--steps", 10, "--out", run)
    before = (run / "state.safetensors").read_bytes()
    result = charrnn("train", "--resume", run, *spent)
    assert "the run has taken 10 steps" in result.err
    assert "give it more than that in all" in result.err
    assert result.status == 1
    assert (run / "state.safetensors").read_bytes() == before


def test_a_budget_of_one_is_told_in_the_singular(charrnn, book, tiny, tmp_path):
    charrnn("train", book, *tiny, "--epochs", 1, "--out", tmp_path / "run")
    assert " 1 epoch and " in charrnn("train", "--resume", tmp_path / "run", "--epochs", 1).err


@pytest.mark.parametrize(
    "blocked", ["best.damaged", "loss.png", ".best.safetensors.x.tmp", ".state.safetensors.x.tmp", "best.safetensors"]
)
def test_no_folder_under_a_name_of_the_runs_keeps_it_from_going_on(charrnn, book, tiny, tmp_path, blocked):
    run = tmp_path / "run"
    charrnn("train", book, *tiny, "--steps", 10, "--out", run)
    (run / "best.safetensors").write_bytes(b"damaged")
    (run / blocked).unlink(missing_ok=True)
    (run / blocked / "of the user's").mkdir(parents=True)
    result = charrnn("train", "--resume", run, "--steps", 20)
    assert result.status == 0, result.err
    assert load(run / "best.safetensors").header.figures.step > 0
    assert list(run.rglob("of the user's"))


def test_two_budgets_at_once_are_refused(charrnn, run):
    assert "the budget is given as" in charrnn("train", "--resume", run, "--steps", 999, "--minutes", 9).err


def test_nothing_to_train_on_is_wrong_usage(charrnn):
    result = charrnn("train")
    assert result.status == 2
    assert "Missing argument 'SOURCE...'" in result.err


def test_a_folder_that_is_no_run_cannot_be_resumed(charrnn, tmp_path):
    result = charrnn("train", "--resume", tmp_path)
    assert result.status == 1
    assert result.err.startswith("Error: ")


def test_a_run_in_the_folder_it_learns_from_can_go_on(charrnn, book, tiny, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "book.txt").write_bytes(book.read_bytes())
    assert charrnn("train", ".", *tiny, "--steps", 4, "--out", "runs/a").status == 0
    resumed = charrnn("train", "--resume", "runs/a")
    assert resumed.status == 0, resumed.err
    for source in (".", "**/*"):
        again = charrnn("train", source, *tiny, "--steps", 4, "--out", f"runs/{len(source)}", "--json")
        assert "folders of runs left out of" in again.err
        trained = load(tmp_path / "runs" / str(len(source)) / "best.safetensors").header.corpus
        assert trained.characters == len(book.read_text("utf-8"))
