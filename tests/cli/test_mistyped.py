"""A name that is nearly one that is known: the error asks whether that was meant."""

import pytest

import charrnn as library
from charrnn.errors import ConfigError


@pytest.fixture
def runs(run, tmp_path, monkeypatch):
    """A current folder with a run among its checkpoints, and a text."""
    (tmp_path / "checkpoints").mkdir()
    (tmp_path / "checkpoints" / "lic-lstm").symlink_to(run)
    (tmp_path / "licence.txt").write_text("a few words\n" * 300)
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize(
    ("arguments", "meant"),
    [
        (["sample", "tolstoi"], "there is no model tolstoi; did you mean tolstoy? Else give a checkpoint file"),
        (["sample", "Tolstoy"], "there is no model Tolstoy; did you mean tolstoy? Else"),
        (["sample", "lic-lsm"], "there is no model lic-lsm; did you mean checkpoints/lic-lstm? Else"),
        (["info", "checkpoints/lic-lsm"], "did you mean checkpoints/lic-lstm? Else"),
        (["history", "lic-lsm"], "there is no folder lic-lsm; did you mean checkpoints/lic-lstm? Else"),
        (["compare", "checkpoints/lic"], "there is no folder checkpoints/lic; give a run folder"),
        (["train", "pyhton"], "there is no file pyhton; did you mean python? Else check the path"),
        (["train", "license.txt"], "there is no file license.txt; did you mean licence.txt? Else"),
        (["corpus", "get", "Shakespear"], "there is no corpus named Shakespear; did you mean shakespeare? Else"),
        (["neurons", "show", "lic-lstm", "licence.txt", "--feature", "line_positon"], "did you mean line_position"),
        (["neurons", "show", "lic-lstm", "licence.txt", "--unit", "0:0", "--signal", "tanhc"], "did you mean tanh_c?"),
        (["neurons", "compare", "checkpoints/no", "licence.txt", "--feature", "line_position"], "there is no folder"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_a_mistyped_name_is_asked_about(charrnn, runs, arguments, meant):
    result = charrnn(*arguments)
    assert result.status == 1
    assert meant in result.err
    assert result.err.count("\n") == 1


@pytest.mark.parametrize("arguments", [["sample", "--length", 3], ["info"], ["history"], ["compare"]], ids=str)
def test_a_run_is_found_by_its_name_among_the_checkpoints(charrnn, runs, arguments):
    command, *options = arguments
    assert charrnn(command, "lic-lstm", *options).status == 0


def test_what_lies_in_the_current_folder_comes_before_a_run_of_that_name(charrnn, runs, tmp_path):
    (tmp_path / "lic-lstm").mkdir()
    assert "holds no" in charrnn("history", "lic-lstm").err


def test_a_run_folder_that_is_a_file_is_refused_before_training(charrnn, runs):
    result = charrnn("train", "licence.txt", "--steps", 1, "--out", "licence.txt")
    assert "licence.txt is a file; name a folder" in result.err
    assert result.status == 1


def test_a_mistyped_option_of_the_library_is_asked_about():
    with pytest.raises(ConfigError, match="there is no option hiden_size; did you mean hidden_size"):
        library.train("words " * 99, hiden_size=3)
