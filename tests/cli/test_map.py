"""`charrnn map`: pairs in, a model that answers, and what is told on the way."""

import json
import shutil
import subprocess
import sys

import pytest

TINY = ("--hidden-size=16", "--memory-size=16", "--embedding-size=8", "--attention-size=8", "--threads=1")


@pytest.fixture(scope="module")
def dates(charrnn, tmp_path_factory):
    """A folder of a few dates."""
    folder = tmp_path_factory.mktemp("map") / "dates"
    result = charrnn("map", "examples", "dates", "--count", 200, "-o", folder)
    assert (result.status, result.err) == (0, "")
    assert result.out == f"wrote {folder}: dates (train 160, val 20, test 20), columns english, iso, korean\n"
    return folder


@pytest.fixture(scope="module")
def model(charrnn, dates):
    """The run folder of a model that has seen them for a few steps."""
    out = dates.parent / "run"
    result = charrnn("map", "train", dates, "--source=english", "--target=iso", "--steps=4", *TINY, "--out", out)
    assert result.status == 0, result.err
    assert "lstm, bidirectional, soft attention" in result.err
    assert "── step 4" in result.err
    assert " → " in result.err
    assert result.out.startswith("finished after 4 steps")
    assert f"Next:  charrnn map apply {out} INPUT" in result.out
    return out


def test_an_input_a_file_and_stdin_are_answered_in_order(charrnn, model, tmp_path):
    one = charrnn("map", "apply", model, "Friday, 27 November 2026")
    lines = tmp_path / "inputs.txt"
    lines.write_text("Friday, 27 November 2026\n\nMonday, 1 May 1600\n", "utf-8")
    several = charrnn("map", "apply", model, lines)
    piped = charrnn("map", "apply", model, "-", stdin=lines.read_bytes())
    assert one.status == several.status == piped.status == 0
    assert several.out == piped.out
    assert len(several.out.splitlines()) == 2
    assert several.out.startswith(one.out)


def test_answers_are_drawn_by_the_seed(charrnn, model):
    drawn = [
        charrnn("map", "apply", model, "Monday, 1 May 1600", "--count=4", "--seed", seed, "--json").out
        for seed in (1, 1, 2)
    ]
    assert drawn[0] == drawn[1] != drawn[2]
    assert len(json.loads(drawn[0])["inputs"][0]["answers"]) == 4


def test_a_score_names_what_stands_beside_it(charrnn, model, dates):
    result = charrnn("map", "score", model, dates, "--part=val")
    assert result.status == 0, result.err
    for words in (
        "exact (greedy)",
        "most similar training input",
        "distinct answers",
        "inputs shuffled",
        "the place looked at hidden",
    ):
        assert words in result.out
    assert all(len(line) <= 80 for line in result.out.splitlines()[:-1])
    told = json.loads(charrnn("map", "score", model, dates, "--part=val", "--json").out)
    assert told["examples"] == 20
    assert told["ignores_input"] is True  # after four steps
    assert told["verdict"].startswith("The model ignores its input")


@pytest.mark.parametrize("form", ["html", "svg", "png", "json", "txt"])
def test_where_it_looks_is_drawn_in_every_format(charrnn, model, tmp_path, form):
    path = tmp_path / f"look.{form}"
    result = charrnn("map", "attend", model, "Monday, 1 May 1600", "-o", path)
    assert (result.status, result.out) == (0, f"wrote {path}\n")
    begins = {"html": b"<!doctype html>", "svg": b"<svg", "png": b"\x89PNG", "json": b'{"model"', "txt": b"Where "}
    assert path.read_bytes().startswith(begins[form])
    if form == "json":
        told = json.loads(path.read_bytes())
        assert len(told["weights"]) == len(told["symbols"])
        assert all(len(row) == len("Monday, 1 May 1600") for row in told["weights"])


def test_pointing_at_a_symbol_of_the_answer_colours_the_input(charrnn, model, tmp_path, open_page):
    path = tmp_path / "look.html"
    charrnn("map", "attend", model, "Monday, 1 May 1600", "-o", path)
    page = open_page(path)
    rest, first = page.locator(".seen.rest"), page.locator(".step").first
    assert rest.is_visible()
    assert not first.locator(".seen").is_visible()
    first.locator("b").first.hover()
    assert first.locator(".seen").is_visible()
    assert first.locator(".seen").inner_text() == "Monday, 1 May 1600"


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["apply", "MODEL", "Ä"], "the model has never seen 1 character: 'Ä'; leave it out, or train on examples"),
        (["apply", "MODEL", ""], "an input is empty; give at least one character"),
        (["apply", "MODEL", "M" * 500], "an input has 500 characters; give at most 400"),
        (["apply", "MODEL", "M", "--count=2", "--temperature=-1"], "temperature is -1.0; give a value from 0 to"),
        (["apply", "tolstoy", "M"], "is a model of another kind; it writes without an input: 'charrnn sample' and"),
        (["train", "DATES", "--source=english", "--target=french"], "train.tsv has no column french; choose"),
        (["train", "DATES", "--source=english", "--target=iso", "--memory-size=3"], "memory_size is 3; give an even"),
        (["train", "DATES", "--source=english", "--target=iso", "--out", "MODEL"], "holds a run already; name another"),
        (["train", "nowhere.tsv"], "there is no file "),
        (["train", "--resume", "MODEL"], "has used up its budget; start a new one for longer"),
        (["train", "--resume", "DATES"], "holds no state.safetensors; give a run folder made by 'charrnn map train'"),
        (["score", "MODEL", "DATES", "--target=nothing"], "train.tsv has no column nothing; choose"),
    ],
)
def test_what_is_wrong_is_told_in_one_line(charrnn, model, dates, arguments, says):
    named = {"MODEL": model, "DATES": dates}
    result = charrnn("map", *(named.get(word, word) for word in arguments))
    assert (result.status, result.out) == (1, "")
    assert says in result.err
    assert [line.startswith("Error: ") for line in result.err.splitlines()] == [True]


def test_a_stranger_s_pth_is_never_loaded(charrnn, tmp_path):
    path = tmp_path / "model.pth"
    path.write_bytes(b"PK\3\4" + b"pickle")
    result = charrnn("map", "apply", path, "x")
    assert result.status == 1
    assert "cannot be read as a checkpoint (it is a zip archive, as torch.save makes it)" in result.err


def test_the_commands_about_runs_know_such_a_run(charrnn, model):
    info, history, compared, checked = (
        charrnn(*command, model) for command in (["info"], ["history"], ["compare"], ["doctor"])
    )
    assert [result.status for result in (info, history, compared, checked)] == [0, 0, 0, 0]
    assert "english to iso (train 160, val 20, test 20)" in info.out
    assert history.out.startswith("run: lstm, bidirectional, soft attention 1×16")
    assert " → " in history.out
    assert "damaged" not in checked.out


def test_doctor_finds_what_is_damaged_in_such_a_run(charrnn, model, tmp_path):
    shutil.copytree(model, tmp_path / "run")
    for name in ("best.safetensors", "state.safetensors"):
        path = tmp_path / "run" / name
        path.write_bytes(path.read_bytes()[:-1] + b"?")
    result = charrnn("doctor", tmp_path / "run")
    assert result.status == 1
    assert "best.safetensors is damaged" in result.out
    assert "state.safetensors is damaged" in result.out


@pytest.mark.parametrize(("command", "rest"), [("sample", []), ("score", ["BOOK"])])
def test_other_commands_say_which_commands_read_such_a_model(charrnn, model, book, command, rest):
    result = charrnn(command, model, *[book if word == "BOOK" else word for word in rest])
    assert result.status == 1
    assert "is a model of another kind; it answers inputs: 'charrnn map apply'" in result.err


def test_resume_takes_no_other_choice(charrnn, model):
    result = charrnn("map", "train", "--resume", model, "--hidden-size=3")
    assert result.status == 2
    assert "hidden_size cannot be chosen again with --resume; leave it out." in result.err


def test_answering_needs_no_torch(process, model):
    code = "import sys; from charrnn import api; print(list(api.map.load(sys.argv[1]).apply(['Monday'])));"
    code += "assert 'torch' not in sys.modules"
    done = subprocess.run([sys.executable, "-c", code, str(model)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
