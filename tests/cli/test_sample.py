"""Sampling by the command line: exactly what was drawn, and the same each time."""

import json

import pytest

from charrnn.cli import writing


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
    for typed in (b"the cat ", b"the cat \n"):  # as echo ends it
        assert charrnn("sample", run, *options, "-", stdin=typed).out == expected


def test_an_unknown_prime_writes_nothing_and_is_told_by_name(charrnn, run):
    result = charrnn("sample", run, "--prime", "the Ж")
    assert (result.status, result.out) == (1, "")
    assert "'Ж' (U+0416)" in result.err


def test_unknown_characters_of_the_prime_can_be_skipped(charrnn, run):
    options = ["--length", 30, "--seed", 1]
    result = charrnn("sample", run, *options, "--prime", "theЖ", "--skip-unknown")
    assert result.out == charrnn("sample", run, *options, "--prime", "the").out
    assert result.err.startswith("Note: left out: 1 character of the prime")


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


@pytest.mark.parametrize("count", [3, 20])
def test_each_of_many_samples_is_what_its_seed_gives_alone(charrnn, run, count):
    options = ["sample", run, "--length", 50, "--precision", "float32", "--json"]
    many = json.loads(charrnn(*options, "--seed", 4, "--count", count).out)["samples"]
    assert [sample["seed"] for sample in many] == [*range(4, 4 + count)]
    for sample in (many[0], many[-1]):
        assert [sample] == json.loads(charrnn(*options, "--seed", sample["seed"]).out)["samples"]


def test_many_samples_end_with_their_stops(charrnn, run):
    texts = charrnn("sample", run, "--length", 300, "--count", 16, "--seed", 1, "--stop", "\n").out.split("\n---\n")
    assert len(texts) == 16
    assert all(text.find("\n") in (-1, len(text) - 1) for text in texts)


def test_without_a_prime_a_text_begins_as_lines_of_the_training_text_do(charrnn, run, book):
    report = json.loads(charrnn("sample", run, "--length", 1, "--count", 15, "--json").out)
    beginnings = {line[0] for line in book.read_text("utf-8").splitlines()}
    assert {sample["text"] for sample in report["samples"]} <= beginnings


def test_nats_of_every_character_are_told_on_request(charrnn, run):
    options = ["sample", run, "--length", 40, "--seed", 1, "--json"]
    plain, told = (json.loads(charrnn(*options, *more).out) for more in ([], ["--nats"]))
    nats = told["samples"][0].pop("nats")
    assert told == plain
    assert len(nats) == 40
    assert sum(nats) / 40 == pytest.approx(plain["nats"])


def test_a_clamped_unit_changes_the_text_and_another_value_changes_it_again(charrnn, run):
    options = ["sample", run, "--length", 200, "--seed", 1]
    texts = {charrnn(*options, *more).out for more in ([], ["--clamp", "0:3=1"], ["--clamp", "0:3=-1"])}
    assert len(texts) == 3


def test_color_and_alternatives_leave_the_text_as_it_is(charrnn, run):
    options = ["sample", run, "--length", 100, "--seed", 1]
    plain = charrnn(*options).out
    assert charrnn(*options, "--color", "surprisal").out == plain
    assert charrnn(*options, "--color", "0:3").out == plain
    assert json.loads(charrnn(*options, "--alternatives", "--json").out)["samples"][0]["text"] == plain


def test_alternatives_stand_under_each_character(charrnn, run):
    options = ["sample", run, "--length", 30, "--seed", 1, "--temperature", 0]
    text = charrnn(*options).out.replace("\n", "↵").replace(" ", "␣")
    shown = charrnn(*options, "--alternatives").out.splitlines()
    assert shown[0] == "Under each character: the likeliest in its place."
    rows = [row for row in text.replace("␣", " ").replace("↵", "↵\n").splitlines() if row]
    assert shown[1::6] == rows
    assert "".join(shown[2::6]) == text


def test_color_paints_a_terminal(charrnn, run):
    options = ["sample", run, "--length", 30, "--seed", 1, "--color", "surprisal"]
    painted = charrnn(*options, FORCE_COLOR="1", COLORTERM="truecolor", TERM="xterm").out
    assert "\x1b[" in painted
    assert "surprisal in nats" in painted


@pytest.mark.parametrize(("color", "scale"), [("0:3", "tanh(c) of unit 0:3"), ("surprisal", "surprisal in nats")])
def test_the_legend_of_a_clamped_sample_says_what_is_coloured_and_what_is_clamped(charrnn, run, color, scale):
    options = ["sample", run, "--length", 30, "--color", color, "--clamp", "0:3=0.9", "--clamp", "0:5=-1"]
    shown = charrnn(*options, FORCE_COLOR="1", COLORTERM="truecolor", TERM="xterm").out
    assert f"{scale}; clamped: h of 0:3 = 0.9, h of 0:5 = -1" in shown


def test_a_beam_draws_nothing_and_of_1_is_greedy(charrnn, run):
    options = ["sample", run, "--length", 30, "--prime", "the "]
    assert charrnn(*options, "--beam", 1).out == charrnn(*options, "--temperature", 0).out
    assert charrnn(*options, "--beam", 5).out == charrnn(*options, "--beam", 5).out
    for nothing_drawn in (("--beam", 2), ("--temperature", 0)):
        assert json.loads(charrnn(*options, *nothing_drawn, "--json").out)["samples"][0]["seed"] is None


@pytest.mark.parametrize(
    "options",
    [
        ["--beam", 2, "--temperature", 0.5],
        ["--beam", 2, "--count", 2],
        ["--nats"],
        ["--interactive", "--json"],
        ["--json", "--color", "surprisal"],
        ["--prime", "a", "--prime-file", "b"],
        ["-t", "0.5,hot"],
        ["--interactive", "-t", "0.5,1"],
        ["--slow", 5, "--json"],
    ],
)
def test_options_that_contradict_each_other_are_wrong_usage(charrnn, run, options):
    assert charrnn("sample", run, *options).status == 2


@pytest.mark.parametrize(
    ("options", "cause"),
    [
        (["--clamp", "0:3"], "holds no unit"),
        (["--clamp", "0:3=high"], "holds no unit"),
        (["--clamp", "0:99=1"], "index is 99"),
        (["--clamp", "0:3=1.5"], "value of unit 0:3 is 1.5"),
        (["--clamp", "0:3=nan"], "value of unit 0:3 is nan"),
        (["--color", "red"], "color is 'red'"),
        (["--color", "7:0"], "layer is 7"),
    ],
)
def test_a_unit_that_is_not_there_is_named(charrnn, run, options, cause):
    result = charrnn("sample", run, *options)
    assert (result.status, result.out) == (1, "")
    assert cause in result.err


def test_primes_and_temperatures_are_written_one_after_the_other_from_the_same_seeds(charrnn, run):
    options = ["sample", run, "-n", 30, "--seed", 3, "--count", 2]
    alone = [charrnn(*options, "-p", p, "-t", t).out for p in ("the ", "a ") for t in (0.5, 1)]
    assert len(set(alone)) == 4
    together = charrnn(*options, "-p", "the ", "-p", "a ", "-t", "0.5,1")
    assert together.out == "\n---\n".join(alone)
    report = json.loads(charrnn(*options, "-p", "the ", "-p", "a ", "-t", "0.5,1", "--json").out)
    told = [(each["prime"], each["temperature"], each["seed"]) for each in report["samples"]]
    assert told == [(p, t, seed) for p in ("the ", "a ") for t in (0.5, 1) for seed in (3, 4)]
    assert report["temperature"] is None
    assert "\n---\n".join(each["text"] for each in report["samples"]) == together.out


def test_each_prime_and_temperature_gets_a_file_named_after_it(charrnn, run, tmp_path):
    options = ["sample", run, "-n", 20, "--seed", 3]
    result = charrnn(*options, "-p", "the cat", "-p", "—", "-t", "0.5,1", "-o", tmp_path / "out.txt")
    names = ["out-1-the-cat-t0.5.txt", "out-1-the-cat-t1.txt", "out-2-t0.5.txt", "out-2-t1.txt"]
    assert result.out.splitlines() == [f"wrote {tmp_path / name}" for name in names]
    assert sorted(path.name for path in tmp_path.iterdir()) == names
    assert (tmp_path / names[1]).read_text("utf-8") == charrnn(*options, "-p", "the cat").out


def test_a_file_that_cannot_be_made_is_told_before_anything_is_written(charrnn, run, tmp_path):
    (tmp_path / "out-t1.txt").mkdir()
    result = charrnn("sample", run, "-n", 20, "-t", "0.5,1", "-o", tmp_path / "out.txt")
    assert (result.status, result.out) == (1, "")
    assert "out-t1.txt is a folder" in result.err
    assert len(list(tmp_path.iterdir())) == 1


def test_a_known_unit_is_held_and_coloured_by_its_name(charrnn, knowing):
    options = ["sample", knowing, "--length", 60, "--seed", 1]
    held = charrnn(*options, "--clamp", "quotes=1").out
    assert held == charrnn(*options, "--clamp", "0:3=1").out != charrnn(*options).out
    shown = charrnn(*options, "--unit", "quotes", FORCE_COLOR="1", COLORTERM="truecolor", TERM="xterm").out
    assert "tanh(c) of unit 0:3" in shown
    assert charrnn(*options, "--unit", "0:3").out == charrnn(*options).out


@pytest.mark.parametrize(("option", "value"), [("--unit", "commas"), ("--clamp", "commas=1")])
def test_an_unknown_name_lists_the_known_ones(charrnn, knowing, option, value):
    result = charrnn("sample", knowing, option, value)
    assert (result.status, result.out) == (1, "")
    assert "or a known unit: inside_quotes" in result.err


def test_slow_writing_is_the_same_text(charrnn, run):
    options = ["sample", run, "--length", 20, "--seed", 1]
    assert charrnn(*options, "--slow", 10_000).out == charrnn(*options).out


def test_paced_characters_come_at_their_rate(monkeypatch):
    clock = [0.0]
    monkeypatch.setattr(writing, "monotonic", lambda: clock[0])
    monkeypatch.setattr(writing, "sleep", lambda seconds: clock.__setitem__(0, clock[0] + seconds))
    seen = [clock[0] for _ in writing.paced(iter("abcdefghijk"), 10)]
    assert seen == pytest.approx([0.1 * n for n in range(11)])
