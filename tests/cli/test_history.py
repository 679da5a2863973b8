"""`charrnn history`: what a run's folder tells, to a person and to a script."""

import json
import shutil
from pathlib import Path

import pytest

from charrnn.api.run import stages
from charrnn.training.history import Sample


def test_a_person_sees_table_curve_and_samples_in_80_columns(charrnn, run):
    result = charrnn("history", run)
    assert (result.status, result.err) == (0, "")
    assert "\x1b" not in result.out
    head, *_ = result.out.split("\n── step ")
    assert max(map(len, head.splitlines())) <= 80
    assert "lstm 1×16" in head
    assert "100 % of its 30 steps used" in head
    assert "X best" in head
    assert result.out.count("── step ") == 3
    assert "% verbatim (real text " in result.out


def test_a_script_gets_one_object_with_all_lines(charrnn, run):
    told = json.loads(charrnn("history", run, "--json").out)
    assert told["run"] == str(run)
    assert told["log"] == [json.loads(line) for line in (Path(run) / "log.jsonl").read_text().splitlines()]
    assert told["samples"] == [json.loads(line) for line in (Path(run) / "samples.jsonl").read_text().splitlines()]
    assert told["settings"]["hidden_size"] == 16
    assert told["settings"]["steps"] == 30
    assert (told["budget_used"], told["overfitting"]) == (1.0, None)


def test_a_run_that_has_only_a_log_yet_can_be_watched(charrnn, run, tmp_path):
    shutil.copy(Path(run) / "log.jsonl", tmp_path)
    with (tmp_path / "log.jsonl").open("a") as file:
        file.write('{"step": 4')  # being written
    result = charrnn("history", tmp_path)
    assert (result.status, result.err) == (0, "")
    assert "no checkpoint yet" in result.out
    assert json.loads(charrnn("history", tmp_path, "--json").out)["settings"] == {}


def test_a_sample_cannot_drive_the_terminal(charrnn, run, tmp_path):
    shutil.copy(Path(run) / "log.jsonl", tmp_path)
    (tmp_path / "samples.jsonl").write_text(json.dumps({"step": 1, "text": "\x1b]0;title\x07[red]x[/red]"}))
    result = charrnn("history", tmp_path)
    assert "␛]0;title␇[red]x[/red]" in result.out


def test_a_run_that_overfits_is_told_so(charrnn, run, tmp_path):
    line = json.loads((Path(run) / "log.jsonl").read_text().splitlines()[0])
    log = [{**line, "step": n, "train_nats": 3 / n, "val_nats": 2 + abs(n - 2) / 10} for n in range(1, 9)]
    (tmp_path / "log.jsonl").write_text("".join(json.dumps(each) + "\n" for each in log))
    assert "Note: the run overfits: since step 2 val rose from 2.000 to 2.600" in charrnn("history", tmp_path).err
    assert json.loads(charrnn("history", tmp_path, "--json").out)["overfitting"]["best_step"] == 2


def test_a_run_is_told_at_its_end_that_it_overfits(charrnn, tiny, tmp_path, book):
    text = book.read_text("utf-8")
    (tmp_path / "text.txt").write_text(text[:200] + text[:100].swapcase(), "utf-8")
    options = ["--steps", 60, "--sample-every", 10, "--learning-rate", 0.03, "--dropout", 0, "--val-fraction", 0.3]
    result = charrnn("train", tmp_path / "text.txt", *tiny, *options, "--out", tmp_path / "run", "--json")
    told = json.loads(result.out)["overfitting"]
    assert "Note: the run overfits: since step " in result.err
    assert told["val_nats"] > told["best_val_nats"]
    assert told["train_nats"] < told["best_train_nats"]


def test_a_folder_that_is_no_run_is_an_error(charrnn, tmp_path):
    result = charrnn("history", tmp_path)
    assert result.status == 1
    assert result.err == f"Error: {tmp_path} holds no log.jsonl of a run; give a run folder made by 'charrnn train'\n"


@pytest.mark.parametrize("count", [1, 3, 5, 6, 40])
def test_stages_go_from_the_first_sample_to_the_last(count):
    samples = [Sample(10 * (n + 1), "x") for n in range(count)]
    shown = stages(samples, 5)
    assert min(count, 4) <= len(shown) <= 5
    assert (shown[0], shown[-1]) == (samples[0], samples[-1])
    assert [sample.step for sample in shown] == sorted(sample.step for sample in shown)
