"""`charrnn export`: a file for other programs, and what is refused."""

import json

import pytest

import charrnn as library


def test_the_file_is_what_the_call_writes_and_is_told(charrnn, run, tmp_path):
    result = charrnn("export", run, "-o", tmp_path / "model.json")
    assert result.status == 0, result.err
    exported = library.load(run).export(tmp_path / "again.json")
    assert (tmp_path / "model.json").read_bytes() == (tmp_path / "again.json").read_bytes()
    assert result.out == f"{exported}\n".replace("again.json", "model.json")
    document = json.loads((tmp_path / "model.json").read_text("utf-8"))
    assert document["weights"]["readout.weight"]["type"] == "float32"
    assert exported.to_dict()["bytes"] == (tmp_path / "again.json").stat().st_size


def test_a_number_format_can_be_asked_for(charrnn, run, tmp_path):
    charrnn("export", run, "-o", tmp_path / "model.json", "--number", "int8")
    weights = json.loads((tmp_path / "model.json").read_text("utf-8"))["weights"]
    assert {each["type"] for each in weights.values() if len(each["shape"]) == 2} == {"int8"}


def test_a_name_of_neither_format_is_refused(charrnn, run, tmp_path):
    result = charrnn("export", run, "-o", tmp_path / "model.pt")
    assert (result.status, result.out) == (2, "")
    assert "should end in .json or .onnx" in result.err
    with pytest.raises(library.errors.ConfigError, match=r"ends in neither \.json nor \.onnx"):
        library.load(run).export(tmp_path / "model.pt")
    assert not list(tmp_path.iterdir())


def test_without_the_package_onnx_it_is_asked_for(charrnn, run, tmp_path, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "onnx", None)
    result = charrnn("export", run, "-o", tmp_path / "model.onnx")
    assert result.status == 1
    assert "ONNX needs the package onnx; install it: pip install onnx" in result.err
    assert not list(tmp_path.iterdir())
