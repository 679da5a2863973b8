"""Finding and proving neurons by the command line: what is told, on which text, and as which keys."""

import json

import numpy as np
import pytest

import charrnn as library
from charrnn.api.passage import beginning
from charrnn.api.steer import Measured, _by_itself
from charrnn.model.units import Unit
from charrnn.neurons.features import FEATURES

KEYS = {
    "feature",
    "kind",
    "unit",
    "signal",
    "score",
    "metric",
    "low",
    "high",
    "p_value",
    "surface_score",
    "layer_score",
    "verdict",
}


@pytest.fixture(scope="session")
def long_book(book, tmp_path_factory):
    path = tmp_path_factory.mktemp("texts") / "long.txt"
    path.write_text(2 * book.read_text("utf-8"), "utf-8")
    return path


@pytest.fixture
def told(charrnn, run):
    def told(command, *arguments):
        result = charrnn("neurons", command, run, *arguments, "--json")
        assert result.status == 0, result.err
        return json.loads(result.out)

    return told


def test_features_lists_each_with_a_sentence(charrnn):
    lines = charrnn("neurons", "features").out.splitlines()
    assert [line.split()[0] for line in lines] == list(FEATURES)
    assert all(len(line.split()) > 3 and len(line) <= 100 for line in lines)
    listed = json.loads(charrnn("neurons", "features", "--json").out)["features"]
    assert [each["feature"] for each in listed] == list(FEATURES)


def test_find_tells_for_each_feature_what_scripts_read(told, long_book):
    found = told("find", long_book, "--feature", "inside_quotes", "--feature", "line_position", "--regex", "the=the")
    assert [each["feature"] for each in found["features"]] == ["inside_quotes", "line_position", "the"]
    assert [each["kind"] for each in found["features"]] == ["binary", "continuous", "binary"]
    for each in found["features"]:
        assert set(each) >= KEYS
        layer, index = map(int, each["unit"].split(":"))
        assert layer == 0 <= index < 16
        assert each["low"] <= each["high"]
        assert 0 < each["p_value"] <= 1
    characters = len(long_book.read_text("utf-8"))
    stretches = found["stretches"]
    assert [each["half"] for each in stretches] == ["discover", "report"] * (len(stretches) // 2)
    assert (stretches[0]["start"], stretches[-1]["end"]) == (0, characters)
    assert found["discover"] == {"start": 0, "end": stretches[-2]["end"]}
    assert found["report"] == {"start": stretches[1]["start"], "end": characters}


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--regex", "the=the", "--regex", "the=a"], "the has two definitions; give each a name of its own"),
        (["--regex", "line_position=the"], "there is a feature line_position already; choose another name"),
        (["--regex", "the"], "'the' defines no feature; write NAME=PATTERN"),
        (["--feature", "line_position", "--signals", ""], "signal is ''; choose one of h, c, tanh_c"),
    ],
)
def test_find_refuses_what_two_things_would_be_called_or_nothing(charrnn, run, long_book, arguments, says):
    result = charrnn("neurons", "find", run, long_book, *arguments)
    assert (result.status, result.out) == (1, "")
    assert says in result.err.splitlines()[-1]


def test_a_feature_of_ones_own_can_be_shown_proved_and_compared_by_the_same_words(charrnn, told, run, long_book):
    same = ["--regex", "the=the", "--feature", "the=the"]
    assert [each["feature"] for each in told("find", long_book, *same[:2])["features"]] == ["the"]
    assert [each["feature"] for each in told("find", long_book, *same[2:])["features"]] == ["the"]
    assert {"inside", "outside", "closing"} <= set(told("ablate", long_book, "--unit=0:3", *same[2:])["effects"])
    assert "follows the=the best" in charrnn("neurons", "show", run, long_book, *same[2:]).err
    assert told("compare", run, long_book, *same[2:])["scores"][0]["unit"]


def test_models_are_compared_beside_what_the_last_characters_tell(charrnn, run, long_book):
    told = charrnn("neurons", "compare", run, run, long_book, "--feature", "inside_quotes").out.splitlines()
    assert "(last 5 0." in told[-1]


def test_directions_are_kept_in_a_file_and_shown_ablated_and_steered_by_name(charrnn, told, run, long_book, tmp_path):
    file = tmp_path / "directions.json"
    found = told("find", long_book, "--feature", "after_space", "--directions", file)["features"]
    assert "direction" not in found[0]
    unit = ("--unit", f"{file}:after_space")
    assert told("ablate", long_book, *unit, "--feature", "after_space")["kind"] == "direction"
    assert "random directions of the same layer" in charrnn("neurons", "ablate", run, long_book, *unit).out
    shown = charrnn("neurons", "show", run, long_book, *unit, "--format", "json", "--length", 300)
    values, text = (json.loads(shown.out)[key] for key in ("values", "text"))
    on = np.array([0, *(character == " " for character in text[:-1])], bool)
    assert np.mean(np.array(values)[on]) > np.mean(np.array(values)[~on])
    samples = told("steer", *unit, "--length", 40)["samples"]
    assert samples[0]["value"] < samples[2]["value"]
    mixed = charrnn("neurons", "show", run, long_book, *unit, "--unit", "0:1")
    assert (mixed.status, mixed.out) == (1, "")
    assert "units and directions have different scales; show them one after the other" in mixed.err
    refused = charrnn("neurons", "find", run, long_book, "--signals", "c", "--directions", file)
    assert "directions are of h, and the signals are c; add h to --signals" in refused.err


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_the_precision_of_a_recording_is_chosen_and_told(charrnn, told, run, long_book, precision):
    chosen = ("--precision", precision)
    for command, *options in (
        ("find", "--feature", "after_space"),
        ("ablate", "--unit=0:3", "--characters=200"),
        ("gates",),
        ("grep", "--unit=0:3", "--like=10:20"),
    ):
        assert told(command, long_book, *options, *chosen)["precision"] == precision
    assert told("compare", run, long_book, *chosen)["precision"] == precision
    shown = charrnn("neurons", "show", run, long_book, "--unit=0:3", "--format=json", *chosen)
    assert json.loads(shown.out)["precision"] == precision


def test_bfloat16_rounds_what_is_shown(charrnn, run, long_book):
    by_format = [
        json.loads(
            charrnn("neurons", "show", run, long_book, "--unit=0:3", "--format=json", f"--precision={number}").out
        )["values"]
        for number in ("float32", "bfloat16")
    ]
    assert 0 < np.abs(np.subtract(*by_format)).max() < 0.1


def test_find_tries_what_fits_the_kind_of_text_and_says_so(charrnn, run, long_book):
    result = charrnn("neurons", "find", run, long_book)
    assert result.status == 0, result.err
    assert "the features for prose are tried" in result.err
    assert "inside_quotes" in result.out
    assert "speech_line" not in result.out
    assert max(map(len, result.out.splitlines()[:-4])) <= 80
    chosen = charrnn("neurons", "find", run, long_book, "--text-kind", "play")
    assert "speech_line" in chosen.out


def test_the_tables_of_find_have_all_that_a_verdict_rests_on(charrnn, told, run, long_book):
    found = told("find", long_book)["features"]
    shown = charrnn("neurons", "find", run, long_book).out.splitlines()
    assert {each["sign"] for each in found} == {-1, 1}
    for each in found:
        unit, controls, verdict = (line for line in shown if line.startswith(each["feature"] + " "))
        assert f"{each['q_value']:.3f}".removeprefix("0")[:4] in unit.split()
        assert ("−" if each["sign"] < 0 else "+") + each["signal"] in unit.split()
        assert f"{each['episodes']:,}{'*' if each['episodes'] < 30 else ''}" in unit.split()
        scores = [each[name] for name in ("score", "surface_score", "longer_score", "counters_score")]
        scores += [each["untrained_score"], each["untrained_layer_score"], each["layer_score"]]
        for own, written in zip(scores, controls.split()[1:], strict=False):
            assert float(written) == pytest.approx(own, abs=0.006)
        assert verdict.split(None, 1)[1] == each["verdict_text"] or each["verdict"] == "halves disagree"


def test_units_are_recorded_in_the_number_format_that_is_asked_for(told, long_book):
    found = [
        told("find", long_book, "--feature", "line_position", "--precision", name) for name in ("float32", "bfloat16")
    ]
    assert [each["precision"] for each in found] == ["float32", "bfloat16"]
    first, second = (each["features"][0] for each in found)
    assert first["score"] != second["score"]


def test_of_the_models_own_text_the_part_is_searched_that_it_was_not_trained_on(charrnn, run, book):
    info = json.loads(charrnn("info", run, "--json").out)["corpus"]["split"]
    result = charrnn("neurons", "ablate", run, book, "--unit", "0:3", "--json")
    assert result.status == 0, result.err
    told = json.loads(result.out)
    assert told["part"] == "test"
    assert told["effects"]["all"]["characters"] == info["test"] - 1
    assert "over the test part of" in result.err


def test_a_part_that_is_too_short_to_search_is_refused(charrnn, run, book):
    result = charrnn("neurons", "find", run, book)
    assert result.status == 1
    assert "characters that the model knows; give 2,000 or more" in result.err


@pytest.mark.parametrize("part", ["train", "val", "test", "all", None])
def test_a_part_is_told_with_its_place_in_the_whole_text(run, book, part):
    passage = library.load(run).read(str(book), part=part)
    assert passage.part == (part or "test")
    assert len(passage) > 2
    assert book.read_text("utf-8").startswith(passage.before + passage.text)
    assert passage.start == len(passage.before)
    assert passage.before or part in ("train", "all")


def test_a_feature_that_hardly_changes_is_refused_alone(charrnn, run, long_book):
    result = charrnn("neurons", "find", run, long_book, "--feature", "digit_run")
    assert (result.status, result.out) == (1, "")
    assert "digit_run hardly changes" in result.err


def test_ablate_tells_the_cost_inside_and_outside_of_a_feature(told, charrnn, run, long_book):
    arguments = ("--unit", "0:3", "--feature", "inside_quotes", "--characters", 1500)
    effects = told("ablate", long_book, *arguments)["effects"]
    assert set(effects) == {"all", "inside", "outside", "closing"}
    assert effects["all"]["difference"] == pytest.approx(effects["all"]["held"] - effects["all"]["free"])
    shown = charrnn("neurons", "ablate", run, long_book, *arguments).out
    assert f"{effects['all']['free']:.3f}" in shown
    assert all(f"{effect['characters']:,}" in shown for effect in effects.values())
    assert "inside minus outside" in shown
    for how in ("zero", "resample"):
        found = told("ablate", long_book, *arguments, "--how", how)
        assert (found["how"], found["held_at"]) == (how, 0.0 if how == "zero" else None)
    assert max(map(len, shown.rpartition("\n\n")[0].splitlines())) <= 80


def test_a_count_has_no_inside(charrnn, run, long_book):
    result = charrnn("neurons", "ablate", run, long_book, "--unit", "0:3", "--feature", "line_position")
    assert result.status == 1
    assert "line_position is a count, with no inside" in result.err


def test_steer_writes_what_sample_writes_where_the_unit_is_free(told, charrnn, run):
    options = ("--prime", "the ", "--length", 60, "--temperature", 0.9, "--seed", 4)
    samples = {each["held"]: each for each in told("steer", "--unit", "0:3", *options)["samples"]}
    assert list(samples) == ["low", "free", "high"]
    assert samples["low"]["value"] < samples["high"]["value"]
    assert samples["free"]["text"] == charrnn("sample", run, *options).out
    held = told("steer", "--unit", "0:3", *options, "--low", -1, "--high", 1)["samples"]
    assert (held[0]["value"], held[2]["value"]) == (-1, 1)
    assert held[0]["text"] != held[2]["text"]


def test_steer_shows_the_three_side_by_side(charrnn, run):
    options = ["--length", 80, "--low", -1, "--high", 1, "--prime", "the cat\non a "]
    result = charrnn("neurons", "steer", run, "--unit", "0:3", *options)
    assert result.status == 0, result.err
    prime, head, *_ = result.out.splitlines()
    assert prime == "Each goes on from “the cat↵on a ”"
    assert head.index("low, h = -1.00") < head.index("free") < head.index("high, h = 1.00")
    assert max(map(len, result.out.splitlines())) <= 80


def test_without_a_prime_steer_goes_on_from_words_after_which_the_unit_has_switched(run, told):
    model = library.load(run)
    written, values = _by_itself(model.network, model.checkpoint, Unit(0, 3))
    prime = told("steer", "--unit", "0:3", "--length", 9)["prime"]
    place = written.index(prime)
    assert written[place - 1].isspace()
    end = place + len(prime)
    changes = [abs(values[t + 12 : t + 24].mean() - values[t : t + 12].mean()) for t in range(80, len(values) - 24)]
    assert max(changes[end - 140 : end - 103]) == max(changes)


def test_gates_are_drawn_and_told(told, charrnn, run, long_book, tmp_path):
    picture = tmp_path / "gates.png"
    result = told("gates", long_book, "-o", picture)
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert set(result["gates"]) == {"f", "i", "o"}
    assert len(result["gates"]["f"]["left"][0]) == len(result["half_life"][0]) == 16
    shown = charrnn("neurons", "gates", run, long_book).out
    assert "half-lives" in shown
    assert max(map(len, shown.splitlines())) <= 80


def test_grep_finds_the_same_passage_again_where_a_text_repeats(told, long_book):
    characters = long_book.read_text("utf-8")
    half = len(characters) // 2
    result = told("grep", long_book, "--unit", "0:3", "--unit", "0:5", "--like", "1200:1230", "--count", 2)
    assert result["like"]["text"] == characters[1200:1230]
    assert result["matches"][0]["start"] == 1200 + half
    assert result["matches"][0]["text"] == characters[1200:1230]
    assert result["matches"][0]["distance"] < 0.01 < result["matches"][1]["distance"]


def test_what_grep_ranks_first_does_not_hang_on_the_machine(told, long_book, monkeypatch):
    """Passages most alike differ by less than bfloat16 rounds away, which some processors multiply in."""
    found = []
    for has_it in (False, True):
        monkeypatch.setattr("charrnn.model.devices._has_bfloat16", lambda device, has_it=has_it: has_it)
        found.append(told("grep", long_book, "--unit", "0:3", "--like", "1200:1230"))
    assert found[0] == found[1]


@pytest.mark.parametrize("like", ["", "5", "9:4", "4:4", "a:b", "0:99999999", "-1:4"])
def test_what_is_no_passage_is_refused(charrnn, run, long_book, like):
    result = charrnn("neurons", "grep", run, long_book, "--unit", "0:3", "--like", like)
    assert result.status == 1
    assert "is no passage of" in result.err


@pytest.mark.parametrize(("count", "length"), [(1, 4), (2, 4), (3, 12), (4, 8), (99, 20)])
def test_no_more_of_a_text_is_encoded_than_holds_what_is_asked_for(make_checkpoint, count, length):
    text = "xxab" * 5  # the model knows a and b
    assert beginning(make_checkpoint(), text, count) == text[:length]


def test_a_feature_that_is_never_on_is_told(charrnn, run, long_book):
    result = charrnn("neurons", "ablate", run, long_book, "--unit", "0:3", "--feature", "inside_url")
    assert result.status == 0, result.err
    assert "inside_url is never on in these" in result.err


def test_compare_pairs_each_unit_with_itself_in_the_same_model(charrnn, run, long_book):
    options = ("--feature", "inside_quotes", "--json")
    result = charrnn("neurons", "compare", run, run, f"{run}/last.safetensors", long_book, *options)
    assert result.status == 0, result.err
    told = json.loads(result.out)
    assert len(told["matches"]) == 2
    assert len(told["scores"]) == 3
    for pair in told["matches"][0]["pairs"]:
        assert pair["first"] == pair["second"]
        assert pair["correlation"] == pytest.approx(1, abs=1e-3)
    assert told["scores"][0]["unit"] == told["scores"][1]["unit"]


def test_one_model_cannot_be_compared(charrnn, run, long_book):
    assert charrnn("neurons", "compare", run, long_book).status == 2
    assert charrnn("neurons", "compare", run).status == 2
    assert charrnn("neurons", "compare", run, run, long_book, "-o", "picture.png").status == 2
    assert charrnn("neurons", "compare", run, run, long_book, "--part", "val").status == 2


def test_a_run_that_kept_no_stages_is_told_how_to(charrnn, run, long_book):
    result = charrnn("neurons", "compare", run, long_book, "--feature", "inside_quotes")
    assert result.status == 1
    assert "has kept no model of its stages; train with --keep-checkpoints" in result.err


@pytest.fixture
def kept(charrnn, long_book, tmp_path):
    """A run that kept its stages, at steps 2, 4 and 5."""
    options = ("--steps", 5, "--sample-every", 2, "--hidden-size", 8, "--embedding-size", 4, "--keep-checkpoints")
    result = charrnn("train", long_book, "--out", tmp_path / "kept", "--test-fraction", "0.6", *options)
    assert result.status == 0, result.err
    return tmp_path / "kept"


def test_the_stages_of_a_run_tell_when_a_unit_was_born(charrnn, kept, long_book, tmp_path):
    asked = ("neurons", "compare", kept, long_book, "--feature", "line_position")
    result = charrnn(*asked, "--json", "-o", tmp_path / "born.png")
    assert result.status == 0, result.err
    told = json.loads(result.out)
    assert [stage["step"] for stage in told["stages"]] == [2, 4, 5]
    assert told["part"] == "test"
    assert told["unit"] == told["stages"][-1]["best_unit"]
    assert told["stages"][-1]["score"] == told["stages"][-1]["best_score"]
    assert told["stages"][-1]["score"] < told["surface_score"]
    assert told["born"] is None
    assert (tmp_path / "born.png").read_bytes().startswith(b"\x89PNG")
    lines = charrnn(*asked).out.splitlines()
    assert max(map(len, lines[1:])) <= 80, lines
    assert [line.split()[0] for line in lines[4:7]] == ["2", "4", "5"]


@pytest.mark.parametrize(
    ("pattern", "says"),
    [
        (
            "X=zzz$",
            "nowhere in 3,001 characters; give a text in which it changes, or another feature or pattern",
        ),
        ("X=\\Athe", "X is on nowhere in 3,001 characters"),
        ("X=.|\\n", "X is on everywhere in 3,001 characters"),
        ("X=#", " of 3,001 characters: it takes 10 or more with it, and without, in each half; give a longer text"),
    ],
)
def test_a_pattern_that_tells_too_little_is_told_how_often_it_is_on(charrnn, run, tmp_path, pattern, says):
    text = tmp_path / "text.txt"
    text.write_text("a cat sat\n" * 150 + "#" + "a cat sat\n" * 150, "utf-8")
    result = charrnn("neurons", "find", run, text, "--regex", pattern, "--characters", 3001)
    assert result.status == 1
    assert says in result.err.splitlines()[-1]


def test_without_a_source_the_text_is_the_models_own(charrnn, run, book):
    named, own = (charrnn("neurons", "show", run, *source, "--unit", "0:3", "--length", 40) for source in ([book], []))
    assert (own.status, own.out) == (0, named.out)


def test_a_model_whose_text_is_gone_writes_one_and_writes_the_same_again(charrnn, model_without_a_text):
    first, again = (charrnn("neurons", "show", model_without_a_text, "--unit", "0:3", "--length", 40) for _ in "ab")
    assert "it writes 20,000 characters itself (seed 0)" in first.err
    assert "a text that the model wrote itself, characters 0 to 40 of 20,000" in first.out
    assert first.out == again.out
    found = charrnn("neurons", "find", model_without_a_text, "--characters", 3000, "--feature", "line_position")
    assert found.status == 0, found.err
    refused = charrnn("neurons", "show", model_without_a_text, "--unit", "0:3", "--part", "test")
    assert (refused.status, refused.out) == (1, "")
    assert refused.err.splitlines()[-1].endswith("is not here; name a SOURCE, or leave --part out")


@pytest.fixture
def model_without_a_text(run, tmp_path):
    path = tmp_path / "model.safetensors"
    library.load(run).save(path)
    return path


def test_steer_counts_how_often_a_feature_ends_in_what_is_written(told, charrnn, run):
    options = ("--unit", "0:3", "--length", 40, "--low", -1, "--high", 1, "--feature", "after_space", "--count", 5)
    samples = told("steer", *options)["samples"]
    for each in (sample["measured"] for sample in samples):
        assert each["texts"] == 5
        assert each["rate"] is None or 0 <= each["low"] <= each["rate"] <= each["high"] <= 1
    shown = charrnn("neurons", "steer", run, *options).out
    assert "after_space in 5 texts each" in shown
    assert max(map(len, shown.splitlines())) <= 80
    refused = charrnn("neurons", "steer", run, *options[:-4], "--feature", "line_position")
    assert "line_position is a count, with no end" in refused.err


def test_what_steering_measures_is_what_a_loop_counts():
    before = np.array([[0, 1, 1, 1, 0, 0], [1, 1, 0, 0, 1, 1]])
    drawn = np.array([[1, 1, 1, 0, 0, 1], [1, 0, 0, 1, 1, 0]])
    found = Measured.of(before, drawn, 0)
    assert (found.texts, found.ends, found.inside) == (2, 3, 7 / 12)
    assert found.rate == pytest.approx(3 / 7)
    assert found.low <= found.rate <= found.high
    assert Measured.of(np.zeros((2, 3)), np.ones((2, 3)), 0).rate is None
