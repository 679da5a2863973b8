"""`charrnn compare`: what differs between runs, what is best, and what must not be compared."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from charrnn.model.checkpoint import load, save


@pytest.fixture(scope="module")
def other(train):
    return train("--steps", 20, "--sample-every", 5, "--learning-rate", 0.02, "--dropout", 0)


def starred(out, number):
    """The starred figures of the run of a number, whose name stands in one line and whose figures in another."""
    [_, row] = [line for line in out.splitlines() if line.startswith(f"{number} ")]
    return [cell for cell in row.split() if cell.endswith("*")]


def test_only_what_differs_is_shown(charrnn, run, other):
    told = json.loads(charrnn("compare", run, other, "--json").out)
    assert set(told["settings"]) == {"dropout", "learning_rate", "steps", "sample_every"}
    assert told["settings"]["steps"] == [30, 20]
    assert told["comparable"]


def test_the_figures_are_those_of_the_report(charrnn, trained, run, other):
    report = json.loads(trained.out)
    [told, _] = json.loads(charrnn("compare", run, other, "--json").out)["runs"]
    assert told["run"] == str(run)
    for name in ("val_nats", "val_bits", "test_nats", "parameters", "steps", "seconds"):
        assert told[name] == report[name], name
    assert told["chars_per_second"] == pytest.approx(report["chars_per_second"], rel=0.01)


def test_the_best_losses_have_a_star(charrnn, run, other):
    result = charrnn("compare", run, other)
    assert result.err == ""
    assert max(map(len, result.out.splitlines())) <= 80
    runs = json.loads(charrnn("compare", run, other, "--json").out)["runs"]
    for name, mine, its in (("1", *runs), ("2", *reversed(runs))):
        best = [f"{mine[loss]:.3f}*" for loss in ("val_nats", "test_nats") if mine[loss] < its[loss]]
        assert [cell for cell in starred(result.out, name) if "." in cell] == best


def test_runs_of_the_same_name_are_told_apart(charrnn, other, tmp_path):
    shutil.copytree(other, tmp_path / "other")
    told = charrnn("compare", other, tmp_path / "other").out
    assert told.startswith(f"1  {other}\n2  {tmp_path / 'other'}\n")
    assert "All settings are the same." in told


@pytest.mark.parametrize("differ", ["texts", "splits"])
def test_losses_on_different_characters_are_not_compared_silently(charrnn, train, other, tmp_path, book, differ):
    (tmp_path / "poem.txt").write_text(book.read_text("utf-8")[::-1], "utf-8")
    options = {"texts": ["--steps", 2], "splits": ["--steps", 2, "--val-fraction", 0.1]}[differ]
    changed = train(*options, source=tmp_path / "poem.txt" if differ == "texts" else book)
    result = charrnn("compare", other, changed)
    assert f"Note: the runs' {differ} differ" in result.err
    assert "cannot be compared" in result.err
    assert result.out.count("*") == 1  # of the speed
    assert not json.loads(charrnn("compare", other, changed, "--json").out)["comparable"]


def test_a_run_that_has_only_a_log_yet_is_compared_as_far_as_it_goes(charrnn, other, tmp_path):
    (tmp_path / "young").mkdir()
    shutil.copy(other / "log.jsonl", tmp_path / "young")
    result = charrnn("compare", other, tmp_path / "young", "--output", tmp_path / "runs.png")
    assert result.status == 0
    assert "Note: the text of young is not known before the first checkpoint" in result.err
    young = json.loads(charrnn("compare", tmp_path / "young", "--json").out)["runs"][0]
    assert (young["val_nats"], young["parameters"], young["chars_per_second"], young["steps"]) == (None, None, None, 20)


def test_the_picture_is_a_png(charrnn, run, other, tmp_path):
    result = charrnn("compare", run, other, "-o", tmp_path / "runs.png")
    assert (result.status, result.err) == (0, f"Note: drew {tmp_path}/runs.png\n")
    assert (tmp_path / "runs.png").read_bytes().startswith(b"\x89PNG")


def test_a_folder_that_is_no_run_is_an_error(charrnn, run, tmp_path):
    assert charrnn("compare", run, tmp_path).status == 1
    assert charrnn("compare").status == 2
    assert Path(run).exists()


@pytest.fixture(scope="module")
def folding(train):
    """A run over the same text with its rare characters folded into one."""
    return train("--steps", 20, "--min-count", 100)


def test_a_loss_is_what_scoring_charges_whatever_is_folded(charrnn, folding, book):
    logged = [json.loads(line) for line in (Path(folding) / "log.jsonl").read_text().splitlines()][-1]
    figures = load(Path(folding) / "best.safetensors").header.figures
    for part, nats in (("val", figures.val_nats), ("test", figures.test_nats)):
        scored = json.loads(charrnn("score", folding, book, "--part", part, "--json").out)
        assert scored["unknown"] > 0
        assert scored["nats_per_character"] == pytest.approx(nats, abs=1e-6)
    assert logged["val_nats"] == pytest.approx(figures.val_nats, abs=1e-4)


def test_a_run_that_left_folded_characters_out_is_not_compared(charrnn, other, folding, tmp_path):
    old = tmp_path / "old"
    shutil.copytree(folding, old)
    best = load(old / "best.safetensors")
    corpus = replace(best.header.corpus, charges_folded=False)
    save(replace(best, header=replace(best.header, corpus=corpus)), old / "best.safetensors")
    assert json.loads(charrnn("compare", other, folding, "--json").out)["comparable"]
    told = charrnn("compare", other, old, "--json")
    assert json.loads(told.out)["why_not"] == ["an older charrnn left out what the rare characters cost in old"]
