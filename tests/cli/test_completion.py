"""What a shell that asks gets to complete a word."""

from dataclasses import replace
from pathlib import Path

import pytest
from click.shell_completion import ShellComplete

import charrnn as library
from charrnn.cli.main import cli
from charrnn.model.checkpoint import save
from charrnn.model.known import KnownUnit

QUOTES = KnownUnit("inside_quotes", "0:3", "h", 1, "AUC", 0.998, "book", "val")


def completed(*words):
    """What is offered for the last word, and whether files are, too."""
    *before, last = map(str, words)
    found = ShellComplete(cli, {}, "charrnn", "_CHARRNN_COMPLETE").get_completions(before, last)
    return [each.value for each in found if each.type == "plain"], any(each.type == "file" for each in found)


def test_a_command_and_its_options():
    assert completed("tra") == (["train"], False)
    assert "--hidden-size" in completed("train", "--hid")[0]


@pytest.mark.parametrize("command", [("sample",), ("score",), ("show",), ("neurons", "find"), ("info",)])
def test_a_model_is_a_shipped_one_a_run_or_a_file(command, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("checkpoints/mine").mkdir(parents=True)
    assert completed(*command, "") == (["shakespeare", "tolstoy", "kernel", "checkpoints/mine"], True)
    assert completed(*command, "tol") == (["tolstoy"], True)


@pytest.mark.parametrize("command", [("train",), ("corpus", "stats"), ("score", "tolstoy"), ("show", "kernel")])
def test_a_text_is_a_named_one_or_a_file(command):
    assert completed(*command, "sha") == (["shakespeare"], True)


@pytest.mark.parametrize("command", ["find", "show"])
def test_a_feature(command):
    assert completed("neurons", command, "tolstoy", "x.txt", "--feature", "inside_q") == (["inside_quotes"], False)


def test_a_known_unit_of_the_model_that_is_named(knowing, tmp_path):
    for command in (("show",), ("neurons", "ablate"), ("neurons", "grep")):
        assert completed(*command, knowing, "x.txt", "--unit", "") == (["inside_quotes"], False)
    assert completed("sample", knowing, "--unit", "") == (["inside_quotes"], False)
    assert completed("neurons", "show", tmp_path / "none", "x.txt", "--unit", "") == ([], False)


def test_a_strangers_name_is_not_put_into_a_line_that_a_shell_runs(run, tmp_path, monkeypatch):
    whole, path = library.load(run).checkpoint, tmp_path / "model.safetensors"
    names = ("$(touch x)", "`x`", "a b", "a\nplain,b", "quotes;x", "good_name")
    known = tuple(replace(QUOTES, feature=name) for name in names)
    save(replace(whole, header=replace(whole.header, known_units=known)), path)
    assert completed("neurons", "show", path, "x.txt", "--unit", "") == (["good_name"], False)
    monkeypatch.chdir(tmp_path)
    Path("checkpoints/$(touch x)").mkdir(parents=True)
    assert completed("sample", "checkpoints/") == ([], True)
