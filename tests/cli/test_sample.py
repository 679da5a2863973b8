"""Sampling by the command line: exactly what was drawn, and the same each time."""

import json

import pytest


def test_a_model_that_knows_hello_by_heart_writes_it(charrnn, hello):
    result = charrnn("sample", hello, "--temperature", 0, "--prime", "h", "--length", 4)
    assert (result.status, result.out, result.err) == (0, "ello", "")


def test_the_output_has_exactly_the_length_asked_for(charrnn, run):
    for length in (0, 1, 100):
        assert len(charrnn("sample", run, "--length", length, "--seed", 1).out) == length


def test_the_same_seed_gives_the_same_bytes_in_a_pipe(process, charrnn, run):
    pipe = process("sample", run, "--length", 100, "--seed", 1)
    written, told = pipe.communicate(timeout=60)
    assert (pipe.returncode, told) == (0, b"")
    assert written == charrnn("sample", run, "--length", 100, "--seed", 1).out.encode()
    assert len(written.decode()) == 100


def test_without_a_seed_each_text_is_another(charrnn, run):
    assert charrnn("sample", run, "--length", 60).out != charrnn("sample", run, "--length", 60).out


def test_the_json_text_is_the_plain_text_of_its_seed(charrnn, run):
    options = [run, "--length", 80, "--temperature", 0.8, "--prime", "the "]
    report = json.loads(charrnn("sample", *options, "--count", 2, "--seed", 5, "--json").out)
    assert set(report) >= {"samples", "model", "temperature", "nats"}
    assert (report["model"], report["temperature"]) == (run, 0.8)
    assert [(s["prime"], s["seed"]) for s in report["samples"]] == [("the ", 5), ("the ", 6)]
    for sample in report["samples"]:
        assert sample["text"] == charrnn("sample", *options, "--seed", sample["seed"]).out
    assert 0 < report["nats"] < 10


def test_the_json_of_no_characters_has_no_nats(charrnn, run):
    report = json.loads(charrnn("sample", run, "--length", 0, "--json").out)
    assert report["nats"] is None
    assert report["samples"][0]["text"] == ""


def test_several_samples_are_separated_by_a_line_of_dashes(charrnn, run):
    alone = [charrnn("sample", run, "--length", 20, "--seed", seed).out for seed in (3, 4)]
    assert charrnn("sample", run, "--length", 20, "--seed", 3, "--count", 2).out == "\n---\n".join(alone)


def test_a_sample_ends_with_its_stop(charrnn, run):
    result = charrnn("sample", run, "--length", 500, "--seed", 1, "--stop", "\n", "--stop", "zzz")
    assert result.out.endswith("\n")
    assert result.out.count("\n") == 1


def test_a_prime_may_come_from_a_file_or_stdin(charrnn, run, tmp_path):
    (tmp_path / "prime.txt").write_text("the cat ")
    expected = charrnn("sample", run, "--length", 30, "--seed", 1, "--prime", "the cat ").out
    options = ["--length", 30, "--seed", 1, "--prime-file"]
    assert charrnn("sample", run, *options, tmp_path / "prime.txt").out == expected
    assert charrnn("sample", run, *options, "-", stdin=b"the cat ").out == expected


def test_an_unknown_prime_writes_nothing_and_is_told_by_name(charrnn, run):
    result = charrnn("sample", run, "--prime", "the Ж")
    assert (result.status, result.out) == (1, "")
    assert "'Ж' (U+0416)" in result.err


def test_unknown_characters_of_the_prime_can_be_skipped(charrnn, run):
    options = ["--length", 30, "--seed", 1]
    result = charrnn("sample", run, *options, "--prime", "theЖ", "--skip-unknown")
    assert result.out == charrnn("sample", run, *options, "--prime", "the").out
    assert result.err.startswith("Note: 1 characters of the prime")


def test_a_model_may_be_named_by_its_folder_or_its_file(charrnn, run):
    folder, file = (charrnn("sample", model, "--seed", 1).out for model in (run, f"{run}/best.safetensors"))
    assert folder == file


@pytest.mark.parametrize("encoding", ["utf-8", "ascii", "latin-1", "cp1252"])
def test_a_pipe_gets_utf_8_whatever_the_locale(process, charrnn, run, encoding):
    options = ["sample", run, "--length", 400, "--seed", 2, "--temperature", 3]
    expected = charrnn(*options).out
    assert {"é", "—"} <= set(expected)
    pipe = process(*options, PYTHONIOENCODING=encoding)
    assert pipe.communicate(timeout=60)[0].decode() == expected
